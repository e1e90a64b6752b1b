"""Terraform's command lines, environment, events and ends, on a simulated terraform."""

from __future__ import annotations

import fcntl
import threading

import pytest

from orchestrator.drivers import terraform as driver
from orchestrator.drivers.terraform import RenewalDueError, Terraform
from orchestrator.errors import (
    DeploymentFailedError,
    InterruptedRunError,
    LoginEndedError,
    LoginError,
    SetupError,
    SiteError,
)

CANARY = "canary-4711"


@pytest.fixture
def terraform(fake, tmp_path):
    def make(**options):
        settings = {
            "program": fake.program,
            "cli_config": tmp_path / "terraform.rc",
            "env": {"PATH": "/usr/bin:/bin", "HOME": "/nowhere"},
            "token": CANARY,
        }
        return Terraform(fake.workdir, **(settings | options))

    return make


def test_a_plan_is_saved_shown_and_applied(terraform, fake):
    made = terraform()
    made.init()
    assert made.save_plan()
    made.show_plan()
    made.apply_saved_plan()
    assert made.outputs() == {"nodes": {"sky-docker": {}}}
    assert [[argv[0], *sorted(argv[1:])] for argv in fake.command_lines] == [
        ["init", "-input=false", "-json", "-lockfile=readonly"],
        [
            "plan",
            "-detailed-exitcode",
            "-input=false",
            "-json",
            "-lock-timeout=60s",
            "-out=plan.tfplan",
        ],
        ["show", "-json", "plan.tfplan"],
        ["apply", "-input=false", "-json", "-lock-timeout=60s", "plan.tfplan"],
        ["output", "-json"],
    ]


def test_what_it_keeps_open_stays_locked_while_it_works(terraform, fake, tmp_path):
    with (tmp_path / "lock").open("w") as ours, (tmp_path / "lock").open("w") as anothers:
        began = threading.Event()
        made = terraform(
            keep_open=[ours.fileno()],
            on_event=lambda event: began.set() if event["type"] == "apply_start" else None,
        )
        made.save_plan()
        fcntl.flock(ours, fcntl.LOCK_EX)
        fake.will(apply={"sleep": 1.0})
        applying = threading.Thread(target=made.apply_saved_plan)
        applying.start()
        assert began.wait(10)
        ours.close()
        with pytest.raises(BlockingIOError):
            fcntl.flock(anothers, fcntl.LOCK_EX | fcntl.LOCK_NB)
        applying.join()
        fcntl.flock(anothers, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_plan_without_changes_says_so(terraform):
    made = terraform()
    made.save_plan()
    made.apply_saved_plan()
    assert not made.save_plan()


def test_a_destroy_is_a_saved_plan_too(terraform, fake):
    made = terraform()
    made.save_plan()
    made.apply_saved_plan()
    assert made.save_plan(destroy=True)
    assert "-destroy" in fake.command_lines[-1]


def test_a_plan_is_used_up_by_an_apply_that_fails(terraform, fake):
    made = terraform()
    made.save_plan()
    fake.will(apply={"words": "boom"})
    with pytest.raises(DeploymentFailedError):
        made.apply_saved_plan()
    assert not fake.workdir.has_plan


def test_the_child_knows_the_token_and_nothing_of_ours(terraform, fake):
    env = {
        "PATH": "/usr/bin:/bin",
        "OS_TOKEN": "another",
        "OS_CLOUD": "other",
        "TF_LOG": "DEBUG",
        "TF_VAR_site": "x",
        "ORCHESTRATOR_ACCESS_TOKEN": "secret",
        "https_proxy": "http://proxy:3128",
        "SSL_CERT_FILE": "/ca.pem",
    }
    terraform(env=env).init()
    told = fake.calls[0]["env"]
    assert told["OS_TOKEN"] == CANARY
    assert told["OS_ALLOW_REAUTH"] == "false"
    assert told["https_proxy"] == "http://proxy:3128"
    assert told["SSL_CERT_FILE"] == "/ca.pem"
    assert set(told) & (set(env) - {"PATH", "https_proxy", "SSL_CERT_FILE", "OS_TOKEN"}) == set()


def test_the_token_is_in_no_command_line_file_or_repr(terraform, fake):
    made = terraform()
    fake.will(apply={"words": f"the server said {CANARY}"})
    made.save_plan()
    with pytest.raises(DeploymentFailedError) as caught:
        made.apply_saved_plan()
    assert CANARY not in f"{made!r} {fake.command_lines} {caught.value} {caught.value.facts}"


def test_events_reach_the_watcher_as_they_are_written(terraform):
    seen = []
    made = terraform(on_event=seen.append)
    made.save_plan()
    made.apply_saved_plan()
    assert [event["type"] for event in seen] == ["change_summary", "apply_complete"]


def test_a_stop_is_one_interrupt_and_patience(terraform, fake):
    stop = threading.Event()
    made = terraform(stop=stop, on_event=lambda event: stop.set())
    stop.clear()
    fake.will(apply={"sleep": 30})
    made._on_event = lambda event: None
    made.save_plan()
    made._on_event = lambda event: stop.set()
    with pytest.raises(InterruptedRunError):
        made.apply_saved_plan()
    assert (fake.workdir.path / "interrupts").read_text() == "1"


def test_a_run_that_takes_too_long_is_interrupted(terraform, fake):
    made = terraform()
    made.save_plan()
    fake.will(apply={"sleep": 30})
    with pytest.raises(DeploymentFailedError, match="stopped after"):
        made.apply_saved_plan(timeout=0.2)
    assert (fake.workdir.path / "interrupts").read_text() == "1"


def test_a_login_that_ends_soon_is_one_interrupt_and_is_told_as_such(terraform, fake):
    made = terraform()
    made.save_plan()
    fake.will(apply={"sleep": 30})
    with pytest.raises(RenewalDueError):
        made.apply_saved_plan(login_seconds=1.5)
    assert (fake.workdir.path / "interrupts").read_text() == "1"


def test_an_apply_that_ends_before_its_login_knows_nothing_of_it(terraform, fake):
    made = terraform()
    made.save_plan()
    made.apply_saved_plan(login_seconds=3600.0)
    assert not (fake.workdir.path / "interrupts").exists()


def test_outputs_are_read_although_a_stop_is_asked_for(terraform):
    stop = threading.Event()
    made = terraform(stop=stop)
    stop.set()
    assert made.outputs() == {}


def test_a_misspelt_command_does_not_exist(terraform):
    made = terraform()
    assert not hasattr(made, "aply")


def test_what_python_terraform_adds_is_refused_or_dropped(terraform, fake):
    code, _out, err = terraform().cmd("plan", force=True, synchronous=False, tpyo=True)
    assert code == 1
    assert "-tpyo=true" in err
    assert fake.workdir.runs.joinpath("0001-terraform-plan.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("Expected HTTP response code [200] but got 401 instead: Unauthorized", LoginEndedError),
        ("got 403 instead: Quota exceeded for instances: Requested 1", SiteError),
        ("got 403 instead: Policy doesn't allow it", LoginError),
        ("Error: No valid host was found. There are not enough hosts available.", SiteError),
        ("dial tcp 127.0.0.1:5000: connect: connection refused", SiteError),
        ("net/http: i/o timeout", SiteError),
        ("got 503 instead: Service Unavailable", SiteError),
        ("x509: certificate signed by unknown authority", SiteError),
        ("write terraform.tfstate: no space left on device", SetupError),
        ("Saved plan is stale", DeploymentFailedError),
        ("something new", DeploymentFailedError),
    ],
)
def test_complaints_become_errors_of_their_kind(terraform, fake, words, error):
    fake.will(plan={"words": words, "address": "module.nodes.x"})
    with pytest.raises(error) as caught:
        terraform().save_plan()
    assert words in caught.value.facts["module.nodes.x"]


def test_a_terraform_that_is_too_old_is_told_with_what_to_install(fake):
    # The simulation takes its version from LANG, which is passed on.
    with pytest.raises(SetupError, match=r"1\.5\.7 is too old") as caught:
        driver.read_version(fake.program, env={"LANG": "1.5.7"})
    assert "1.11.4" in caught.value.way_out[0]
    assert driver.read_version(fake.program, env={"LANG": "1.12.0-rc1"}) == "1.12.0-rc1"


def test_a_missing_terraform_is_a_setup_error(tmp_path):
    with pytest.raises(SetupError):
        driver.read_version(tmp_path / "none", env={})
