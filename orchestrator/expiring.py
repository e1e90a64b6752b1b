"""The end of deployments: later ones are put off, due ones removed, near ones warned of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.deployer import Deployer
from orchestrator.drivers import command
from orchestrator.drivers.environment import child_environment
from orchestrator.errors import OrchestratorError, RefusedError, RequestError
from orchestrator.lifecycle import Phase
from orchestrator.model import Deployment
from orchestrator.store import Store

WARN_BEFORE = timedelta(days=1)
_HOOK_SECONDS = 60.0


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
        hook: Sequence[str] = (),
        environment: Mapping[str, str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._deployer = deployer
        self._store = store
        self._owner = owner
        self._hook = tuple(hook)
        self._environment = environment
        self._now = now

    def run(self) -> list[Ended]:
        """Warn of what ends soon, remove what is due; what cannot be removed now is told, and tried next time."""
        every = self._store.all(owner=self._owner)
        warned = [self._warn(one) for one in near(every, now=self._now())]
        removed = [self._remove(one) for one in due(every, now=self._now())]
        return [*(one for one in warned if one is not None), *removed]

    def _remove(self, deployment: Deployment) -> Ended:
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
        """Tell the hook once of a deployment that ends soon."""
        end = deployment.expires_at.isoformat()
        told = f"warned of the end at {end}"
        if any(event.text == told for event in self._store.events(deployment)):
            return None
        detail = self._call(deployment) if self._hook else ""
        if not detail:
            self._store.note(deployment, phase="expire", text=told)
        return Ended(deployment=deployment, what="warned", detail=detail)

    def _call(self, deployment: Deployment) -> str:
        """Give the hook what a warning needs on its standard input; say what went wrong with it."""
        told = json.dumps(
            {
                "name": deployment.name,
                "owner": deployment.owner,
                "use_case": deployment.use_case,
                "site": deployment.site,
                "expires_at": deployment.expires_at.isoformat(),
                "extend": f"orchestrator extend {deployment.name} --days 7",
            }
        )
        env = child_environment(self._environment)
        try:
            answer = command.run(self._hook, env=env, timeout=_HOOK_SECONDS, stdin=told)
        except (command.CommandTimeoutError, OrchestratorError) as error:
            return f"the warning hook failed: {error}"
        return "" if answer.code == 0 else f"the warning hook failed: {answer.last_words}"
