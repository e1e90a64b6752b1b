"""One run phase by phase: what it tells, what it notes, and what it refuses to do out of turn."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.auth.given import GivenToken
from orchestrator.catalogue.usecases import find_use_case
from orchestrator.dyndns import DynamicDns
from orchestrator.errors import DeploymentFailedError, InterruptedRunError, RequestError
from orchestrator.journal import Journal
from orchestrator.keeping import keep
from orchestrator.lifecycle import Phase
from orchestrator.model import Quota, Request, Share, Site
from orchestrator.run import Run
from orchestrator.workdir import Workdir
from tests.unit.simulations import PROJECT, VO, every_place

SITE = Site(
    name="SIM",
    endpoint="https://keystone.sim.eu/v3",
    shares=(Share(vo=VO, project_id=PROJECT),),
    origin="sites/SIM.yaml",
)
ASKED = Request(use_case="toy", site="SIM", name="sky")


def no_token():
    raise AssertionError("the Dynamic DNS is not asked where there is no name")


@pytest.fixture
def use_case(world, deployment):
    """The toy as the deployment keeps it."""
    workdir = Workdir(world.folders.deployments / deployment.id)
    workdir.create()
    return keep(workdir, find_use_case("toy", [world.folders.config / "usecases"]))


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def told():
    return []


@pytest.fixture
def begin(world, store, deployment, stop, told):
    """Begin a run on a deployment that was just asked for, or go on with the one there is."""
    asked = replace(deployment, site="SIM", use_case="toy", project_id="")
    store.add(asked)

    def make(verb="deploy", *, share=SITE.shares[0]):
        run = Run(
            deployment=store.get(asked.id),
            site=SITE,
            share=share,
            folders=world.folders,
            store=store,
            journal=Journal(told.append),
            stop=stop,
            source=lambda: GivenToken(raw=world.token(left=1805.0)),
            dynamic_dns=DynamicDns(token=no_token, address="https://names.sim.eu"),
            environment=world.environment,
            reach_seconds=5.0,
        )
        run.open(verb)
        return run

    return make


@pytest.fixture
def applied(begin, use_case):
    run = begin()
    run.login()
    run.choose(ASKED, use_case)
    run.plan(use_case)
    run.apply(use_case)
    return run


def test_a_login_tells_as_whom_and_for_how_long(begin, told):
    begin().login()
    (note,) = told
    assert note.text == f"toy on SIM  ·  VO {VO}  ·  as ada (token good for 30 min)"


def test_the_project_that_the_site_keeps_for_the_vo_is_stored_at_the_first_login(
    begin, world, store
):
    run = begin(share=Share(vo=VO, project_id=None))
    run.login()
    assert store.get(run.deployment.id).project_id == PROJECT
    begin(share=Share(vo=VO, project_id=None)).login()
    assert world.logins == [None, PROJECT]


def test_each_choice_is_told_with_its_reason(begin, use_case, told, world):
    world.quotas = (
        Quota(name="cores", used=18, limit=20),
        Quota(name="instances", used=0, limit=5),
        Quota(name="ram_mb", used=0, limit=None),
    )
    run = begin()
    run.login()
    run.choose(ASKED, use_case)
    discovered, chosen = (one for one in told if one.state == "finished")
    assert discovered.text == "1 networks, 2 flavors, 1 images"
    assert [label for label, _ in chosen.details][0] == "small (2 vCPU, 4 GB, 20 GB)"
    assert all(reason for _, reason in chosen.details)
    assert chosen.details[-1] == ("quota", "20 of 20 cores, 1 of 5 VMs")


def test_a_run_keeps_a_log_of_all_that_it_told(begin, use_case, told, world):
    run = begin()
    run.login()
    run.choose(ASKED, use_case)
    (log,) = (world.folders.deployments / run.deployment.id / "runs").glob("*-run-deploy.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["text"] for line in lines] == [one.text for one in told]


@pytest.mark.parametrize("phase", ["choose", "plan", "apply"])
def test_a_stop_is_heeded_before_each_phase(begin, use_case, stop, phase):
    run = begin()
    run.login()
    steps = {
        "choose": lambda: run.choose(ASKED, use_case),
        "plan": lambda: run.plan(use_case),
        "apply": lambda: run.apply(use_case),
    }
    for name, step in steps.items():
        if name == phase:
            break
        step()
    stop.set()
    with pytest.raises(InterruptedRunError, match="sky: stopped as asked"):
        steps[phase]()


def test_a_phase_that_needs_the_site_before_the_login_is_a_bug_of_ours(begin, use_case):
    with pytest.raises(RuntimeError, match="before the run has logged in"):
        begin().choose(ASKED, use_case)


def test_what_was_made_is_told_and_noted(applied, store, told):
    made = "there are 1 server, 1 floating IP, 1 key pair"
    assert told[-1].text == made
    assert store.events(applied.deployment)[-1].text == made
    assert applied.deployment.phase is Phase.APPLIED


@pytest.mark.parametrize(("lasts", "logins"), [(3600.0, 1), (100.0, 2)])
def test_a_wait_for_a_place_is_told_and_may_cost_a_login(
    begin, use_case, world, told, lasts, logins
):
    world.login_seconds = lasts
    run = begin()
    run.login()
    run.choose(ASKED, use_case)
    with every_place(world.folders) as places:

        def go_on(progress):
            told.append(progress)
            if progress.text.startswith("waiting for one of"):
                places.close()

        run._journal._on_progress = go_on
        run.plan(use_case)
    waits = [one for one in told if one.text.startswith("waiting for one of")]
    assert [(one.phase, one.state) for one in waits] == [("plan", "note")]
    assert len(world.logins) == logins


def test_what_waits_for_a_place_to_apply_has_begun_nothing(begin, use_case, world, stop, told):
    run = begin()
    run.login()
    run.choose(ASKED, use_case)
    run.plan(use_case)
    run._journal._on_progress = lambda _: stop.set()
    with every_place(world.folders), pytest.raises(InterruptedRunError, match="while waiting"):
        run.apply(use_case)
    assert run.deployment.phase is Phase.PLANNED
    assert world.logins == [PROJECT]


def test_an_apply_logs_in_anew(applied, world):
    assert world.logins == [PROJECT, PROJECT]


def test_what_is_applied_anew_is_no_longer_taken_for_configured(applied, use_case, store):
    applied.configure(use_case, force=False, anew=True)
    digest = applied.finish().configured_digest
    applied.plan(use_case)
    applied.apply(use_case)
    assert digest is not None
    assert store.get(applied.deployment.id).configured_digest is None


def test_what_is_ready_and_as_it_was_is_not_configured_again(applied, use_case, world):
    assert applied.configure(use_case, force=False, anew=True)
    applied.finish()
    assert not applied.configure(use_case, force=False, anew=False)
    assert applied.configure(use_case, force=True, anew=False)
    assert len(world.playbooks) == 2


def test_a_playbook_that_failed_is_not_taken_for_done(applied, use_case, world):
    world.playbook_error = "no mirror"
    with pytest.raises(DeploymentFailedError):
        applied.configure(use_case, force=False, anew=True)
    assert applied.deployment.configured_digest is None
    assert applied.deployment.phase is Phase.CONFIGURING


def test_a_stop_after_the_playbook_keeps_what_it_did_unverified(applied, use_case, stop, told):
    def ask_for_a_stop(progress):
        if (progress.phase, progress.state) == ("configure", "finished"):
            stop.set()

    applied._journal._on_progress = ask_for_a_stop
    with pytest.raises(InterruptedRunError):
        applied.configure(use_case, force=False, anew=True)
    assert applied.deployment.phase is Phase.CONFIGURING


# --- what was reached


def test_what_was_reached_is_remembered_for_the_site_and_the_vo(applied, use_case, store):
    before = datetime.now(UTC)
    applied.configure(use_case, force=False, anew=True)
    (proof,) = store.proofs(site="SIM", vo=VO)
    assert (proof.network_id, proof.topology) == ("n-ext", "floating")
    assert before <= proof.at <= datetime.now(UTC)
    assert store.proofs(site="SIM", vo="vo.other.eu") == ()


def test_what_was_not_reached_is_not_remembered(applied, use_case, store, world):
    world.servers["sky-toy"].status = "ERROR"
    with pytest.raises(DeploymentFailedError, match="is not running"):
        applied.configure(use_case, force=False, anew=True)
    assert store.proofs(site="SIM", vo=VO) == ()


def test_a_machine_is_remembered_although_its_configuration_failed(applied, use_case, store, world):
    world.playbook_error = "no mirror"
    with pytest.raises(DeploymentFailedError):
        applied.configure(use_case, force=False, anew=True)
    assert [proof.network_id for proof in store.proofs(site="SIM", vo=VO)] == ["n-ext"]


def test_behind_a_jump_host_the_private_network_is_what_was_reached(applied, use_case, store):
    selection = applied.deployment.selection
    private = replace(selection.public_network, key="private_network", value="n-private")
    jump = replace(
        selection,
        topology=replace(selection.topology, value="jump"),
        public_network=None,
        private_network=private,
    )
    applied.deployment = replace(applied.deployment, selection=jump)
    applied.configure(use_case, force=False, anew=True)
    (proof,) = store.proofs(site="SIM", vo=VO)
    assert (proof.network_id, proof.topology) == ("n-private", "jump")


def test_a_proof_comes_first_at_the_next_choice(applied, use_case, begin, store):
    applied.configure(use_case, force=False, anew=True)
    ready = applied.finish()
    again = begin()
    again.deployment = replace(ready, id="second", name="second", selection=None)
    again.deployment = replace(again.deployment, phase=Phase.REQUESTED, nodes=())
    store.add(again.deployment)
    again.login()
    again.choose(replace(ASKED, name="second"), use_case)
    network = again.deployment.selection.public_network
    assert network.confidence == "proven"
    assert "reached" in network.reason


def test_a_finished_run_is_noted_with_its_checks(applied, use_case, store):
    applied.configure(use_case, force=False, anew=True)
    ready = applied.finish()
    assert [event.text for event in store.events(ready)] == [
        "a run began",
        "3 to create",
        "there are 1 server, 1 floating IP, 1 key pair",
        "the nodes answer",
        "all checks hold",
    ]


def test_a_given_up_run_says_what_exists_and_the_ways_on(applied, store):
    error = RequestError("boom", way_out=["look"])
    applied.give_up(error)
    assert error.facts == {
        "exists": "1 server, 1 floating IP, 1 key pair",
        "phase": "applied",
    }
    assert [step.split("        ")[0] for step in error.way_out] == [
        "look",
        "make deploy SITE=SIM USECASE=toy VO=vo.access.egi.eu NAME=sky",
        "orchestrator logs sky",
        "make destroy NAME=sky",
    ]
    kept = store.get(applied.deployment.id)
    assert kept.failure == "boom"
    assert store.events(kept)[-1].text == "failed: boom"


def test_facts_that_an_error_brings_are_kept(applied):
    error = DeploymentFailedError("boom", facts={"exists": "half a server"})
    applied.give_up(error)
    assert error.facts["exists"] == "half a server"


def test_an_unreadable_state_is_not_told_as_nothing(applied, world):
    state = world.folders.deployments / applied.deployment.id / "terraform.tfstate"
    state.write_text("")
    error = DeploymentFailedError("boom")
    applied.give_up(error)
    assert error.facts["exists"] == "unknown: the state does not tell"


def test_a_destroy_of_what_never_was_asks_nobody(begin, world):
    assert begin("destroy").destroy().phase is Phase.DESTROYED
    assert world.logins == []


def test_a_destroy_that_meets_a_lost_state_says_that_it_goes_by_the_listing(
    applied, begin, world, told
):
    (world.folders.deployments / applied.deployment.id / "terraform.tfstate").unlink()
    run = begin("destroy")
    run.login()
    run.destroy()
    destroyed, looked = [one for one in told if one.state == "finished"][-2:]
    assert "going by the site's own listing" in destroyed.text
    assert looked.text.startswith("removed what only the site knew of: ")
    assert "server sky-toy" in looked.text
