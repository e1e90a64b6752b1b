"""The end of deployments: later ones are put off, due ones removed, near ones warned of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.deployer import Deployer
from orchestrator.errors import OrchestratorError, RefusedError, RequestError
from orchestrator.lifecycle import Phase
from orchestrator.model import Deployment
from orchestrator.store import Store
from orchestrator.warning import Warn

WARN_BEFORE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a deployment whose end has come, or is near."""

    deployment: Deployment
    what: str  # removed, failed, warned
    detail: str = ""


def extend(
    store: Store, deployment: Deployment, *, days: int, longest_days: int, now: datetime
) -> Deployment:
    """Put a deployment's end off to so many days from now.

    Raises RefusedError when that is longer than the policy allows, counted from its beginning.
    """
    if deployment.phase in (Phase.DESTROYING, Phase.DESTROYED):
        raise RequestError(
            f"{deployment.name} is {deployment.phase.value}: it has no end to put off"
        )
    until = now + timedelta(days=days)
    last = deployment.created_at + timedelta(days=longest_days)
    if until > last:
        raise RefusedError(
            f"{deployment.name} may live until {last:%d %b %Y} and not longer"
            f" ({longest_days} days in all)",
            facts={"asked for": f"{until:%d %b %Y}", "made": f"{deployment.created_at:%d %b %Y}"},
            way_out=["fewer --days", "longest_days in config.yaml", "or deploy anew"],
        )
    return store.update(deployment, expires_at=until)


def due(deployments: Sequence[Deployment], *, now: datetime) -> list[Deployment]:
    """Return the living ones whose end has come, the longest overdue first."""
    living = [one for one in deployments if one.phase is not Phase.DESTROYED]
    found = [one for one in living if one.expires_at <= now]
    return sorted(found, key=lambda one: (one.expires_at, one.name))


def near(deployments: Sequence[Deployment], *, now: datetime) -> list[Deployment]:
    """Return the living ones whose end comes within a day."""
    living = [one for one in deployments if one.phase is not Phase.DESTROYED]
    return [one for one in living if now < one.expires_at <= now + WARN_BEFORE]


class Expiry:
    """One round over all deployments of an owner; to be made from cron or by a worker."""

    def __init__(
        self,
        *,
        deployer: Deployer,
        store: Store,
        owner: str,
        ways: Mapping[str, Warn] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._deployer = deployer
        self._store = store
        self._owner = owner
        self._ways = dict(ways or {})
        self._now = now

    def run(self) -> list[Ended]:
        """Warn of what ends soon, remove what is due; what cannot be removed now is told, and tried next time."""
        every = self._store.all(owner=self._owner)
        warned = [self._warn(one) for one in near(every, now=self._now())]
        removed = [self._remove(one) for one in due(every, now=self._now())]
        return [one for one in (*warned, *removed) if one is not None]

    def _remove(self, deployment: Deployment) -> Ended | None:
        # Removing the ones before may have taken an hour, in which somebody put the end off.
        if self._store.get(deployment.id).expires_at > self._now():
            return None
        try:
            gone = self._deployer.destroy(deployment.name)
        except OrchestratorError as error:
            return Ended(deployment=deployment, what="failed", detail=error.message)
        kept = ", ".join(f"{one.name} ({one.id})" for one in gone.kept)
        return Ended(
            deployment=gone,
            what="removed",
            detail=f"its data is kept: volume {kept}" if kept else "",
        )

    def _warn(self, deployment: Deployment) -> Ended | None:
        """Tell once by each way of a deployment that ends soon; one that fails is tried again next time."""
        told = {event.text for event in self._store.events(deployment)}
        said, remarks = False, []
        for way, text in self._due_warnings(deployment):
            if text in told:
                continue
            try:
                remarks.append(self._ways.get(way, _say_nothing)(deployment))
            except OrchestratorError as error:
                remarks.append(error.message)
                continue
            said = True
            self._store.note(deployment, phase="expire", text=text)
        detail = "; ".join(remark for remark in remarks if remark)
        return (
            Ended(deployment=deployment, what="warned", detail=detail) if said or detail else None
        )

    def _due_warnings(self, deployment: Deployment) -> list[tuple[str, str]]:
        end = f"warned of the end at {deployment.expires_at.isoformat()}"
        # Without any way the command's own words are the warning.
        return [(way, f"{end} by {way}") for way in self._ways] or [("", end)]


def _say_nothing(_deployment: Deployment) -> str:
    """Leave it to the command's own words."""
    return ""
