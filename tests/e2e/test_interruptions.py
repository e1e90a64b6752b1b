"""Runs that end in the middle: what exists is told, and the same command goes on from there."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from openstack.connection import Connection

from orchestrator.deployer import Deployer
from orchestrator.errors import DeploymentFailedError
from orchestrator.journal import OnProgress
from orchestrator.model import Progress, Request
from orchestrator.settings import Settings
from orchestrator.store import Store
from tests.e2e.people import Person, at_the_site, new_person

pytestmark = pytest.mark.e2e

NAME = "halfway"
DEPLOY = ("deploy", "probe", "--site", "SANDBOX", "--name", NAME)


def stop_when(
    process: subprocess.Popen[str], phase: str, text: str = "", *, by: int = signal.SIGINT
) -> str:
    """Send one signal as soon as a phase says something, and return all that was said."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("{"):
            step = json.loads(line)
            if step.get("phase") == phase and text in step.get("text", ""):
                process.send_signal(by)
                break
    said.append(process.stdout.read())
    process.wait(timeout=300)
    return "".join(said)


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory, before: set[str]) -> Iterator[Person]:
    """Somebody with one machine for the two tests that follow, since each costs a boot."""
    somebody = new_person(tmp_path_factory.mktemp("owner") / "home")
    yield somebody
    somebody.run("destroy", NAME, code=None)


def test_one_machine_through_every_kind_of_trouble(
    owner: Person, admin: Connection, before: set[str]
):
    """Ctrl-C in apply, SSH too slow, a failing playbook, then well."""
    process = owner.start(*DEPLOY, "--json")
    said = stop_when(process, "apply", "server")
    assert process.returncode == 130, said
    error = json.loads(said.splitlines()[-1])
    assert error["kind"] == "InterruptedRunError"
    assert "exists" in error["facts"], error
    assert f"NAME={NAME}" in " ".join(error["way_out"])

    # The library can be told to wait less; the command waits for ten minutes.
    with pytest.raises(DeploymentFailedError, match="SSH") as failed:
        deployer(owner, reach_seconds=1.0).deploy(
            Request(use_case="probe", site="SANDBOX", name=NAME)
        )
    assert "1 server" in failed.value.facts["exists"]
    servers = [thing for thing in at_the_site(admin) - before if thing.startswith("server")]

    folder = owner.home / "config" / "usecases" / "probe" / "playbook.yml"
    good = folder.read_text()
    folder.write_text(good.replace("not (fail | bool)", "false"))
    # A deployment keeps the use case it was made with until another one is asked for.
    text = owner.run(*DEPLOY, "--upgrade", code=6).stderr
    assert "the probe was told to fail" in text
    assert f"orchestrator logs {NAME}" in text
    assert f"make destroy NAME={NAME}" in text
    assert "!" in owner.run("list").stdout
    assert owner.run("status", NAME, code=6).stdout.count("SSH answers") == 1

    folder.write_text(good)
    assert "is ready after" in owner.run(*DEPLOY, "--upgrade").stdout
    again = [thing for thing in at_the_site(admin) - before if thing.startswith("server")]
    assert again == servers, "the machine was made again"
    assert "nothing to do" in owner.run(*DEPLOY).stdout


def test_another_computer_takes_it_over_and_removes_it(
    owner: Person, admin: Connection, before: set[str], tmp_path: Path
):
    deployment_id = str(owner.show(NAME)["id"])
    there = at_the_site(admin)
    other = new_person(tmp_path / "other")
    listed = other.run("sweep", "SANDBOX", "--only", deployment_id, code=2).stdout
    assert f"{NAME}-main" in listed
    said = other.run("adopt", deployment_id, "--site", "SANDBOX").stdout
    assert f"{NAME} is taken over from SANDBOX." in said
    assert at_the_site(admin) == there
    assert json.loads(other.run("list", "--json").stdout)[0]["phase"] == "applied"
    assert "SSH answers" in other.run("status", NAME, code=6).stdout
    assert f"the key of {NAME} is not on this machine" in other.run("ssh", NAME, code=6).stderr
    other.run("plan", *DEPLOY[1:])

    keys = Path("data", "deployments", deployment_id, "ssh")
    shutil.copy(owner.home / keys / "id_ed25519", other.home / keys / "id_ed25519")
    assert "is ready after" in other.run(*DEPLOY).stdout
    other.run("destroy", NAME)
    assert at_the_site(admin) == before
    # The first computer finds nothing left to remove, and says so.
    owner.run("destroy", NAME)


def test_machines_that_a_killed_run_did_not_note_are_met_by_the_next(
    person: Person, admin: Connection
):
    """Terraform ends its work alone: nothing is left to make, and all to reach and configure."""
    before = at_the_site(admin)
    stop_when(person.start(*DEPLOY, "--json"), "apply", "server", by=signal.SIGKILL)

    told: list[Progress] = []
    with pytest.raises(DeploymentFailedError, match="SSH"):
        deployer(person, reach_seconds=1.0, on_progress=told.append).deploy(
            Request(use_case="probe", site="SANDBOX", name=NAME)
        )
    assert [one.text for one in told if (one.phase, one.state) == ("plan", "finished")] == [
        "nothing to do"
    ]

    person.run("destroy", NAME)
    assert at_the_site(admin) == before


def test_a_destroy_with_a_lost_state_still_leaves_nothing(person: Person, admin: Connection):
    before = at_the_site(admin)
    process = person.start(*DEPLOY, "--json")
    stop_when(process, "reach")
    work = next((person.home / "data" / "deployments").iterdir())
    (work / "terraform.tfstate").write_bytes(b"")
    assert at_the_site(admin) != before
    assert "server halfway-main" in person.run("destroy", NAME).stdout
    assert at_the_site(admin) == before


@pytest.mark.parametrize(
    "limit", [pytest.param("size=120k", id="bytes"), pytest.param("nr_inodes=12", id="inodes")]
)
def test_a_full_disk_is_named_and_nothing_is_made(
    person: Person, admin: Connection, tmp_path: Path, limit: str
):
    before = at_the_site(admin)
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", limit, "tmpfs", str(small)], check=True)
    try:
        (small / "cache").symlink_to((person.home / "cache").resolve())
        text = person.run(
            "deploy", "docker", "--site", "SANDBOX", code=1, ORCHESTRATOR_HOME=str(small)
        ).stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert "disk" in text.lower() or "space" in text.lower(), text
    assert at_the_site(admin) == before


def deployer(person: Person, *, reach_seconds: float, on_progress: OnProgress = print) -> Deployer:
    return Deployer(
        folders=person.folders,
        settings=Settings.read(person.folders.config),
        store=Store.in_folder(person.folders.data),
        environment=person.env(),
        owner="local:root",
        on_progress=on_progress,
        stop=threading.Event(),
        reach_seconds=reach_seconds,
    )
