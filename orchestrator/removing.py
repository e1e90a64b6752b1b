"""The removal of a deployment: by its state, then by the site's own listing; what is kept stays there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

from orchestrator import datavolumes, heldaddress
from orchestrator.drivers.openstack import Cloud
from orchestrator.drivers.openstack_marks import Resource
from orchestrator.errors import DeploymentFailedError, SetupError, SiteError
from orchestrator.journal import Journal, PhaseLog
from orchestrator.model import Deployment
from orchestrator.provisioning import Provisioning
from orchestrator.recovery import sweep
from orchestrator.rendering import Stays
from orchestrator.sitelogin import SiteLogin
from orchestrator.takingback import TakingBack
from orchestrator.workdir import StateLostError, Workdir

_T = TypeVar("_T")


class Removing:
    """Removes what one deployment has at its site; ``cloud`` gives that with the login of now.

    ``place`` gives a place for work at the site to a phase.
    """

    def __init__(
        self,
        *,
        workdir: Workdir,
        provisioning: Provisioning,
        takingback: TakingBack,
        login: SiteLogin,
        cloud: Callable[[], Cloud],
        place: Callable[[str], AbstractContextManager[None]],
        journal: Journal,
        stop: threading.Event,
    ) -> None:
        self._workdir = workdir
        self._provisioning = provisioning
        self._takingback = takingback
        self._login = login
        self._cloud = cloud
        self._place = place
        self._journal = journal
        self._stop = stop

    def remove(self, deployment: Deployment, *, delete_data: bool) -> tuple[Resource, ...]:
        """Remove all but the volumes that are kept, and return these.

        Raises DeploymentFailedError where the site does not let go of something.
        """
        # A site is asked by as many as have a place, not by all that are removed at once.
        with self._place("destroy"):
            kept = self._keep_volumes(deployment, delete_data=delete_data)
            stays = self._leave_address(deployment) | ({Stays.VOLUMES} if kept else set())
            self._destroy_by_state(deployment, stays)
        self._sweep(deployment, kept)
        self._login.forget_credential()
        return kept

    def _keep_volumes(self, deployment: Deployment, *, delete_data: bool) -> tuple[Resource, ...]:
        """Stop the machines that use volumes which stay, and mark those that are kept; return these.

        The site is asked, since a record that was made of its listing may know of no volume.
        """
        cloud = self._cloud()
        found = cloud.find_marked(deployment.id)
        stays = datavolumes.staying(found, deployment, delete_data=delete_data)
        if stays.servers:
            # What a machine holds in memory is written when it is shut down, and lost with it else.
            with self._journal.phase("stop") as log:
                late = [one.name for one in stays.servers if not cloud.stop(one.id)]
                words = f"{', '.join(late)} did not stop in time and is switched off"
                log.finish(words if late else "all is written to the volume that stays")
        for volume in stays.volumes:
            cloud.keep(volume)
        return stays.volumes

    def _leave_address(self, deployment: Deployment) -> set[Stays]:
        """Have Terraform let go of a held address that leads elsewhere by now."""
        user = heldaddress.other_user(deployment, self._cloud())
        if user is None:
            return set()
        self._journal.note("destroy", f"the floating IP leads to {user} by now, and stays there")
        return {Stays.ADDRESS}

    def _destroy_by_state(self, deployment: Deployment, stays: set[Stays]) -> None:
        self._workdir.write_imports({})
        with self._journal.phase("destroy") as log:
            try:
                self._takingback.require_state(deployment)
            except StateLostError as error:
                log.finish(f"{error.message}; going by the site's own listing")
                return
            if self._workdir.main.exists() and self._workdir.state.exists():
                try:
                    self._through(
                        deployment,
                        lambda: self._destroy_what_the_state_knows(log, stays),
                    )
                except (DeploymentFailedError, SetupError, SiteError) as error:
                    # All that the state knows carries our mark: what is still in use, or stops
                    # Terraform itself, keeps nothing at the site.
                    self._journal.note("destroy", error.message, details=tuple(error.facts.items()))
                    log.finish(f"{error.message}; going by the site's own listing")
                    return
            log.finish("all that the state knew is gone")

    def _destroy_what_the_state_knows(self, log: PhaseLog, stays: set[Stays]) -> None:
        self._provisioning.plan_end(self._login.now, stays=stays)
        self._provisioning.apply(self._login.now, log)

    def _sweep(self, deployment: Deployment, kept: Sequence[Resource]) -> None:
        with self._journal.phase("look") as log:
            self._login.lasting(deployment.project_id)
            ids = {one.id for one in kept}
            swept = self._through(
                deployment,
                lambda: sweep(self._cloud(), deployment.id, keep=ids, wait=self._stop.wait),
            )
            if swept.left:
                raise DeploymentFailedError(
                    f"{len(swept.left)} resources of {deployment.name} are still at the site",
                    facts=swept.facts,
                )
            words = f"removed what only the site knew of: {', '.join(swept.removed)}"
            nothing = f"the site has nothing of it left{but_kept(kept)}"
            log.finish(words if swept.removed else nothing)

    def _through(self, deployment: Deployment, step: Callable[[], _T]) -> _T:
        return self._login.through(step, project_id=deployment.project_id, holds=True)


def but_kept(kept: Sequence[Resource]) -> str:
    """Return what is kept, as the end of a sentence; nothing where that is nothing."""
    volumes = ", ".join(f"volume {one.name} ({one.size_gb} GB, {one.id})" for one in kept)
    return f" but what is kept: {volumes}" if volumes else ""
