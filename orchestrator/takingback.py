"""What a run that did not end cleanly left at the site: found, judged, removed, or taken back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.drivers.openstack import Cloud
from orchestrator.drivers.openstack_marks import Resource
from orchestrator.errors import DeploymentFailedError, InterruptedRunError
from orchestrator.journal import Journal
from orchestrator.lifecycle import MAY_HOLD_RESOURCES, Phase
from orchestrator.model import Deployment
from orchestrator.planning import Plan
from orchestrator.provisioning import Provisioning
from orchestrator.recovery import (
    Comparison,
    compare,
    count_in_words,
    names_of,
    removable,
    sweep,
)
from orchestrator.workdir import StateLostError, Workdir, write_atomically

# Seconds for which a server that is still being made is waited for.
_SETTLING = 120.0
# Nova's and Cinder's words for what will soon have another one.
_CHANGING = frozenset({"BUILD", "CREATING", "ATTACHING", "DETACHING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was taken back into the state, what was removed, and what a plan would still do."""

    deployment: Deployment
    known: int
    taken_back: tuple[str, ...]
    removed: tuple[str, ...]
    state_aside: str | None
    rest: Plan


class TakingBack:
    """Brings one deployment's state up to what its site has."""

    def __init__(
        self,
        *,
        workdir: Workdir,
        provisioning: Provisioning,
        journal: Journal,
        stop: threading.Event,
    ) -> None:
        self._workdir = workdir
        self._provisioning = provisioning
        self._journal = journal
        self._stop = stop

    def ended_cleanly(self, deployment: Deployment) -> bool:
        """Tell whether the state can be trusted to know all that there is."""
        if deployment.phase not in MAY_HOLD_RESOURCES:
            return True
        if self.set_broken_state_aside(deployment) is not None:
            return False
        return deployment.phase is not Phase.APPLYING

    def set_broken_state_aside(self, deployment: Deployment) -> str | None:
        """Set a state aside that cannot be trusted; say what was wrong with it, None where nothing is."""
        try:
            self.require_state(deployment)
        except StateLostError as error:
            aside = self._workdir.set_state_aside()
            kept = f"; it is kept as {aside}" if aside else ""
            words = f"{error.message}{kept}: going by the site's own listing"
            self._journal.note("plan", words)
            return words
        return None

    def require_state(self, deployment: Deployment) -> None:
        """Raise StateLostError when the state does not tell what exists."""
        begun = deployment.phase in MAY_HOLD_RESOURCES
        made = deployment.phase is not Phase.APPLYING or bool(deployment.nodes)
        self._workdir.check_state(expected=begun and made)

    def know_public_key(self, deployment: Deployment, cloud: Callable[[], Cloud]) -> None:
        """Take the public key from the site where there is none here: another one would replace it."""
        if deployment.phase in MAY_HOLD_RESOURCES and not self._workdir.public_key.is_file():
            told = cloud().public_key_of(deployment.id)
            if told:
                write_atomically(self._workdir.public_key, told.strip() + "\n")

    def prepare(self, deployment: Deployment, cloud: Cloud) -> Comparison:
        """Let the next plan take back what the state does not know; remove what is nobody's.

        What is broken would stand in the way: a router takes no second leg in the same subnet.
        """
        found = self._compare(deployment, cloud)
        self._remove(found, deployment, cloud)
        self._workdir.write_imports(found.imports)
        if found.missing:
            total = len(found.known) + len(found.missing)
            words = count_in_words(one.kind for one in found.missing)
            self._journal.note(
                "plan",
                f"the last run ended without a word ({deployment.phase.value}): the site has"
                f" {total} of its resources, the state knew {len(found.known)};"
                f" {len(found.missing)} are taken back ({words})",
            )
        return found

    def _compare(self, deployment: Deployment, cloud: Cloud) -> Comparison:
        """Return what the site has beside what the state knows."""
        found = self._settled(deployment, cloud)
        ids = {node.id for node in deployment.nodes}
        given = None if "" in ids else ids
        comparison = compare(found, self._provisioning.known(), given=given)
        if comparison.contradicted:
            # It speaks of resources that have been replaced since: of no use for what there is.
            self._workdir.set_state_aside()
            comparison = compare(found, {}, given=given)
        if comparison.doubled:
            raise _doubled(deployment, comparison)
        return comparison

    def _settled(self, deployment: Deployment, cloud: Cloud) -> tuple[Resource, ...]:
        """List what the site has, once no server or volume of it is still being made."""
        deadline = time.monotonic() + _SETTLING
        while True:
            found = tuple(cloud.find_marked(deployment.id))
            if not any(one.status in _CHANGING for one in found) or time.monotonic() > deadline:
                return found
            if self._stop.wait(1.0):
                raise InterruptedRunError(f"{deployment.name}: stopped as asked")

    def _remove(self, comparison: Comparison, deployment: Deployment, cloud: Cloud) -> None:
        strays = removable(comparison)
        if not strays:
            return
        ids = {one.id for one in strays}
        swept = sweep(cloud, deployment.id, only=ids, wait=self._stop.wait)
        if swept.left:
            raise DeploymentFailedError(
                f"what an interrupted run left of {deployment.name} cannot be removed",
                facts=swept.facts,
            )
        words = ", ".join(names_of(strays)) or f"{len(strays)} parts of others"
        self._journal.note("plan", f"removed what was broken or nobody's: {words}")


def _doubled(deployment: Deployment, comparison: Comparison) -> DeploymentFailedError:
    return DeploymentFailedError(
        f"{deployment.name} has more than one of what it should have once, and both are in use",
        facts={f"{one.kind} {one.id}": f"{one.name}, {one.status}" for one in comparison.doubled},
        way_out=["remove the one that is not needed at the site, then the same command again"],
    )
