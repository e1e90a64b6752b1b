"""The library's front door: deploy, plan, apply and destroy, each safe to repeat."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import choosing
from orchestrator.auth.choosing import Given, choose_source
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.catalogue.needs import need_of
from orchestrator.catalogue.parameters import read_parameters
from orchestrator.catalogue.rules import check_rules
from orchestrator.catalogue.usecases import find_use_case, use_case_folders
from orchestrator.dyndns import DynamicDns, for_its_issuer
from orchestrator.errors import LoginError, OrchestratorError, RequestError
from orchestrator.explanation import Explanation
from orchestrator.extras import page_of, with_extras
from orchestrator.journal import Journal, OnProgress
from orchestrator.keeping import kept_use_case
from orchestrator.lifecycle import MAY_HOLD_RESOURCES, Phase
from orchestrator.model import (
    Choice,
    Deployment,
    Offer,
    Proof,
    Request,
    Share,
    Site,
    Target,
    UseCase,
)
from orchestrator.names import check_name, make_name
from orchestrator.paths import Folders
from orchestrator.selection.images import choose_image
from orchestrator.settings import Settings
from orchestrator.stopping import EitherStop
from orchestrator.store import Store
from orchestrator.workdir import Workdir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.adopting import Adopted
    from orchestrator.auth.token import AccessToken
    from orchestrator.datavolumes import Kept
    from orchestrator.planning import Plan
    from orchestrator.run import Run
    from orchestrator.sweeping import Sweep
    from orchestrator.takingback import Recovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A deployment that is ready, and whether this run had anything to do."""

    deployment: Deployment
    changed: bool
    seconds: float
    use_case: UseCase  # as the deployment keeps it, with the extras that are on

    @property
    def page(self) -> str | None:
        """Where everybody meets the page, None where only its tunnel leads to it."""
        return page_of(self.deployment, self.use_case)


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
            use_case = run.keep(target.use_case, upgrade=request.upgrade)
            run.choose(request, use_case)
            planned = run.plan(use_case)
            # A run that was killed may have made all, and not come to note which machines these are.
            if planned.changes or run.deployment.phase is Phase.APPLYING:
                run.apply(use_case)
            run.lead_name(use_case)
            configured = run.configure(
                use_case, force=request.configure, anew=bool(planned.changes)
            )
            ready = run.finish()
        changed = bool(planned.changes) or configured
        spent = time.monotonic() - start
        return Outcome(
            deployment=ready,
            changed=changed,
            seconds=spent,
            use_case=with_extras(use_case, ready.parameters),
        )

    def plan(self, request: Request) -> Planned:
        """Choose and plan; keep the plan for ``apply``, change nothing at the site."""
        target = self.target(request)
        deployment = self._claim(request, target)
        with self._run(deployment, target.site, target.share, "plan") as run:
            run.login()
            use_case = run.keep(target.use_case, upgrade=request.upgrade)
            run.choose(request, use_case)
            plan = run.plan(use_case)
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
        target = self.target(_as_request(deployment))
        with self._run(deployment, target.site, target.share, "apply") as run:
            run.login()
            use_case = run.keep(target.use_case, upgrade=False)
            run.apply(use_case)
            run.lead_name(use_case)
            run.configure(use_case, force=False, anew=True)
            ready = run.finish()
        spent = time.monotonic() - start
        return Outcome(
            deployment=ready,
            changed=True,
            seconds=spent,
            use_case=with_extras(use_case, ready.parameters),
        )

    def recover(self, name: str) -> Recovered:
        """Bring a deployment's state up to what its site has of it; nothing else is changed there.

        Works without a state, with a broken or older one, and on a machine that has only the record.
        """
        deployment = self._store.require(name, owner=self._owner)
        _require_not_ending(deployment)
        target = self.target(_as_request(deployment))
        with self._run(deployment, target.site, target.share, "recover") as run:
            run.login()
            return run.recover(target.use_case)

    def adopt(self, deployment_id: str, *, site: str, vo: str | None = None) -> Adopted:
        """Take over a deployment of which the store knows nothing, by its site's listing alone.

        Its key stays where it was made: what it takes to remove it or to see how it is works here,
        logging in does not.
        """
        # The libraries behind it take a second to import: not before a request is sound.
        from orchestrator import adopting

        found, share = self._place(site, vo)
        adopting.require_unknown(self._store.known(adopting.check_id(deployment_id)), deployment_id)
        seen = adopting.look(found, share, self._token(found), deployment_id)
        use_case = self._use_case_if_here(seen.traces.use_case)
        told = adopting.read(seen, use_case)
        if (taken := self._store.find(told.name, owner=self._owner)) is not None:
            raise adopting.name_taken(taken, deployment_id)
        now = datetime.now(UTC)
        deployment = adopting.record(
            told,
            seen,
            owner=self._owner,
            use_case=use_case,
            now=now,
            expires_at=now + timedelta(days=self._settings.lifetime_days),
        )
        self._store.add(deployment)
        with self._run(deployment, found, share, "adopt") as run:
            run.login()
            if told.has_page:
                run.take_over_name()
            recovered = run.adopt(use_case) if use_case and told.selection else None
            return adopting.Adopted(
                deployment=run.deployment, recovered=recovered, unknown=told.unknown
            )

    def destroy(self, name: str, *, delete_data: bool = False) -> Deployment:
        """Remove a deployment from its site and its files from here; return its record.

        A data volume that was made with it is kept, unless ``delete_data`` says otherwise.
        Raises DeploymentFailedError naming what is still there.
        """
        deployment = self._store.require(name, owner=self._owner)
        # A site that has dropped the VO, or a use case that is gone, must not stand in the way.
        site = self._catalogue().find(deployment.site)
        share = Share(vo=deployment.vo, project_id=deployment.project_id)
        with self._run(deployment, site, site.share_of(deployment.vo) or share, "destroy") as run:
            if run.deployment.phase in MAY_HOLD_RESOURCES:
                run.login()
            return run.destroy(delete_data=delete_data)

    def delete_volume(self, asked: str) -> Kept:
        """Delete a data volume that a deployment has left, by its id or name; return what it was.

        Raises RefusedError while something uses it.
        """
        from orchestrator import datavolumes

        one = datavolumes.find(datavolumes.kept(self._store, owner=self._owner), asked)
        site = self._catalogue().find(one.origin.site)
        source = choose_source(
            self._settings, site=site, tokens=self._folders.tokens, given=self._given
        )
        datavolumes.delete(one, site=site, token=source.access_token(), store=self._store)
        return one

    # --- looking, without a deployment

    def discover(self, site: str, vo: str | None = None) -> tuple[Offer, tuple[Proof, ...]]:
        """Return what the VO's project may use at a site, and what was reached there before."""
        found, share = self._place(site, vo)
        proofs = self._store.proofs(site=found.name, vo=share.vo)
        return self._offer(found, share), proofs

    def explain(self, request: Request) -> Explanation:
        """Return what deploy would choose for a request, and why; nothing is made or kept."""
        target = self.target(request)
        site, vo, use_case = target.site, target.share.vo, target.use_case
        parameters = _parameters(request, target)
        volumes = choosing.wants_volume(request, use_case, parameters)
        offer = self._offer(site, target.share, volumes=volumes)
        proofs = self._store.proofs(site=site.name, vo=vo)
        selection = choosing.choose(
            offer, request, use_case, parameters=parameters, site=site, vo=vo, proofs=proofs
        )
        return Explanation(
            use_case=use_case.name,
            site=site.name,
            vo=vo,
            at=offer.collected_at,
            selection=selection,
            quotas=choosing.quota_lines(offer, selection, use_case, parameters=parameters),
            gaps=offer.gaps,
        )

    def explain_existing(self, name: str) -> Explanation:
        """Return why a deployment is as it is: the choices that were stored with it."""
        deployment = self._store.require(name, owner=self._owner, destroyed=True)
        if deployment.selection is None:
            raise RequestError(f"{name} has no choices yet: it is {deployment.phase.value}")
        return Explanation(
            use_case=deployment.use_case,
            site=deployment.site,
            vo=deployment.vo,
            at=deployment.created_at,
            selection=deployment.selection,
        )

    def newer_image(self, name: str) -> Choice | None:
        """Return the image that would be chosen today, where that is another one than then.

        Nothing comes of it: a machine keeps the image that it was made from.
        """
        deployment = self._store.require(name, owner=self._owner)
        if deployment.selection is None:
            return None
        target = self.target(_as_request(deployment))
        offer = self._offer(target.site, target.share)
        need = need_of(target.use_case, deployment.parameters).image
        image = deployment.selection.image
        today = choose_image(offer, need, site=target.site).choice
        return None if image.confidence == "fixed" or today.value == image.value else today

    def sweep(self, site: str, vo: str | None = None) -> Sweep:
        """Log in where the VO's project may hold what no record speaks of any more."""
        from orchestrator.sweeping import Sweep

        found, share = self._place(site, vo)
        token = self._token(found)
        return Sweep(site=found, share=share, token=token, store=self._store, owner=self._owner)

    def _offer(self, site: Site, share: Share, *, volumes: bool = False) -> Offer:
        # The libraries behind it take a second to import: not before a request is sound.
        from orchestrator.surveying import discover

        return discover(site, share, token=self._token(site), volumes=volumes)

    def _token(self, site: Site) -> AccessToken:
        source = choose_source(
            self._settings, site=site, tokens=self._folders.tokens, given=self._given
        )
        return source.access_token()

    def _place(self, site: str, vo: str | None) -> tuple[Site, Share]:
        """Return the site of that name or alias, and what a VO has there."""
        catalogue = self._catalogue()
        found = catalogue.find(site)
        share = catalogue.share(
            found,
            vo or self._settings.vo,
            asked_as=site,
            logged_in=self._is_logged_in(found),
        )
        return found, share

    def _use_case_if_here(self, name: str) -> UseCase | None:
        """Return a use case that a listing names, None where this machine does not know it."""
        try:
            return find_use_case(name, use_case_folders(self._folders.config))
        except RequestError:
            return None

    def target(self, request: Request) -> Target:
        """Return what a request means, asking nobody outside this machine.

        A deployment goes by the use case that it was made with, until an upgrade is asked for.
        """
        catalogue = self._catalogue()
        site = catalogue.find(request.site)
        use_case = self._kept(request) or find_use_case(
            request.use_case, use_case_folders(self._folders.config)
        )
        share = catalogue.share(
            site,
            request.vo or self._settings.vo,
            asked_as=request.site,
            use_case=request.use_case,
            logged_in=self._is_logged_in(site),
        )
        return Target(site=site, share=share, use_case=use_case)

    def _kept(self, request: Request) -> UseCase | None:
        found = self._store.find(request.name, owner=self._owner) if request.name else None
        if found is None or request.upgrade or found.use_case != request.use_case:
            return None
        return kept_use_case(Workdir(self._folders.deployments / found.id), found.use_case)

    def _catalogue(self) -> Catalogue:
        return Catalogue.usual(self._folders.config, cache=self._folders.cache)

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
            parameters=_parameters(request, target),
        )
        self._store.add(deployment)
        return deployment

    def _dynamic_dns(self, site: Site) -> DynamicDns:
        address, issuer = self._settings.dynamic_dns, self._settings.dynamic_dns_issuer
        return DynamicDns(
            address=address,
            token=lambda: for_its_issuer(self._token(site), issuer=issuer, address=address),
        )

    @contextmanager
    def _run(self, deployment: Deployment, site: Site, share: Share, verb: str) -> Iterator[Run]:
        """Hold the lease and note how the run ended."""
        # The libraries behind a run take a second to import: not before a request is sound.
        from orchestrator.run import Run

        stop = EitherStop(self._stop)
        with self._store.lease(deployment, on_lost=stop.set) as lease:
            # Another run may have worked on it until just now.
            found = self._store.get(deployment.id)
            _require_not_removed(found)
            if verb != "destroy":
                _require_not_ending(found)
            run = Run(
                deployment=found,
                site=site,
                share=share,
                folders=self._folders,
                store=self._store.under(lease),
                journal=Journal(self._on_progress),
                stop=stop,
                source=lambda: choose_source(
                    self._settings, site=site, tokens=self._folders.tokens, given=self._given
                ),
                dynamic_dns=self._dynamic_dns(site),
                environment=self._given.env,
                reach_seconds=self._reach_seconds,
                app_credential=self._settings.app_credential,
            )
            try:
                run.open(verb)
                yield run
            except OrchestratorError as error:
                # One that was taken over has nothing to note, and says by whom.
                lease.require()
                run.give_up(error)
                raise


def _parameters(request: Request, target: Target) -> dict[str, Any]:
    parameters = read_parameters(
        target.use_case,
        request.parameters,
        site=target.site,
        vo=target.share.vo,
        base=Path(request.file).parent if request.file else None,
    )
    check_rules(target.use_case, parameters, need_of(target.use_case, parameters))
    return parameters


def _as_request(deployment: Deployment) -> Request:
    """Return the request that a deployment is the answer to."""
    return Request(
        use_case=deployment.use_case,
        site=deployment.site,
        vo=deployment.vo,
        name=deployment.name,
    )


def _require_not_removed(found: Deployment) -> None:
    if found.phase is Phase.DESTROYED:
        raise RequestError(
            f"{found.name} was removed by another run just now",
            way_out=["orchestrator list        shows what there is"],
        )


def _require_not_ending(found: Deployment) -> None:
    if found.phase is Phase.DESTROYING:
        raise RequestError(
            f"{found.name} is being removed, and a part of it may still be at the site",
            way_out=[f"make destroy NAME={found.name}        finishes it"],
        )


def _require_same(found: Deployment, target: Target) -> None:
    asked = {
        "site": (found.site, target.site.name),
        "VO": (found.vo, target.share.vo),
        "use case": (found.use_case, target.use_case.name),
    }
    other = {
        what: f"{has}, asked for {wants}" for what, (has, wants) in asked.items() if has != wants
    }
    _require_not_ending(found)
    if other:
        raise RequestError(
            f"the name {found.name} is taken by another deployment of yours",
            facts=other,
            way_out=["choose another name", f"make destroy NAME={found.name}"],
        )
