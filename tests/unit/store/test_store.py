"""The store keeps what it is given, and gives each living name once."""

import sqlite3
import sys
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from orchestrator.errors import RequestError, SetupError
from orchestrator.lifecycle import Phase
from orchestrator.store import Store, opening, schema


def test_a_deployment_comes_back_as_it_was_given(store, deployment, selection, node):
    whole = replace(deployment, selection=selection, nodes=(node,), parameters={"n": 1})
    store.add(whole)
    assert store.find(whole.name, owner=whole.owner) == whole


def test_a_living_name_is_given_once(store, deployment):
    store.add(deployment)
    with pytest.raises(RequestError, match="sky is taken"):
        store.add(replace(deployment, id="other"))


def test_another_owner_may_use_the_same_name(store, deployment):
    store.add(deployment)
    store.add(replace(deployment, id="other", owner="local:bob"))
    assert [d.id for d in store.all(owner="local:bob")] == ["other"]


def test_the_name_of_a_destroyed_deployment_is_free_and_its_record_stays(store, deployment):
    store.add(deployment)
    gone = store.move(store.move(deployment, Phase.DESTROYING), Phase.DESTROYED)
    assert store.find("sky", owner=gone.owner) is None
    assert store.last("sky", owner=gone.owner).phase is Phase.DESTROYED
    store.add(replace(deployment, id="second"))
    assert [d.id for d in store.all(owner=gone.owner)] == ["second"]


def test_a_phase_cannot_be_skipped(store, deployment):
    store.add(deployment)
    with pytest.raises(ValueError, match="cannot go from requested to ready"):
        store.move(deployment, Phase.READY)


def test_a_move_forgets_the_earlier_failure(store, deployment):
    store.add(deployment)
    failed = store.update(deployment, failure="the site was down")
    assert store.move(failed, Phase.CHOSEN).failure is None


def test_events_come_back_in_order(store, deployment):
    store.add(deployment)
    store.note(deployment, phase="plan", text="11 to create")
    store.note(deployment, phase="apply", text="11 created")
    assert [event.text for event in store.events(deployment)] == ["11 to create", "11 created"]


def test_the_file_is_readable_by_its_owner_alone(tmp_path):
    Store.in_folder(tmp_path / "data").close()
    assert (tmp_path / "data" / "store.sqlite").stat().st_mode & 0o077 == 0


def test_a_damaged_store_is_named(tmp_path):
    (tmp_path / "store.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(SetupError, match="store.sqlite cannot be opened: file is not a database"):
        Store.in_folder(tmp_path)


def test_a_newer_store_is_refused(tmp_path):
    Store.in_folder(tmp_path).close()
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SetupError, match="version 9999"):
        Store.in_folder(tmp_path)


def test_the_migrations_make_exactly_the_tables_of_the_schema(tmp_path):
    engine = opening.open_engine(f"sqlite:///{tmp_path}/store.sqlite")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == opening.HEAD
        assert sa.inspect(connection).get_unique_constraints("deployments")


def test_a_postgresql_without_its_driver_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SetupError, match="postgresql://db.eu/o cannot be opened") as caught:
        Store("postgresql://db.eu/o")
    assert caught.value.way_out == ("pip install 'egi-orchestrator[postgresql]'",)


def test_an_address_that_is_none_is_refused_without_showing_it():
    with pytest.raises(SetupError, match="the store at that address cannot be opened") as caught:
        Store("ada:secret")
    assert "secret" not in str(caught.value)
