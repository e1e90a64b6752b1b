"""Open a store and bring its tables up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orchestrator.errors import SetupError
from orchestrator.store import schema

# The newest file of migrations/versions: kept here so that an up-to-date store is
# opened without importing Alembic, which costs as much as the rest of a command.
HEAD = "0004"

# As Alembic keeps it, so that a later version migrates a store from here.
_VERSIONS = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

_MIGRATIONS = Path(__file__).parent / "migrations"


def open_engine(url: str) -> sa.Engine:
    """Return an engine whose tables are of this version.

    Raises SetupError when the database cannot be opened, is damaged, or was
    written by a newer version of this program.
    """
    try:
        engine = sa.create_engine(_with_driver(url))
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
        version = _version(engine)
        if version is None:
            _make(engine)
        elif version != HEAD:
            _migrate(engine, version)
    except ImportError as error:
        raise SetupError(
            f"the store {_shown(url)} cannot be opened: {error}",
            way_out=["pip install 'egi-orchestrator[postgresql]'"],
        ) from error
    except (sa.exc.SQLAlchemyError, UnicodeError) as error:
        raise SetupError(
            f"the store {_shown(url)} cannot be opened: {_cause(error)}",
            way_out=[
                "check that the folder is writable, the disk has room and the address is right"
            ],
        ) from error
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection in a transaction; SetupError on a full disk or a lost server."""
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.OperationalError as error:
        raise SetupError(
            f"the store cannot be written: {error.orig}",
            way_out=["make room on its disk or start its server, then the same command again"],
        ) from error


def _with_driver(url: str) -> sa.URL:
    # What people write, and what SQLAlchemy takes for another driver than ours.
    read = sa.make_url(url)
    ours = read.drivername in ("postgresql", "postgres")
    return read.set(drivername="postgresql+psycopg") if ours else read


def _shown(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "at that address"


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # WAL lets `status` read while a deploy writes; the rest waits instead of failing.
    for pragma in ("journal_mode = WAL", "busy_timeout = 15000", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _version(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return _version_seen(connection)


def _version_seen(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSIONS.name):
        return None
    return connection.execute(sa.select(_VERSIONS.c.version_num)).scalar()


def _make(engine: sa.Engine) -> None:
    """Make the tables of a new store as they are today: there is nothing to migrate."""
    with engine.begin() as connection:
        # Two first commands at once: the second waits here and then finds it done.
        _wait_for_others(connection)
        if _version_seen(connection) is None:
            schema.metadata.create_all(connection)
            _VERSIONS.create(connection)
            connection.execute(_VERSIONS.insert().values(version_num=HEAD))


def _wait_for_others(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(engine: sa.Engine, version: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            _wait_for_others(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise SetupError(
            f"the store is of version {version}, which this program (store version {HEAD}) does not know",
            way_out=["use the newer orchestrator that wrote it"],
        ) from error


def _cause(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
