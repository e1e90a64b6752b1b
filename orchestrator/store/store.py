"""The store: every deployment, what happened to it, and the lease of who works on it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orchestrator.errors import RequestError, SetupError
from orchestrator.lifecycle import Phase, is_allowed
from orchestrator.model import Deployment, Proof
from orchestrator.store import durations, leases, opening, proofs, records, schema
from orchestrator.store.offers import Offers


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a deployment."""

    at: datetime
    phase: str
    text: str


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class Store:
    """Deployments by name; SQLite by default, PostgreSQL by its URL."""

    def __init__(self, url: str, *, clock: Callable[[], datetime] = now) -> None:
        self._engine = opening.open_engine(url)
        self._clock = clock
        self._lease: leases.Lease | None = None

    @classmethod
    def in_folder(cls, folder: Path) -> Store:
        """Open the SQLite store of a folder, readable by its owner alone."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = folder / "store.sqlite"
            file.touch(mode=0o600)
        except OSError as error:
            raise SetupError(
                f"the store cannot be made in {folder}: {error.strerror}",
                way_out=["check the folder's owner and the room on its disk"],
            ) from error
        return cls(f"sqlite:///{file}")

    @property
    def offers(self) -> Offers:
        """What sites offered, as it was collected."""
        return Offers(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def add(self, deployment: Deployment) -> None:
        """Take a name for a new deployment.

        Raises RequestError when a living deployment of the same owner has it.
        """
        try:
            with opening.writing(self._engine) as connection:
                connection.execute(schema.deployments.insert().values(records.to_row(deployment)))
        except sa.exc.IntegrityError as error:
            raise RequestError(
                f"the name {deployment.name} is taken by another deployment of yours",
                way_out=[f"orchestrator show {deployment.name}", "choose another name"],
            ) from error

    def find(self, name: str, *, owner: str) -> Deployment | None:
        """Return the living deployment of that name, or None."""
        table = schema.deployments
        return self._one(table.c.living_name == f"{owner}/{name}")

    def last(self, name: str, *, owner: str) -> Deployment | None:
        """Return the newest deployment of that name, a destroyed one too, or None."""
        table = schema.deployments
        return self._one((table.c.name == name) & (table.c.owner == owner))

    def require(self, name: str, *, owner: str, destroyed: bool = False) -> Deployment:
        """Return the deployment of that name, or raise RequestError naming those there are."""
        found = (self.last if destroyed else self.find)(name, owner=owner)
        if found is None:
            names = [deployment.name for deployment in self.all(owner=owner)]
            raise RequestError(
                f"you have no deployment named {name}",
                facts={"you have": ", ".join(names) or "none"},
                way_out=["orchestrator list"],
            )
        return found

    def known(self, deployment_id: str) -> Deployment | None:
        """Return the deployment with that id, whoever's and also a destroyed one, or None."""
        return self._one(schema.deployments.c.id == deployment_id)

    def get(self, deployment_id: str) -> Deployment:
        """Return a deployment by its id; it must exist."""
        found = self.known(deployment_id)
        if found is None:
            raise RequestError(f"there is no deployment with the id {deployment_id}")
        return found

    def all(self, *, owner: str, destroyed: bool = False) -> list[Deployment]:
        """Return the owner's deployments, oldest first."""
        table = schema.deployments
        query = sa.select(table).where(table.c.owner == owner).order_by(table.c.created_at)
        if not destroyed:
            query = query.where(table.c.living_name.is_not(None))
        with self._engine.connect() as connection:
            return [records.from_row(row) for row in connection.execute(query).mappings()]

    def move(self, deployment: Deployment, phase: Phase, **changes: Any) -> Deployment:
        """Bring a deployment into a phase, with other changes of its record.

        A failure noted earlier is gone unless it is among the changes.
        """
        if not is_allowed(deployment.phase, phase):
            raise ValueError(f"{deployment.name} cannot go from {deployment.phase} to {phase}")
        return self._save(deployment, {"phase": phase, "failure": None, **changes})

    def update(self, deployment: Deployment, **changes: Any) -> Deployment:
        """Change a record without changing its phase."""
        return self._save(deployment, changes)

    def note(self, deployment: Deployment, *, phase: str, text: str) -> None:
        """Record that something happened."""
        values = {"deployment_id": deployment.id, "at": self._clock(), "phase": phase, "text": text}
        with self._writing() as connection:
            connection.execute(schema.events.insert().values(values))

    def events(self, deployment: Deployment) -> list[Event]:
        """Return what happened to a deployment, oldest first."""
        table = schema.events
        query = (
            sa.select(table.c.at, table.c.phase, table.c.text)
            .where(table.c.deployment_id == deployment.id)
            .order_by(table.c.number)
        )
        with self._engine.connect() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]

    def making_seconds(self, *, site: str, use_case: str) -> float | None:
        """Return how long making a use case at a site took lately, None where nobody knows."""
        return durations.making_seconds(self._engine, site=site, use_case=use_case)

    def remember(self, proof: Proof, *, site: str, vo: str) -> None:
        """Keep that a machine was reached over a network of a site."""
        proofs.remember(self._engine, proof, site=site, vo=vo)

    def proofs(self, *, site: str, vo: str) -> tuple[Proof, ...]:
        """Return the networks of a site over which machines were reached, the newest first."""
        return proofs.known(self._engine, site=site, vo=vo)

    def lease(
        self,
        deployment: Deployment,
        *,
        on_lost: Callable[[], None] = lambda: None,
        every: float = leases.HEARTBEAT_SECONDS,
    ) -> leases.Lease:
        """Return the lease on a deployment, to be held while working on it."""
        return leases.Lease(
            self._engine, deployment, clock=self._clock, on_lost=on_lost, every=every
        )

    def under(self, lease: leases.Lease) -> Store:
        """Return this store for the run that holds the lease: it writes no more once that is lost."""
        view = copy.copy(self)
        view._lease = lease
        return view

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction; one that has lost its lease gets none."""
        with opening.writing(self._engine) as connection:
            if self._lease is not None:
                self._lease.require_in(connection)
            yield connection

    def _save(self, deployment: Deployment, changes: dict[str, Any]) -> Deployment:
        """Write what has changed and nothing else, and return the record as it is now.

        Somebody may have put the end off while a run was at work on the rest.
        """
        changed = replace(deployment, updated_at=self._clock(), **changes)
        before, after = records.to_row(deployment), records.to_row(changed)
        values = {
            name: after[name] for name in after if before[name] != after[name] or name in changes
        }
        table = schema.deployments
        with self._writing() as connection:
            connection.execute(table.update().where(table.c.id == changed.id).values(values))
        return self.get(changed.id)

    def _one(self, condition: sa.ColumnElement[bool]) -> Deployment | None:
        table = schema.deployments
        query = sa.select(table).where(condition).order_by(table.c.created_at.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return records.from_row(row) if row else None
