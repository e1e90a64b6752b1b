"""Deploy, plan and apply on a simulated site: what repeats, what is refused, what is left."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.errors import (
    DeploymentFailedError,
    InterruptedRunError,
    LoginError,
    OrchestratorError,
    RefusedError,
    RequestError,
    SetupError,
    SiteError,
    UnsafePlanError,
)
from orchestrator.lifecycle import Phase
from orchestrator.model import Quota
from orchestrator.store import leases, schema
from tests.unit.simulations import (
    ADDRESS,
    FLOATING_IP,
    KEYPAIR,
    SERVER,
    Cloud,
    every_place,
    host_key,
)

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA = "local:ada"


def refused(call, kind) -> OrchestratorError:
    with pytest.raises(kind) as caught:
        call()
    return caught.value


# --- from nothing to ready, and again


def test_a_use_case_becomes_a_ready_deployment(deployer, asked, world):
    outcome = deployer().deploy(asked())
    assert outcome.changed
    assert (outcome.deployment.phase, outcome.deployment.failure) == (Phase.READY, None)
    assert [node.address for node in outcome.deployment.nodes] == ["198.51.100.17"]
    assert outcome.deployment.versions["terraform"] == "1.11.4"
    assert world.kinds == ["floating_ip", "keypair", "server"]
    assert world.playbooks == [{"hosts": ["sky-toy"], "colour": "red"}]


def test_the_same_request_again_has_nothing_to_do(deployer, asked, world):
    first = deployer().deploy(asked()).deployment
    again = deployer().deploy(asked())
    assert not again.changed
    assert again.deployment == first
    assert len(world.playbooks) == 1


def test_a_deployment_without_a_name_is_given_one(deployer, asked):
    one = deployer().deploy(asked(name=None)).deployment
    two = deployer().deploy(asked(name=None)).deployment
    assert one.name.startswith("toy-")
    assert one.name != two.name


def test_it_lives_as_long_as_asked_for_else_as_the_settings_say(deployer, asked):
    short = deployer().plan(asked(name="short", lifetime_days=1)).deployment
    usual = deployer().plan(asked(name="usual")).deployment
    assert (short.expires_at - short.created_at).days == 1
    assert (usual.expires_at - usual.created_at).days == 7


def test_configure_runs_ansible_although_nothing_changed(deployer, asked, world):
    deployer().deploy(asked())
    assert deployer().deploy(asked(configure=True)).changed
    assert len(world.playbooks) == 2


def test_a_changed_role_counts_once_an_upgrade_is_asked_for(deployer, asked, world):
    deployer().deploy(asked())
    (world.role_folder / "tasks" / "main.yml").write_text("- ping:\n")
    assert not deployer().deploy(asked()).changed
    assert deployer().deploy(asked(upgrade=True)).changed
    assert not deployer().deploy(asked(upgrade=True)).changed
    assert len(world.playbooks) == 2


def test_an_upgrade_takes_the_present_version_and_keeps_what_was_given(
    deployer, asked, world, record
):
    deployer().deploy(asked(parameters={"colour": "blue"}))
    file = world.use_case_folder / "usecase.yaml"
    more = "  size: {type: integer, default: 3, help: how big}\nnodes:"
    text = file.read_text().replace('version: "1.0"', 'version: "2.0"')
    file.write_text(text.replace("nodes:", more))
    deployer().deploy(asked())
    assert (record().use_case_version, record().parameters) == ("1.0", {"colour": "blue"})
    deployer().deploy(asked(upgrade=True))
    assert record().use_case_version == "2.0"
    assert record().parameters == {"colour": "blue", "size": 3}
    assert world.playbooks[-1]["size"] == 3


def test_a_deployment_outlives_its_use_case_and_role(deployer, asked, world):
    deployer().deploy(asked())
    for folder in (world.use_case_folder, world.role_folder):
        shutil.rmtree(folder)
    assert not deployer().deploy(asked()).changed
    assert deployer().deploy(asked(configure=True)).changed
    assert deployer().destroy("sky").phase is Phase.DESTROYED


def test_a_role_that_is_not_there_is_told_before_anything_is_made(deployer, asked, world):
    shutil.rmtree(world.role_folder)
    error = refused(lambda: deployer().deploy(asked()), RequestError)
    assert "names a role 'toy' that is not there" in error.message
    assert world.kinds == []


def test_what_is_needed_follows_the_parameters(deployer, asked, world, record):
    change_use_case(world, "needs_when: {colour: {blue: {vcpus: 6}}}")
    deployer().deploy(asked())
    deployer().deploy(asked(name="big", parameters={"colour": "blue"}))
    assert record().selection.flavor.name == "small"
    assert record("big").selection.flavor.name == "large"
    why = deployer().explain(asked(name=None, parameters={"colour": "blue"}))
    assert why.selection.flavor.name == "large"


def test_a_parameter_that_needs_another_machine_is_refused_for_one_that_exists(
    deployer, asked, world
):
    change_use_case(world, "needs_when: {colour: {blue: {vcpus: 6}}}")
    deployer().deploy(asked())
    call = lambda: deployer().deploy(asked(parameters={"colour": "blue"}))  # noqa: E731
    error = refused(call, RequestError)
    assert error.facts["needed now"].startswith("6 vCPU")
    assert not deployer().deploy(asked()).changed


def test_a_site_settles_parameters_and_a_person_has_the_last_word(deployer, asked, world, record):
    file = world.folders.config / "sites" / "SIM.yaml"
    file.write_text(file.read_text() + "use_cases: {toy: {colour: green}}\n")
    deployer().deploy(asked())
    deployer().deploy(asked(name="mine", parameters={"colour": "blue"}))
    assert record().parameters == {"colour": "green"}
    assert record("mine").parameters == {"colour": "blue"}


def test_secrets_are_made_once_given_to_ansible_and_kept_out_of_the_record(
    deployer, asked, world, store, record, folder
):
    change_use_case(world, "secrets: [toy_password]")
    deployer().deploy(asked())
    deployer().deploy(asked(configure=True))
    first, second = (run["toy_password"] for run in world.playbooks)
    assert len(first) == 24
    assert first == second
    (file,) = [one for one in folder().rglob("*.secret")]
    others = [one for one in world.home.rglob("*") if one.is_file() and one != file]
    assert [one for one in others if first.encode() in one.read_bytes()] == []
    assert first not in repr(record())


def test_a_lost_secret_is_made_anew_and_brought_to_the_machine(deployer, asked, world, folder):
    change_use_case(world, "secrets: [toy_password]")
    deployer().deploy(asked())
    next(folder().rglob("*.secret")).unlink()
    assert deployer().deploy(asked()).changed
    assert world.playbooks[0]["toy_password"] != world.playbooks[1]["toy_password"]


def change_use_case(world, line: str) -> None:
    """Add a line to the toy's usecase.yaml."""
    file = world.use_case_folder / "usecase.yaml"
    file.write_text(file.read_text() + line + "\n")


def test_a_parameter_given_anew_holds_and_the_others_stay(deployer, asked, world):
    deployer().deploy(asked(parameters={"colour": "blue"}))
    assert not deployer().deploy(asked()).changed
    assert deployer().deploy(asked(parameters={"colour": "green"})).changed
    assert [run["colour"] for run in world.playbooks] == ["blue", "green"]


def test_a_machine_removed_at_the_site_is_made_and_configured_anew(deployer, asked, world):
    deployer().deploy(asked())
    del world.resources["server", "sky-toy"]
    world.servers.clear()
    assert deployer().deploy(asked()).changed
    assert world.servers["sky-toy"].services == {"toy"}


def test_a_machine_made_anew_is_believed_with_its_new_host_key(deployer, asked, world):
    deployer().deploy(asked())
    del world.resources["server", "sky-toy"]
    world.next_key = host_key("n")
    assert deployer().deploy(asked()).deployment.phase is Phase.READY
    assert world.servers["sky-toy"].key == host_key("n")


def test_what_was_made_anew_is_configured_although_the_run_was_killed_before(
    deployer, asked, world, monkeypatch
):
    deployer().deploy(asked())
    del world.resources["server", "sky-toy"]

    def killed(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.drivers.ssh.wait_until_ssh", killed)
        with pytest.raises(KeyboardInterrupt):
            deployer().deploy(asked())
    deployer().deploy(asked())
    assert world.servers["sky-toy"].services == {"toy"}


def test_a_ready_machine_that_fell_silent_is_told(deployer, asked, world, record):
    deployer().deploy(asked())
    world.servers["sky-toy"].answers = False
    error = refused(lambda: deployer().deploy(asked()), DeploymentFailedError)
    assert "does not answer" in error.message
    world.servers["sky-toy"].answers = True
    assert deployer().deploy(asked()).deployment.failure is None


# --- names


def test_a_name_is_checked_before_anything_happens(deployer, asked, store, world):
    refused(lambda: deployer().deploy(asked(name="No Name")), RequestError)
    assert store.all(owner=ADA) == []
    assert not world.folders.deployments.exists()


@pytest.mark.parametrize("what", ["use case", "VO"])
def test_the_name_of_another_deployment_is_refused(deployer, asked, world, what):
    deployer().deploy(asked())
    other = world.use_case_folder.parent / "ball"
    other.mkdir()
    for file in world.use_case_folder.iterdir():
        (other / file.name).write_text(file.read_text())
    given = {"use case": {"use_case": "ball"}, "VO": {"vo": "vo.other.eu"}}[what]
    error = refused(lambda: deployer().deploy(asked(**given)), RequestError)
    assert "is taken" in error.message
    assert list(error.facts) == [what]
    assert "make destroy NAME=sky" in error.way_out


def test_the_name_of_a_deployment_at_another_site_is_refused(deployer, asked, world):
    deployer().deploy(asked())
    here = world.folders.config / "sites" / "SIM.yaml"
    here.with_name("OTHER.yaml").write_text(here.read_text().replace("SIM", "OTHER"))
    error = refused(lambda: deployer().deploy(asked(site="OTHER")), RequestError)
    assert error.facts == {"site": "SIM, asked for OTHER"}


def test_a_refused_name_leaves_the_deployment_of_that_name_alone(deployer, asked, record):
    before = deployer().deploy(asked()).deployment
    refused(lambda: deployer().deploy(asked(vo="vo.other.eu")), RequestError)
    assert record() == before


def test_one_owner_does_not_see_the_names_of_another(deployer, asked):
    deployer().deploy(asked())
    error = refused(lambda: deployer(owner="local:eve").destroy("sky"), RequestError)
    assert error.facts == {"you have": "none"}


def test_an_unknown_parameter_is_refused_before_a_name_is_taken(deployer, asked, record):
    refused(lambda: deployer().deploy(asked(parameters={"color": "red"})), RequestError)
    assert record() is None


def test_a_second_run_on_one_deployment_is_refused_and_harms_nothing(
    deployer, asked, store, record
):
    before = deployer().deploy(asked()).deployment
    with store.lease(before):
        refused(lambda: deployer().deploy(asked()), RefusedError)
    assert record() == before


def test_a_run_that_was_taken_over_stops_and_says_by_whom(
    deployer, asked, store, record, world, monkeypatch
):
    """Another machine believes the run dead while its playbook is at work."""
    before = deployer().plan(asked()).deployment

    def taken_over():
        with store._engine.begin() as connection:
            connection.execute(schema.leases.update().values(holder="other.example 77 1 5"))
        store.update(before, failure="the other run was here")

    world.during_playbook = taken_over
    error = refused(lambda: deployer().deploy(asked()), RefusedError)
    assert "taken over by process 77 on other.example" in error.message
    assert record().failure == "the other run was here"
    assert not any("failed" in event.text for event in store.events(before))


def test_a_run_that_waits_for_a_place_keeps_its_lease_and_heeds_its_loss(
    deployer, asked, store, world, monkeypatch
):
    monkeypatch.setitem(type(store).lease.__kwdefaults__, "every", 0.05)
    told = []

    def taken_over(progress):
        if progress.text.startswith("waiting for one of"):
            told.append(progress)
            with store._engine.begin() as connection:
                connection.execute(schema.leases.update().values(holder="other.example 77 1 5"))

    with every_place(world.folders):
        error = refused(
            lambda: deployer(on_progress=taken_over).deploy(asked()), leases.LeaseLostError
        )
    assert "taken over by process 77 on other.example" in error.message
    assert [one.phase for one in told] == ["discover"]


def test_a_destroy_waits_for_a_place_asks_the_site_nothing_and_heeds_a_stop(
    deployer, asked, world, record, monkeypatch
):
    deployer().deploy(asked())
    before, stop = dict(world.resources), threading.Event()

    def ask_for_a_stop(progress):
        if progress.text.startswith("waiting for one of"):
            stop.set()

    with every_place(world.folders), monkeypatch.context() as patch:
        patch.setattr(Cloud, "find_marked", lambda *_: pytest.fail("asked"))
        removing = deployer(on_progress=ask_for_a_stop, stop=stop)
        refused(lambda: removing.destroy("sky"), InterruptedRunError)
    assert world.resources == before
    assert record().phase is Phase.DESTROYING
    assert deployer().destroy("sky").phase is Phase.DESTROYED


def test_an_end_that_is_put_off_during_a_run_stays_put_off(deployer, asked, store, record, world):
    later = START + timedelta(days=99)
    world.during_playbook = lambda: store.update(record(), expires_at=later)
    assert deployer().deploy(asked()).deployment.expires_at == later
    assert record().expires_at == later


# --- choices


def test_choices_are_made_once_and_kept(deployer, asked):
    first = deployer().deploy(asked(overrides={"flavor": "large"})).deployment
    again = deployer().deploy(asked()).deployment
    assert again.selection == first.selection
    assert again.selection.flavor.name == "large"


def test_the_same_choice_again_by_name_or_id_is_no_change(deployer, asked):
    deployer().deploy(asked(overrides={"flavor": "large"}))
    for value in ("large", "f-large"):
        assert not deployer().deploy(asked(overrides={"flavor": value})).changed


def test_another_choice_for_what_exists_is_refused(deployer, asked, world):
    deployer().deploy(asked())
    error = refused(
        lambda: deployer().deploy(
            asked(overrides={"flavor": "large"}, parameters={"colour": "blue"})
        ),
        RequestError,
    )
    assert error.facts["flavor"] == "small was chosen, large asked for"
    assert error.way_out[0] == "deploy under another name"
    assert not deployer().deploy(asked()).changed


@pytest.mark.parametrize(
    ("asked_now", "said"),
    [
        ({"floating_ip": ADDRESS}, f"a new one was chosen, {ADDRESS} asked for"),
        ({"private_network": "lab"}, "a new one was chosen, lab asked for"),
        ({"proxy_jump": "ada@gate"}, "none was chosen, ada@gate asked for"),
    ],
)
def test_what_was_not_named_at_first_is_not_passed_over_later(deployer, asked, asked_now, said):
    deployer().deploy(asked())
    error = refused(lambda: deployer().deploy(asked(overrides=asked_now)), RequestError)
    assert [error.facts[key] for key in asked_now] == [said]


def test_a_choice_that_nobody_knows_is_refused_for_what_exists_too(deployer, asked):
    deployer().deploy(asked())
    with pytest.raises(RequestError, match="flavour is not a choice"):
        deployer().deploy(asked(overrides={"flavour": "large"}))


def test_a_file_may_speak_of_other_topologies_each_time(deployer, asked):
    both = asked(written={"proxy_jump": "ada@gate"}, overrides={"topology": "floating"})
    deployer().deploy(both)
    assert not deployer().deploy(both).changed


# --- failing before anything exists


def check_forgotten(error, record, folder):
    assert error.facts["exists"] == "nothing was created"
    assert (record().phase, record().failure) == (Phase.DESTROYED, error.message)
    assert not folder().exists()


def test_a_new_name_is_forgotten_when_there_is_no_login(deployer, asked, record, folder):
    error = refused(lambda: deployer(access_token=None).deploy(asked()), LoginError)
    check_forgotten(error, record, folder)
    assert any("orchestrator login" in step for step in error.way_out)


def test_a_new_name_is_forgotten_when_the_site_refuses_the_login(
    deployer, asked, world, record, folder
):
    world.login_error = "no such project"
    check_forgotten(refused(lambda: deployer().deploy(asked()), LoginError), record, folder)


def test_a_new_name_is_forgotten_when_nothing_fits(deployer, asked, world, record, folder):
    world.quotas = (Quota(name="cores", used=20, limit=20),)
    check_forgotten(refused(lambda: deployer().deploy(asked()), SiteError), record, folder)


def test_a_new_name_is_forgotten_when_planning_fails(deployer, asked, world, record, folder):
    world.plan_error = "the site does not answer"
    check_forgotten(refused(lambda: deployer().deploy(asked()), SiteError), record, folder)


def test_a_new_name_is_forgotten_when_its_folder_cannot_be_made(
    deployer, asked, record, folder, monkeypatch
):
    def full(_workdir):
        raise SetupError("no space left on device")

    monkeypatch.setattr("orchestrator.workdir.Workdir.create", full)
    check_forgotten(refused(lambda: deployer().deploy(asked()), SetupError), record, folder)


def test_a_forgotten_name_is_free_again(deployer, asked, world):
    world.plan_error = "the site does not answer"
    refused(lambda: deployer().deploy(asked()), SiteError)
    world.plan_error = None
    assert deployer().deploy(asked(overrides={"flavor": "large"})).changed


def test_a_saved_plan_is_kept_when_it_cannot_be_applied_yet(deployer, asked, world, record, folder):
    deployer().plan(asked())
    world.login_error = "the token has expired"
    error = refused(lambda: deployer().apply("sky"), LoginError)
    assert error.facts["exists"] == "nothing was created"
    assert (record().phase, record().failure) == (Phase.PLANNED, error.message)
    assert (folder() / "plan.tfplan").exists()
    world.login_error = None
    assert deployer().apply("sky").deployment.failure is None


def test_a_stop_between_plan_and_apply_keeps_the_plan(deployer, asked, record, world):
    stop_at = _Stopper("plan", "finished")
    maker = deployer(on_progress=stop_at, stop=stop_at.event)
    error = refused(lambda: maker.deploy(asked()), InterruptedRunError)
    assert error.exit_code == 130
    assert record().phase is Phase.PLANNED
    assert world.kinds == []


# --- failing when something exists


def check_kept(error, record, *, phase):
    assert error.facts["phase"] == record().phase.value == phase
    assert record().failure == error.message
    steps = [" ".join(step.split()[:2]) for step in error.way_out[-3:]]
    assert steps == ["make deploy", "orchestrator logs", "make destroy"]
    assert "NAME=sky" in error.way_out[-3]


def test_a_failed_apply_is_kept_and_says_what_exists(deployer, asked, world, record):
    world.apply_breaks_at = SERVER
    error = refused(lambda: deployer().deploy(asked()), SiteError)
    check_kept(error, record, phase="applying")
    assert error.facts["exists"] == "1 server, 1 key pair"


def test_a_machine_that_the_site_could_not_build_is_told_in_novas_words(deployer, asked, world):
    world.apply_breaks_at = SERVER
    world.faults = {"sky-toy, in Nova's words": "Image 3f0c4b1e-5d1c could not be found."}
    error = refused(lambda: deployer().deploy(asked()), SiteError)
    assert error.message == "the image is no longer at the site"
    assert error.facts["sky-toy, in Nova's words"] == "Image 3f0c4b1e-5d1c could not be found."


def test_a_block_storage_that_does_not_answer_takes_nothing_from_what_nova_says(
    deployer, asked, world
):
    world.apply_breaks_at = SERVER
    world.faults = {"sky-toy, in Nova's words": "Image 3f0c4b1e-5d1c could not be found."}
    world.storage_error = "S: block storage does not answer"
    error = refused(lambda: deployer().deploy(asked()), SiteError)
    assert error.message == "the image is no longer at the site"
    assert error.facts["sky-toy, in Nova's words"] == "Image 3f0c4b1e-5d1c could not be found."
    assert error.facts["not asked"] == f"why volumes are broken: {world.storage_error}"


def test_a_failed_playbook_is_kept_and_the_next_run_goes_on_there(deployer, asked, world, record):
    world.playbook_error = "the package mirror did not answer"
    error = refused(lambda: deployer().deploy(asked()), DeploymentFailedError)
    check_kept(error, record, phase="configuring")
    assert error.facts["exists"] == "1 server, 1 floating IP, 1 key pair"
    world.playbook_error = None
    outcome = deployer().deploy(asked())
    assert (outcome.deployment.phase, outcome.deployment.failure) == (Phase.READY, None)
    assert len(world.playbooks) == 2


def test_failed_checks_are_named_and_made_again_by_the_next_run(deployer, asked, world, record):
    world.playbook_starts = ()
    error = refused(lambda: deployer().deploy(asked()), DeploymentFailedError)
    check_kept(error, record, phase="verifying")
    assert error.facts["the toy plays"] == "toy is not active"
    refused(lambda: deployer().deploy(asked()), DeploymentFailedError)
    world.servers["sky-toy"].services.add("toy")
    assert deployer().deploy(asked()).deployment.phase is Phase.READY
    assert len(world.playbooks) == 1


def test_a_stop_while_applying_keeps_what_exists(deployer, asked, record, world):
    stop_at = _Stopper("apply", "running")
    maker = deployer(on_progress=stop_at, stop=stop_at.event)
    error = refused(lambda: maker.deploy(asked()), InterruptedRunError)
    check_kept(error, record, phase="applying")
    assert deployer().deploy(asked()).deployment.phase is Phase.READY


def test_what_an_interrupted_apply_had_begun_is_removed_before_the_next_plan(
    deployer, asked, world, record
):
    world.apply_breaks_at = SERVER
    refused(lambda: deployer().deploy(asked()), SiteError)
    world.apply_breaks_at = None
    world.resources["port", "begun"] = record().id
    world.resources["port", "anothers"] = "other"
    del world.resources["server", "sky-toy"]
    deployer().deploy(asked())
    assert world.kinds == ["floating_ip", "keypair", "port", "server"]
    assert ("port", "anothers") in world.resources


def test_what_an_interrupted_apply_left_and_the_site_keeps_is_named(deployer, asked, world, record):
    world.apply_breaks_at = KEYPAIR
    refused(lambda: deployer().deploy(asked()), SiteError)
    world.resources["port", "begun"] = record().id
    world.stuck = {"port"}
    error = refused(lambda: deployer().deploy(asked()), DeploymentFailedError)
    check_kept(error, record, phase="applying")
    assert error.facts["still there"] == "port begun"


# --- plans that would lose something


def test_a_machine_whose_making_was_cut_short_is_made_anew(deployer, asked, world):
    world.apply_breaks_at = SERVER
    refused(lambda: deployer().deploy(asked()), SiteError)
    world.apply_breaks_at = None
    assert deployer().deploy(asked()).deployment.phase is Phase.READY


def test_a_plan_that_would_lose_a_machine_is_refused(deployer, asked, world, record):
    deployer().deploy(asked())
    world.rebuilds = True
    error = refused(lambda: deployer().deploy(asked()), UnsafePlanError)
    assert error.exit_code == 3
    assert "destroyed and made anew" in error.facts["sky-toy"]
    assert world.servers["sky-toy"].services == {"toy"}
    assert (record().phase, record().failure) == (Phase.READY, error.message)


def test_a_refused_plan_cannot_be_applied_by_name(deployer, asked, world):
    deployer().deploy(asked())
    world.rebuilds = True
    refused(lambda: deployer().plan(asked()), UnsafePlanError)
    refused(lambda: deployer().apply("sky"), RequestError)
    assert world.servers["sky-toy"].services == {"toy"}


def test_a_machine_that_was_finished_once_is_not_replaced_when_tainted(deployer, asked, world):
    made = deployer().deploy(asked()).deployment
    state = world.folders.deployments / made.id / "terraform.tfstate"
    state.write_text(
        state.read_text().replace("whole", "tainted").replace('"serial": ', '"serial": 9')
    )
    refused(lambda: deployer().deploy(asked()), UnsafePlanError)


# --- plan, then apply


def test_a_plan_changes_nothing_and_its_apply_runs_it(deployer, asked, world, record):
    planned = deployer().plan(asked())
    assert planned.plan.summary == "3 to create"
    assert planned.deployment.phase is Phase.PLANNED
    assert world.kinds == []
    outcome = deployer().apply("sky")
    assert outcome.changed
    assert outcome.deployment.phase is Phase.READY


def test_an_apply_takes_the_plan_as_it_was_saved(deployer, asked, world):
    deployer().plan(asked())
    world.plan_error = "nobody should plan again"
    assert deployer().apply("sky").deployment.phase is Phase.READY


def test_an_apply_without_a_waiting_plan_names_what_goes_on(deployer, asked, world):
    world.playbook_error = "no"
    refused(lambda: deployer().deploy(asked()), DeploymentFailedError)
    error = refused(lambda: deployer().apply("sky"), RequestError)
    assert error.way_out == ("orchestrator deploy toy --site SIM --name sky",)


def test_a_plan_file_that_went_away_is_told(deployer, asked, folder, record):
    deployer().plan(asked())
    (folder() / "plan.tfplan").unlink()
    error = refused(lambda: deployer().apply("sky"), RequestError)
    assert "no saved plan" in error.message
    assert record().phase is Phase.PLANNED


def test_a_deploy_goes_on_from_a_plan(deployer, asked):
    planned = deployer().plan(asked()).deployment
    assert deployer().deploy(asked()).deployment.id == planned.id


def test_a_plan_for_what_is_ready_says_nothing_to_do(deployer, asked, record):
    deployer().deploy(asked())
    assert deployer().plan(asked()).plan.summary == "nothing to do"
    assert record().phase is Phase.READY


# --- what a killed run left


@pytest.mark.parametrize(
    "content",
    [None, "", '{"lineage": "one", "ser', '{"lineage": "one", "serial": 0, "resources": []}'],
)
def test_with_a_lost_state_a_deploy_takes_back_what_the_site_has(
    deployer, asked, world, folder, content
):
    deployer().deploy(asked())
    before = dict(world.resources)
    state = folder() / "terraform.tfstate"
    if content is None:
        state.unlink()
    else:
        state.write_text(content)
    outcome = deployer().deploy(asked())
    assert outcome.deployment.phase is Phase.READY
    assert world.resources == before
    assert deployer().deploy(asked()).changed is False


def test_an_apply_that_was_killed_is_gone_on_with_and_makes_nothing_twice(
    deployer, asked, world, folder
):
    """The simulated site refuses to make a thing a second time."""
    world.apply_breaks_at = SERVER
    refused(lambda: deployer().deploy(asked()), SiteError)
    world.apply_breaks_at = None
    (folder() / "terraform.tfstate").write_text("")
    assert deployer().deploy(asked()).deployment.phase is Phase.READY
    assert world.kinds == ["floating_ip", "keypair", "server"]


def killed_once_all_is_made(deployer, asked, monkeypatch):
    """Terraform ends its work, and the run that would note the machines has ended before."""
    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.workdir.Workdir.keep_state", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            deployer().deploy(asked())


def test_machines_that_a_killed_run_did_not_note_are_reached_and_configured(
    deployer, asked, world, folder, monkeypatch
):
    killed_once_all_is_made(deployer, asked, monkeypatch)
    ready = deployer().deploy(asked()).deployment
    assert [node.address for node in ready.nodes] == ["198.51.100.17"]
    assert world.playbooks == [{"hosts": ["sky-toy"], "colour": "red"}]
    assert len(list((folder() / "states").glob("*.tfstate"))) == 1


def test_a_recover_that_was_killed_leaves_no_state_and_nothing_is_made_twice(
    deployer, asked, world, folder, monkeypatch
):
    killed_once_all_is_made(deployer, asked, monkeypatch)
    deployer().deploy(asked())
    before = dict(world.resources)
    (folder() / "terraform.tfstate").write_text('{"lineage": "one", "ser')
    with monkeypatch.context() as patch:
        patch.setattr("tests.unit.simulations.Cloud.find_marked", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            deployer().recover("sky")
    assert not (folder() / "terraform.tfstate").exists()
    assert deployer().deploy(asked()).deployment.phase is Phase.READY
    assert world.resources == before


def _interrupted(*_args):
    raise KeyboardInterrupt


@pytest.mark.parametrize("verb", ["deploy", "plan", "recover", "destroy"])
def test_what_another_run_removed_just_now_is_said_to_be_removed(
    deployer, asked, world, store, monkeypatch, verb
):
    """It was there when the command began, and is gone when the lease is had."""
    deployer().deploy(asked())
    lease = store.lease

    def overtaken(deployment, **options):
        monkeypatch.setattr(store, "lease", lease)
        deployer().destroy("sky")
        return lease(deployment, **options)

    monkeypatch.setattr(store, "lease", overtaken)
    request = asked() if verb in ("deploy", "plan") else "sky"
    error = refused(lambda: getattr(deployer(), verb)(request), RequestError)
    assert "sky was removed by another run just now" in error.message
    assert (world.resources, list(world.folders.deployments.iterdir())) == ({}, [])


def test_what_another_run_began_to_remove_just_now_cannot_be_deployed(
    deployer, asked, store, monkeypatch
):
    ready = deployer().deploy(asked()).deployment
    lease = store.lease

    def overtaken(deployment, **options):
        store.move(ready, Phase.DESTROYING)
        return lease(deployment, **options)

    monkeypatch.setattr(store, "lease", overtaken)
    error = refused(lambda: deployer().deploy(asked()), RequestError)
    assert "is being removed" in error.message


def test_a_failed_apply_of_an_addition_keeps_the_nodes(deployer, asked, world, record):
    deployer().deploy(asked())
    del world.resources["floating_ip", "sky-toy"]
    world.apply_breaks_at = FLOATING_IP
    refused(lambda: deployer().deploy(asked()), SiteError)
    assert [node.name for node in record().nodes] == ["sky-toy"]


class _Stopper:
    """A watcher that asks for a stop when a phase comes to a state."""

    def __init__(self, phase: str, state: str) -> None:
        self.event = threading.Event()
        self._at = (phase, state)

    def __call__(self, progress) -> None:
        if (progress.phase, progress.state) == self._at:
            self.event.set()


# --- the end, as the machines know it


def told_of(deployment) -> str:
    return f"{deployment.expires_at:%Y-%m-%d %H:%M:%S} UTC"


def test_a_machine_is_told_once_when_to_power_itself_off(deployer, asked, world):
    ready = deployer().deploy(asked()).deployment
    deployer().deploy(asked())
    assert world.servers["sky-toy"].ends == [told_of(ready)]


def test_a_machine_knows_its_end_also_when_its_playbook_fails(deployer, asked, world):
    world.playbook_error = "no"
    refused(lambda: deployer().deploy(asked()), DeploymentFailedError)
    assert len(world.servers["sky-toy"].ends) == 1


def test_an_end_that_was_put_off_is_told_by_the_next_deploy_which_changes_nothing(
    deployer, asked, world, store
):
    ready = deployer().deploy(asked()).deployment
    later = store.update(ready, expires_at=ready.expires_at + timedelta(days=2))
    assert not deployer().deploy(asked()).changed
    assert world.servers["sky-toy"].ends == [told_of(ready), told_of(later)]


def test_a_machine_made_anew_is_told_its_end(deployer, asked, world):
    deployer().deploy(asked())
    del world.resources["server", "sky-toy"]
    world.servers.clear()
    deployer().deploy(asked())
    assert len(world.servers["sky-toy"].ends) == 1


def test_a_deploy_after_the_end_says_so_and_what_puts_it_off(deployer, asked, world, store):
    ready = deployer().deploy(asked()).deployment
    store.update(ready, expires_at=START)
    told = []
    deployer(on_progress=lambda one: told.append(one.text)).deploy(asked())
    assert any("orchestrator extend sky" in text for text in told)
    assert len(world.servers["sky-toy"].ends) == 1
