"""One deployment, one writer: a lease with a heartbeat."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

import sqlalchemy as sa

from orchestrator.errors import RefusedError, SetupError
from orchestrator.model import Deployment
from orchestrator.store import opening, schema

_LIFE = timedelta(seconds=60)
HEARTBEAT_SECONDS = 15.0
_SPARE_SECONDS = 2.0


class LeaseLostError(RefusedError):
    """Another run has taken the deployment over; this one must not write any more."""


def _ignore() -> None:
    """Do nothing."""


class Lease:
    """Held while a process works on a deployment; a dead holder's lease is taken over.

    ``on_lost`` is called from another thread when a heartbeat finds that it is held no longer.
    """

    def __init__(
        self,
        engine: sa.Engine,
        deployment: Deployment,
        *,
        clock: Callable[[], datetime],
        on_lost: Callable[[], None] = _ignore,
        every: float = HEARTBEAT_SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine = engine
        self._deployment = deployment
        self._clock = clock
        self._on_lost = on_lost
        self._every = every
        self._pause = pause
        self._held_until = clock()
        # The counter keeps two leases of one process apart.
        self._holder = f"{_this_process()} {id(self)}"
        self._released = threading.Event()
        self._heartbeat = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        """Take the lease, or raise RefusedError naming who has it."""
        try:
            believed = self._take(None)
            if believed is not None:
                # By our clock it is over. Its holder's may be another: a living one moves it in time.
                self._pause(self._every + _SPARE_SECONDS)
                self._take(believed)
        except sa.exc.IntegrityError as error:
            # Two that saw it free at once: the database let the other one in.
            with self._engine.connect() as connection:
                holder = self._read_holder(connection)
            raise self._refused(holder) from error
        self._heartbeat.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Give it back."""
        self._released.set()
        self._heartbeat.join()
        try:
            with opening.writing(self._engine) as connection:
                connection.execute(schema.leases.delete().where(self._mine))
        except SetupError:
            # The error that ended the run says more, and the lease ends with this process.
            if error is None:
                raise

    def require(self) -> None:
        """Raise LeaseLostError when another run has taken over, or may have while the store was away."""
        with opening.writing(self._engine) as connection:
            self.require_in(connection)

    def require_in(self, connection: sa.Connection) -> None:
        """Do so in a transaction: what else it writes is written by who has the lease, or not at all."""
        if self._renew(connection):
            return
        holder, name = self._read_holder(connection), self._deployment.name
        raise LeaseLostError(
            f"this run was silent for too long, and {name} was taken over by {_describe(holder)}",
            facts={"this run": _describe(self._holder)},
            way_out=[
                "leave it to the other run: what this one had made is known to it",
                f"orchestrator status {name}",
            ],
        )

    def _read_holder(self, connection: sa.Connection) -> str | None:
        table = schema.leases
        query = sa.select(table.c.holder).where(table.c.deployment_id == self._deployment.id)
        holder: str | None = connection.execute(query).scalar()
        return holder

    def _renew(self, connection: sa.Connection) -> bool:
        """Write a heartbeat; tell whether the lease is still held."""
        until = self._clock() + _LIFE
        written = connection.execute(
            schema.leases.update().where(self._mine).values({"until": until})
        )
        if written.rowcount:
            self._held_until = until
        return bool(written.rowcount)

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        table = schema.leases
        same = table.c.deployment_id == self._deployment.id
        return sa.and_(same, table.c.holder == self._holder)

    def _take(self, believed: datetime | None) -> datetime | None:
        """Take the lease and return None, or return its end where another machine's seems to be over.

        One whose end is still the one that was ``believed`` is over.
        """
        table = schema.leases
        same = table.c.deployment_id == self._deployment.id
        with opening.writing(self._engine) as connection:
            if self._engine.dialect.name == "sqlite":
                # A deferred transaction would let two processes read "free" and both write.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            row = connection.execute(sa.select(table).where(same).with_for_update()).first()
            if row is not None and not _is_dead(row.holder):
                if row.until > self._clock() or believed not in (None, row.until):
                    raise self._refused(row.holder)
                if believed is None and not _is_here(row.holder):
                    until: datetime = row.until
                    return until
            if row is not None:
                # That row and no other: where none was seen, one may be there by now, of another run.
                connection.execute(table.delete().where(same, table.c.holder == row.holder))
            until = self._clock() + _LIFE
            values = {"deployment_id": self._deployment.id, "holder": self._holder, "until": until}
            connection.execute(table.insert().values(values))
        self._held_until = until
        return None

    def _refused(self, holder: str | None) -> RefusedError:
        name = self._deployment.name
        return RefusedError(
            f"{name} is being worked on by another run ({_describe(holder)})",
            way_out=["wait until it has ended", f"orchestrator status {name}"],
        )

    def _beat(self) -> None:
        while not self._released.wait(self._every):
            try:
                with opening.writing(self._engine) as connection:
                    is_held = self._renew(connection)
            except SetupError:
                # A beat that cannot be written is made up for by the next: the lease lasts four.
                is_held = self._clock() <= self._held_until
            if not is_held:
                self._on_lost()
                return


def _this_process() -> str:
    pid = os.getpid()
    return f"{socket.gethostname()} {pid} {_started(pid)}"


def _describe(holder: str | None) -> str:
    if holder is None:
        return "a run that has ended"
    host, pid, *_ = holder.split()
    return f"process {pid} on {host}"


def _is_dead(holder: str) -> bool:
    """Tell whether the holder was a process of this machine that has ended.

    A process id alone is not enough, since it may have been given out again.
    """
    _, pid, started, *_ = holder.split()
    return _is_here(holder) and _started(int(pid)) != started


def _is_here(holder: str) -> bool:
    return holder.split()[0] == socket.gethostname()


def _started(pid: int) -> str:
    try:
        # Field 22, counted behind the program's name, which may hold spaces.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "gone"
