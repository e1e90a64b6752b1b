"""The library's front door: deploy, plan, apply and destroy, each safe to repeat."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.auth.choosing import Given, choose_source
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.catalogue.usecases import find_use_case, read_parameters, use_case_folders
from orchestrator.errors import LoginError, OrchestratorError, RequestError
from orchestrator.journal import Journal, OnProgress
from orchestrator.lifecycle import MAY_HOLD_RESOURCES, Phase
from orchestrator.model import Deployment, Request, Share, Site, Target
from orchestrator.names import check_name, make_name
from orchestrator.paths import Folders
from orchestrator.settings import Settings
from orchestrator.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.planning import Plan
    from orchestrator.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A deployment that is ready, and whether this run had anything to do."""

    deployment: Deployment
    changed: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A deployment with its saved plan; nothing has changed at the site."""

    deployment: Deployment
    plan: Plan


def _ignore(_progress: object) -> None:
    """Watch nothing."""


class Deployer:
    """Brings use cases up on sites, one run at a time for each deployment.

    ``environment`` is what child processes may know (PATH, HOME, proxies); a token in
    it is not used: an access token is given as ``access_token``, else it is looked for
    as the settings say. Setting ``stop`` ends a run at its next safe point.
    """

    def __init__(
        self,
        *,
        folders: Folders,
        settings: Settings,
        store: Store,
        environment: Mapping[str, str],
        owner: str,
        access_token: str | None = None,
        on_progress: OnProgress = _ignore,
        stop: threading.Event | None = None,
        reach_seconds: float = 600.0,
    ) -> None:
        self._folders = folders
        self._settings = settings
        self._store = store
        self._given = Given(token=access_token, env=environment)
        self._owner = owner
        self._on_progress = on_progress
        self._stop = stop or threading.Event()
        self._reach_seconds = reach_seconds

    def deploy(self, request: Request) -> Outcome:
        """Bring a deployment up, or go on where an earlier run ended; return it ready.

        Raises RequestError, LoginError, SiteError, RefusedError or DeploymentFailedError;
        what exists by then is kept, and the same request goes on from there.
        """
        start = time.monotonic()
        target = self.target(request)
        deployment = self._claim(request, target)
        with self._run(deployment, target.site, target.share, "deploy") as run:
            run.login()
            run.choose(request, target.use_case)
            planned = run.plan(target.use_case)
            if planned.changes:
                run.apply()
            configured = run.configure(
                target.use_case, force=request.configure, anew=bool(planned.changes)
            )
            ready = run.finish()
        changed = bool(planned.changes) or configured
        return Outcome(deployment=ready, changed=changed, seconds=time.monotonic() - start)

    def plan(self, request: Request) -> Planned:
        """Choose and plan; keep the plan for ``apply``, change nothing at the site."""
        target = self.target(request)
        deployment = self._claim(request, target)
        with self._run(deployment, target.site, target.share, "plan") as run:
            run.login()
            run.choose(request, target.use_case)
            plan = run.plan(target.use_case)
            return Planned(deployment=run.deployment, plan=plan)

    def apply(self, name: str) -> Outcome:
        """Apply the saved plan of a deployment and no other, then configure and check it.

        Raises RequestError when there is no saved plan, DeploymentFailedError when the
        site has changed since it was made.
        """
        start = time.monotonic()
        deployment = self._store.require(name, owner=self._owner)
        if deployment.phase is not Phase.PLANNED:
            verb = "deploy" if deployment.phase in MAY_HOLD_RESOURCES else "plan"
            raise RequestError(
                f"{name} has no plan waiting to be applied (it is {deployment.phase.value})",
                way_out=[
                    f"orchestrator {verb} {deployment.use_case} --site {deployment.site}"
                    f" --name {name}"
                ],
            )
        asked = Request(use_case=deployment.use_case, site=deployment.site, vo=deployment.vo)
        target = self.target(asked)
        with self._run(deployment, target.site, target.share, "apply") as run:
            run.login()
            run.apply()
            run.configure(target.use_case, force=False, anew=True)
            ready = run.finish()
        return Outcome(deployment=ready, changed=True, seconds=time.monotonic() - start)

    def destroy(self, name: str) -> Deployment:
        """Remove a deployment from its site and its files from here; return its record.

        Raises DeploymentFailedError naming what is still there.
        """
        deployment = self._store.require(name, owner=self._owner)
        # A site that has dropped the VO, or a use case that is gone, must not stand in the way.
        site = Catalogue.usual(self._folders.config).find(deployment.site)
        share = Share(vo=deployment.vo, project_id=deployment.project_id)
        with self._run(deployment, site, site.share_of(deployment.vo) or share, "destroy") as run:
            if run.deployment.phase in MAY_HOLD_RESOURCES:
                run.login()
            return run.destroy()

    def target(self, request: Request) -> Target:
        """Return what a request means, asking nobody outside this machine."""
        catalogue = Catalogue.usual(self._folders.config)
        site = catalogue.find(request.site)
        use_case = find_use_case(request.use_case, use_case_folders(self._folders.config))
        share = catalogue.share(
            site,
            request.vo or self._settings.vo,
            asked_as=request.site,
            use_case=request.use_case,
            logged_in=self._is_logged_in(site),
        )
        return Target(site=site, share=share, use_case=use_case)

    def _is_logged_in(self, site: Site) -> bool:
        try:
            choose_source(self._settings, site=site, tokens=self._folders.tokens, given=self._given)
        except LoginError:
            return False
        return True

    def _claim(self, request: Request, target: Target) -> Deployment:
        """Return the deployment of that name, a new one where there is none."""
        found = self._store.find(request.name, owner=self._owner) if request.name else None
        if found is not None:
            _require_same(found, target)
            return found
        name = check_name(request.name) if request.name else make_name(target.use_case.name)
        now = datetime.now(UTC)
        days = request.lifetime_days or self._settings.lifetime_days
        deployment = Deployment(
            id=uuid.uuid4().hex[:12],
            name=name,
            owner=self._owner,
            site=target.site.name,
            vo=target.share.vo,
            project_id=target.share.project_id or "",
            use_case=target.use_case.name,
            use_case_version=target.use_case.version,
            phase=Phase.REQUESTED,
            created_at=now,
            updated_at=now,
            expires_at=now + timedelta(days=days),
            parameters=read_parameters(target.use_case, request.parameters),
        )
        self._store.add(deployment)
        return deployment

    @contextmanager
    def _run(self, deployment: Deployment, site: Site, share: Share, verb: str) -> Iterator[Run]:
        """Hold the lease and note how the run ended."""
        # The libraries behind a run take a second to import: not before a request is sound.
        from orchestrator.run import Run

        with self._store.lease(deployment):
            run = Run(
                deployment=self._store.get(deployment.id),
                site=site,
                share=share,
                folders=self._folders,
                store=self._store,
                journal=Journal(self._on_progress),
                stop=self._stop,
                source=lambda: choose_source(
                    self._settings, site=site, tokens=self._folders.tokens, given=self._given
                ),
                environment=self._given.env,
                reach_seconds=self._reach_seconds,
            )
            try:
                run.open(verb)
                yield run
            except OrchestratorError as error:
                run.give_up(error)
                raise


def _require_same(found: Deployment, target: Target) -> None:
    asked = {
        "site": (found.site, target.site.name),
        "VO": (found.vo, target.share.vo),
        "use case": (found.use_case, target.use_case.name),
    }
    other = {
        what: f"{has}, asked for {wants}" for what, (has, wants) in asked.items() if has != wants
    }
    if found.phase is Phase.DESTROYING:
        raise RequestError(
            f"{found.name} is being removed, and a part of it may still be at the site",
            way_out=[f"make destroy NAME={found.name}        finishes it"],
        )
    if other:
        raise RequestError(
            f"the name {found.name} is taken by another deployment of yours",
            facts=other,
            way_out=["choose another name", f"make destroy NAME={found.name}"],
        )
