"""One run on one deployment: its phases, in the order in which the Deployer asks for them."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from orchestrator import __version__, choosing, ending, heldaddress, keeping
from orchestrator.auth.source import TokenSource
from orchestrator.causes import filled, with_faults
from orchestrator.configuring import Configuration
from orchestrator.discovery.collecting import collect
from orchestrator.drivers import leftovers
from orchestrator.drivers.openstack import Cloud
from orchestrator.drivers.openstack_marks import Resource
from orchestrator.dyndns import DynamicDns
from orchestrator.entering import cloud_of
from orchestrator.errors import (
    DeploymentFailedError,
    InterruptedRunError,
    OrchestratorError,
    RequestError,
    SiteError,
)
from orchestrator.extras import facts_of, page_node, public_name
from orchestrator.journal import Details, Journal, PhaseLog
from orchestrator.lifecycle import MAY_HOLD_RESOURCES, Phase
from orchestrator.model import (
    Deployment,
    KeptVolume,
    Node,
    Proof,
    Request,
    Selection,
    Share,
    Site,
    UseCase,
)
from orchestrator.parallel import ask
from orchestrator.paths import Folders
from orchestrator.planning import Plan
from orchestrator.provisioning import Provisioning
from orchestrator.publicname import PublicName
from orchestrator.recovery import count_in_words, names_of
from orchestrator.removing import Removing, but_kept
from orchestrator.selection import quotas
from orchestrator.sitelogin import SiteLogin
from orchestrator.store import Store
from orchestrator.store.durations import BEGAN, REACH
from orchestrator.takingback import Recovered, TakingBack
from orchestrator.workdir import Workdir

_T = TypeVar("_T")

# A site may be down at a deployment's end: its removal is tried again for so long.
_BEYOND_THE_END = timedelta(days=7)


class Run:
    """The phases of one run; each leaves a record from which a later run goes on."""

    def __init__(
        self,
        *,
        deployment: Deployment,
        site: Site,
        share: Share,
        folders: Folders,
        store: Store,
        journal: Journal,
        stop: threading.Event,
        source: Callable[[], TokenSource],
        dynamic_dns: DynamicDns,
        environment: Mapping[str, str],
        reach_seconds: float,
        app_credential: bool = False,
    ) -> None:
        self.deployment = deployment
        self._site = site
        self._share = share
        self._store = store
        self._journal = journal
        self._stop = stop
        self._reach_seconds = reach_seconds
        self._wants_credential = app_credential
        self._environment = environment
        self._workdir = Workdir(folders.deployments / deployment.id)
        self._provisioning = Provisioning(
            workdir=self._workdir,
            folders=folders,
            environment=environment,
            journal=journal,
            stop=stop,
        )
        self._configuration = Configuration(
            workdir=self._workdir,
            environment=environment,
            journal=journal,
            stop=stop,
            facts=lambda: facts_of(site, share.vo),
        )
        self._takingback = TakingBack(
            workdir=self._workdir, provisioning=self._provisioning, journal=journal, stop=stop
        )
        self._login = SiteLogin(
            site=site,
            share=share,
            source=source,
            secrets=self._workdir.secrets,
            journal=journal,
        )
        self._name = PublicName(
            workdir=self._workdir,
            owed=folders.names_owed,
            service=dynamic_dns,
            journal=journal,
        )
        self._removing = Removing(
            workdir=self._workdir,
            provisioning=self._provisioning,
            takingback=self._takingback,
            login=self._login,
            cloud=self._cloud,
            place=self._place,
            journal=journal,
            stop=stop,
        )
        self._verb = ""

    # --- from the beginning to a plan

    def open(self, verb: str) -> None:
        """Make the work folder and begin the run's log."""
        self._verb = verb
        self._workdir.create()
        self._journal.keep_in(self._workdir.next_run(f"run-{verb}"))
        self._store.note(self.deployment, phase=verb, text=BEGAN)
        self._settle()

    def _settle(self) -> None:
        """See that nothing of a killed run is still at work: its orchestrator is gone, not its children."""
        left = leftovers.settle(
            self._workdir.path,
            stop=self._stop,
            on_wait=lambda text: self._journal.note(self._verb, text),
        )
        if left:
            words = f"the last run had left at work: {', '.join(left)}"
            self._journal.note(self._verb, f"{words}; all of it has ended now")

    def login(self) -> None:
        """Get a token and trade it at the site; tell as whom and for how long."""
        made = self._login.anew(self.deployment.project_id)
        site, share, login = self._site, self._share, self._login.now
        if not self.deployment.project_id:
            self.deployment = self._store.update(self.deployment, project_id=login.project_id)
        minutes = int(min(made.token_seconds, login.seconds_left()) // 60)
        self._journal.note(
            "login",
            f"{self.deployment.use_case} on {site.name}  ·  VO {share.vo}"
            f"  ·  as {made.who} (token good for {minutes} min)",
        )
        self._name.give_back_owed(self.deployment.owner)

    def keep(self, use_case: UseCase, *, upgrade: bool) -> UseCase:
        """Return the use case as this deployment keeps it; it is taken at the first run, or anew when asked."""
        kept = keeping.kept_use_case(self._workdir, use_case.name)
        if kept is not None and not upgrade:
            return kept
        taken = keeping.keep(self._workdir, use_case)
        if kept is not None:
            self._upgrade(taken)
        return taken

    def choose(self, request: Request, use_case: UseCase) -> None:
        """Resolve the choices once; a deployment that has them keeps them."""
        choosing.require_no_change(self.deployment, request)
        self._take_parameters(request, use_case)
        if self.deployment.selection is not None:
            return
        self._check_stop()
        site = self._site
        # As many as have a place ask a site at once: 50 would keep it from answering anybody.
        with self._place("discover"), self._journal.phase("discover") as log:
            offer = self._through(
                lambda: collect(
                    self._cloud(),
                    site=site.name,
                    project_id=self.deployment.project_id,
                    volumes=choosing.wants_volume(request, use_case, self.deployment.parameters),
                )
            )
            log.finish(
                f"{len(offer.networks)} networks, {len(offer.flavors)} flavors,"
                f" {len(offer.images)} images"
            )
        with self._journal.phase("choose") as log:
            selection = choosing.choose(
                offer,
                request,
                use_case,
                parameters=self.deployment.parameters,
                site=site,
                vo=self._share.vo,
                proofs=self._store.proofs(site=site.name, vo=self._share.vo),
            )
            lines = choosing.require_room(
                offer, selection, use_case, parameters=self.deployment.parameters
            )
            log.finish("", details=(*_in_short(selection), ("quota", quotas.tightest(lines))))
        self.deployment = self._store.move(self.deployment, Phase.CHOSEN, selection=selection)

    def plan(self, use_case: UseCase) -> Plan:
        """Render the files and save a plan; refuse one that would lose a machine."""
        self._check_stop()
        with self._place("plan"):
            with self._journal.phase("plan") as log:
                plan = self._through(lambda: self._save_plan(use_case, log))
                log.finish(plan.summary)
            versions = {"orchestrator": __version__, **self._provisioning.versions()}
        if self.deployment.phase in MAY_HOLD_RESOURCES:
            self.deployment = self._store.update(self.deployment, versions=versions)
        else:
            self.deployment = self._store.move(self.deployment, Phase.PLANNED, versions=versions)
        self._store.note(self.deployment, phase="plan", text=plan.summary)
        return plan

    # --- from the plan to a ready deployment

    def apply(self, use_case: UseCase) -> None:
        """Apply the saved plan and no other, with a token made just now."""
        self._check_stop()
        self._require_name(use_case)
        if not self._workdir.plan_file.exists():
            raise RequestError(
                f"{self.deployment.name} has no saved plan", way_out=[self.deployment.again]
            )
        # Nothing is noted as begun, and no token made, while others have all the places.
        with self._place("apply"):
            self._apply()

    def _apply(self) -> None:
        self._login.lasting(self.deployment.project_id, seconds=math.inf)
        self._require_time()
        heldaddress.require_free(self.deployment, self._cloud())
        # What is made anew is not configured, also when this run is killed before it gets there.
        self.deployment = self._store.move(self.deployment, Phase.APPLYING, configured_digest=None)
        self._keep_credential()
        with self._journal.phase("apply") as log:
            try:
                nodes = self._through(
                    lambda: self._apply_plan(log), again=lambda: self._plan_the_rest(log)
                )
            except (DeploymentFailedError, SiteError) as error:
                raise self._with_faults(error) from error
            made = count_in_words(self._provisioning.existing_kinds())
            log.finish(f"there are {made}")
        self.deployment = self._store.move(self.deployment, Phase.APPLIED, nodes=nodes)
        self._store.note(self.deployment, phase="apply", text=f"there are {made}")

    def lead_name(self, use_case: UseCase) -> None:
        """Let the name of the page lead to its node, where it has one; give back the one of before."""
        name = public_name(use_case, self.deployment.parameters)
        address = ""
        if name:
            self._login.lasting(self.deployment.project_id)
            node = page_node(self.deployment, use_case)
            if node.hop is not None:
                raise _unreachable(self.deployment, name)
            address = node.address
        self._name.lead(name, address, self.deployment)

    def configure(self, use_case: UseCase, *, force: bool, anew: bool) -> bool:
        """Reach the nodes, run the playbook, check the result.

        Does nothing, and returns False, when all that it depends on is as it was when
        it last succeeded. ``anew`` says that the apply had something to do.
        """
        digest = self._configuration.digest(self.deployment, use_case)
        anew = self._configuration.make_secrets(use_case) or anew
        same = digest == self.deployment.configured_digest and not force and not anew
        if same and self.deployment.phase is Phase.READY:
            return False
        self._reach()
        # Beside the playbook, which need not wait for it; and also to nodes that were told before:
        # they may be other machines of the same names.
        told = ask(lambda: self._told_the_end(again=True), name="end")
        try:
            if not same:
                self._play(use_case)
        finally:
            known = told.result()
        self._journal.note("reach", known)
        self._check_stop()
        self.deployment = self._store.move(
            self.deployment, Phase.VERIFYING, configured_digest=digest
        )
        with self._journal.phase("verify") as log:
            self._configuration.verify(self.deployment, use_case, log=log)
        return True

    def finish(self) -> Deployment:
        """Note that the deployment is ready; one that was is asked whether it still answers."""
        if self.deployment.phase is Phase.READY:
            self._configuration.require_answer(self.deployment)
            if self.deployment.failure:
                self.deployment = self._store.update(self.deployment, failure=None)
        else:
            self.deployment = self._store.move(self.deployment, Phase.READY)
            self._store.note(self.deployment, phase="ready", text="all checks hold")
        if words := self._told_the_end():
            self._journal.note("reach", words)
        self._keep_credential()
        return self.deployment

    def take_over_name(self) -> None:
        """Know the name of a page that was made elsewhere."""
        self._name.take_over(self.deployment)

    def adopt(self, use_case: UseCase) -> Recovered:
        """Take over what the site has of a deployment that was made elsewhere; it is as far as applied."""
        found = self.recover(self.keep(use_case, upgrade=False))
        if not found.rest.changes:
            self.deployment = self._store.move(self.deployment, Phase.APPLIED)
        return replace(found, deployment=self.deployment)

    def recover(self, use_case: UseCase) -> Recovered:
        """Bring the state up to what the site has, and change nothing there but what is broken.

        Raises DeploymentFailedError when the site has nothing of the deployment.
        """
        made_with = self.deployment.use_case_version
        if made_with not in ("", use_case.version):
            words = (
                f"{use_case.name} is {use_case.version} here, and was {made_with} when it was made"
            )
            self._journal.note("recover", words)
        with self._place("recover"), self._journal.phase("recover") as log:
            self._through(lambda: self._render(use_case))
            aside = self._takingback.set_broken_state_aside(self.deployment)
            found = self._takingback.prepare(self.deployment, self._cloud())
            if not (found.known or found.missing or found.strays):
                raise DeploymentFailedError(
                    f"{self._site.name} has nothing that carries the mark of {self.deployment.name}",
                    way_out=[f"make destroy NAME={self.deployment.name}        forgets it here"],
                )
            rest = self._through(lambda: self._plan_after(found.imports, log))
            self._configuration.learn_host_keys(self.deployment, self._cloud())
            words = count_in_words(one.kind for one in found.missing)
            log.finish(f"taken back: {words}" if words else "the state knows all that there is")
        self._store.note(self.deployment, phase="recover", text=log.text)
        return Recovered(
            deployment=self.deployment,
            known=len(found.known),
            taken_back=tuple(names_of(found.missing)),
            removed=tuple(names_of(found.strays)),
            state_aside=aside,
            rest=rest,
        )

    # --- the end

    def destroy(self, *, delete_data: bool = False) -> Deployment:
        """Remove all of it from the site, ask the site whether that is so, then forget it here.

        A data volume that was made with it is kept, unless ``delete_data`` says otherwise or
        nobody was ever given the machine that it belongs to (datavolumes.staying).
        """
        held = self.deployment.phase in MAY_HOLD_RESOURCES
        self.deployment = self._store.move(self.deployment, Phase.DESTROYING)
        kept: tuple[Resource, ...] = ()
        # First, while its address is still ours: a name never leads to somebody else's machine.
        self._name.give_back(self.deployment)
        if held:
            kept = self._removing.remove(self.deployment, delete_data=delete_data)
        self._workdir.remove()
        text = f"nothing is left at the site{but_kept(kept)}"
        self._store.note(self.deployment, phase="destroy", text=text)
        self.deployment = self._store.move(
            self.deployment, Phase.DESTROYED, nodes=(), kept=tuple(map(_as_kept, kept))
        )
        return self.deployment

    def give_up(self, error: OrchestratorError) -> None:
        """Note a failure, and add to it what exists and what can be done about it."""
        if self.deployment.phase not in MAY_HOLD_RESOURCES:
            self._give_up_early(error)
            return
        name = self.deployment.name
        exists = count_in_words(self._provisioning.existing_kinds())
        error.facts.setdefault("exists", exists or "unknown: the state does not tell")
        error.facts.setdefault("phase", self.deployment.phase.value)
        # One that is being removed is only ever removed to the end.
        going_on = [f"{self.deployment.again}        goes on from there"]
        error.way_out = (
            *filled(error.way_out, name=name, site=self._site.name),
            *(going_on if self.deployment.phase is not Phase.DESTROYING else ()),
            f"orchestrator logs {name}        shows what happened, with --raw in the programs' own words",
            f"make destroy NAME={name}        removes what exists",
        )
        self._store.note(self.deployment, phase=self._verb, text=f"failed: {error.message}")
        self.deployment = self._store.update(self.deployment, failure=error.message)

    def _give_up_early(self, error: OrchestratorError) -> None:
        error.facts.setdefault("exists", "nothing was created")
        self._store.note(self.deployment, phase=self._verb, text=f"failed: {error.message}")
        if self.deployment.phase is Phase.PLANNED:
            self.deployment = self._store.update(self.deployment, failure=error.message)
            return
        # A name with nothing behind it would only be in the way.
        self._workdir.remove()
        self.deployment = self._store.move(
            self._store.move(self.deployment, Phase.DESTROYING),
            Phase.DESTROYED,
            failure=error.message,
        )

    # --- parts

    def _through(self, step: Callable[[], _T], *, again: Callable[[], None] | None = None) -> _T:
        """Do a step that needs the site, with as many logins as it takes."""
        return self._login.through(
            step,
            project_id=self.deployment.project_id,
            holds=self.deployment.phase in MAY_HOLD_RESOURCES,
            again=again,
        )

    @contextmanager
    def _place(self, phase: str) -> Iterator[None]:
        """Have a place for work at the site; its login is made anew where it came near its end in the wait."""
        with self._provisioning.place(phase) as slot:
            if slot.waited:
                self._login.lasting(self.deployment.project_id)
            yield

    def _told_the_end(self, *, again: bool = False) -> str:
        return ending.settle(
            self.deployment, workdir=self._workdir, env=self._environment, again=again
        )

    def _play(self, use_case: UseCase) -> None:
        self._check_stop()
        self.deployment = self._store.move(
            self.deployment, Phase.CONFIGURING, configured_digest=None
        )
        with self._journal.phase("configure") as log:
            self._configuration.run_playbook(self.deployment, use_case, log=log)

    def _keep_credential(self) -> None:
        """Have an application credential until past the end, where the person wants one."""
        if self._wants_credential:
            one = self.deployment
            self._login.keep_credential(one.id, until=one.expires_at + _BEYOND_THE_END)

    def _render(self, use_case: UseCase) -> None:
        self._takingback.know_public_key(self.deployment, self._cloud)
        self._provisioning.render(self.deployment, site=self._site, use_case=use_case)

    def _save_plan(self, use_case: UseCase, log: PhaseLog) -> Plan:
        self._render(use_case)
        self._take_back(log)
        return self._safe_plan()

    def _safe_plan(self) -> Plan:
        plan = self._provisioning.plan(self._login.now)
        # A machine whose making was cut short has never been anybody's; records from before do not
        # tell which those are that were.
        given = {node.id for node in self.deployment.nodes}
        unfinished = plan.unfinished(finished=given) if "" not in given else ()
        plan.raise_if_unsafe(agreed=(*unfinished, *plan.closing))
        return plan

    def _require_name(self, use_case: UseCase) -> None:
        """Refuse a name that cannot be had before there is a machine for it."""
        name = public_name(use_case, self.deployment.parameters)
        selection = self.deployment.selection
        if name and selection is not None and selection.jump_host is not None:
            raise _unreachable(self.deployment, name)
        self._name.require_to_be_had(name, self.deployment)

    def _require_time(self) -> None:
        """Say so when the login cannot last as long as making this took lately."""
        usual = self._store.making_seconds(site=self._site.name, use_case=self.deployment.use_case)
        holds = self.deployment.phase in MAY_HOLD_RESOURCES
        self._login.require_seconds(usual, holds=holds)

    def _apply_plan(self, log: PhaseLog) -> tuple[Node, ...]:
        selection = self.deployment.selection
        return self._provisioning.apply(
            self._login.now, log, jump_host=selection.jump_host if selection else None
        )

    def _plan_after(self, imports: Mapping[str, str], log: PhaseLog) -> Plan:
        """Take resources back into the state; return what a plan would still do."""
        if imports:
            return self._provisioning.recover(self._login.now, imports, log)
        return self._provisioning.plan(self._login.now)

    def _plan_the_rest(self, log: PhaseLog) -> None:
        """Plan what an apply had not made when its login ended; what it had begun is taken back."""
        log.running("looking what is made already")
        self._take_back(log)
        self._safe_plan()

    def _reach_nodes(self, log: PhaseLog) -> None:
        self._configuration.reach(
            self.deployment, self._cloud(), seconds=self._reach_seconds, log=log
        )

    def _take_parameters(self, request: Request, use_case: UseCase) -> None:
        if request.parameters:
            parameters = choosing.parameters_given(self.deployment, request, use_case)
            self.deployment = self._store.update(self.deployment, parameters=parameters)

    def _upgrade(self, use_case: UseCase) -> None:
        """Note another version of the use case."""
        parameters = choosing.parameters_kept(self.deployment, use_case, site=self._site)
        was, now = self.deployment.use_case_version, use_case.version
        self._journal.note("choose", f"{use_case.name} {now} in place of {was}")
        self.deployment = self._store.update(
            self.deployment, parameters=parameters, use_case_version=now
        )

    def _take_back(self, log: PhaseLog) -> None:
        """Let the plan that comes take back what a run that did not end cleanly left at the site."""
        self._workdir.write_imports({})
        if not self._takingback.ended_cleanly(self.deployment):
            log.running("looking for what the last run left at the site")
            self._takingback.prepare(self.deployment, self._cloud())

    def _reach(self) -> None:
        self._check_stop()
        self._workdir.require_key(self.deployment.name)
        with self._journal.phase("reach") as log:
            self._login.lasting(self.deployment.project_id)
            self._through(lambda: self._reach_nodes(log))
        self._store.note(self.deployment, phase=REACH, text="the nodes answer")
        self._remember_reached()

    def _remember_reached(self) -> None:
        """Keep over which network the nodes answered: the best evidence for the next choice."""
        selection = self.deployment.selection
        network = selection.way_in if selection else None
        if selection is None or network is None:
            return
        proof = Proof(
            network_id=network.value, topology=selection.topology.value, at=datetime.now(UTC)
        )
        self._store.remember(proof, site=self._site.name, vo=self._share.vo)

    def _with_faults(self, error: OrchestratorError) -> OrchestratorError:
        """Return the error with what the site says of what it could not build; each service is asked by itself."""
        faults: dict[str, str] = {}
        services: dict[str, Callable[[], dict[str, str]]] = {
            "machines": lambda: self._cloud().faults_of(self.deployment.id),
            "volumes": lambda: self._cloud().volume_faults_of(self.deployment.id),
        }
        for what, read in services.items():
            try:
                faults |= read()
            except OrchestratorError as silent:
                error.facts.setdefault("not asked", f"why {what} are broken: {silent.message}")
        return with_faults(error, faults)

    def _cloud(self) -> Cloud:
        return cloud_of(self._login.now, self._site, self._share)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise InterruptedRunError(f"{self.deployment.name}: stopped as asked")


def _unreachable(deployment: Deployment, name: str) -> RequestError:
    return RequestError(
        f"{name} cannot lead to {deployment.name}: only SSH reaches it, through another host",
        way_out=[
            "leave the page to its tunnel",
            "or choose a way in from outside by --set topology",
        ],
    )


def _as_kept(volume: Resource) -> KeptVolume:
    return KeptVolume(id=volume.id, name=volume.name, size_gb=volume.size_gb)


def _in_short(selection: Selection) -> Details:
    return tuple((choice.label, choice.reason) for choice in selection.choices)
