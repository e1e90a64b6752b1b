"""A store is brought up to date with what is in it, and one of every version is still read."""

from __future__ import annotations

import json
import sqlite3

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from orchestrator.lifecycle import Phase
from orchestrator.model import Proof
from orchestrator.store import Store, opening, records, schema
from tests.unit.store.old_records import OLD_NODE, OLD_SELECTION


def config():
    made = Config()
    made.set_main_option("script_location", str(opening._MIGRATIONS))
    return made


VERSIONS = sorted(one.revision for one in ScriptDirectory.from_config(config()).walk_revisions())


def migrate(file, verb, version):
    engine = sa.create_engine(f"sqlite:///{file}")
    made = config()
    with engine.begin() as connection:
        made.attributes["connection"] = connection
        getattr(command, verb)(made, version)
    engine.dispose()


@pytest.fixture
def old_store(tmp_path, deployment):
    """Write a store of a version, with a ready deployment, an event and a lease in it."""

    def make(version):
        file = tmp_path / "store.sqlite"
        migrate(file, "upgrade", version)
        row = {**records.to_row(deployment), "selection": OLD_SELECTION, "nodes": [OLD_NODE]}
        row |= {"phase": "ready"}
        texts = {
            key: json.dumps(value) if isinstance(value, dict | list) else value
            for key, value in row.items()
        }
        for moment in ("created_at", "updated_at", "expires_at"):
            texts[moment] = row[moment].strftime("%Y-%m-%d %H:%M:%S.%f")
        with sqlite3.connect(file) as connection:
            columns = connection.execute("SELECT name FROM pragma_table_info('deployments')")
            known = {name for (name,) in columns}
            texts = {name: text for name, text in texts.items() if name in known}
            names = ", ".join(texts)
            marks = ", ".join("?" for _ in texts)
            connection.execute(
                f"INSERT INTO deployments ({names}) VALUES ({marks})", tuple(texts.values())
            )
            connection.execute(
                "INSERT INTO events (deployment_id, at, phase, text)"
                " VALUES ('0f3c', '2026-11-23 12:00:00.000000', 'ready', 'all checks hold')"
            )
        return file

    return make


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_an_older_version_is_read_with_all_that_is_in_it(old_store, version, deployment):
    file = old_store(version)
    store = Store.in_folder(file.parent)
    found = store.find("sky", owner=deployment.owner)
    assert (found.phase, found.id) == (Phase.READY, "0f3c")
    assert found.selection.topology.value == "floating"
    assert found.created_at == deployment.created_at
    assert [event.text for event in store.events(found)] == ["all checks hold"]
    store.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_that_was_brought_up_to_date_has_exactly_the_tables_of_the_schema(
    old_store, version
):
    engine = opening.open_engine(f"sqlite:///{old_store(version)}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == opening.HEAD
    engine.dispose()


def test_proofs_are_kept_in_a_store_that_was_brought_up_to_date(old_store, deployment):
    store = Store.in_folder(old_store("0001").parent)
    proof = Proof(network_id="n", topology="floating", at=deployment.created_at)
    store.remember(proof, site="SIM", vo="v")
    assert store.proofs(site="SIM", vo="v") == (proof,)
    store.close()


def test_each_migration_can_be_taken_back_and_leaves_the_deployments(old_store):
    file = old_store("0001")
    opening.open_engine(f"sqlite:///{file}").dispose()
    migrate(file, "downgrade", "0001")
    with sqlite3.connect(file) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        assert "proofs" not in tables
        assert connection.execute("SELECT count(*) FROM deployments").fetchone() == (1,)


def test_the_newest_migration_is_the_one_that_the_program_knows():
    assert ScriptDirectory.from_config(config()).get_heads() == [opening.HEAD]


def test_an_up_to_date_store_is_opened_without_alembic(old_store, monkeypatch):
    url = f"sqlite:///{old_store('0001')}"
    opening.open_engine(url).dispose()
    monkeypatch.setattr(opening, "_migrate", lambda *_: pytest.fail("it was migrated again"))
    opening.open_engine(url).dispose()
