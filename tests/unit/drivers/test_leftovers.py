"""What a killed run left at work is found by its folder, waited for or ended; nobody else is touched."""

from __future__ import annotations

import shutil
import subprocess
import threading

import pytest

from orchestrator.drivers import leftovers
from orchestrator.errors import DeploymentFailedError, InterruptedRunError


@pytest.fixture
def started(tmp_path):
    """Start programs that sleep, by a name of the test's choice, and end them all."""
    children = []

    def start(name, folder, seconds=60):
        folder.mkdir(exist_ok=True)
        program = tmp_path / name
        if not program.exists():
            shutil.copy("/bin/sleep", program)
        child = subprocess.Popen([str(program), str(seconds)], cwd=folder)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.wait()


def settle(folder, *, stop=None, told=None, **limits):
    told = [] if told is None else told
    stop = stop or threading.Event()
    return leftovers.settle(folder, stop=stop, on_wait=told.append, **limits)


def reaped_soon(child):
    """Collect a child as soon as it ends, as the system does for those of a killed parent."""
    thread = threading.Thread(target=child.wait, daemon=True)
    thread.start()


def test_nothing_at_work_is_nothing_to_wait_for(tmp_path):
    assert settle(tmp_path) == []


def test_only_what_runs_in_the_folder_is_found(started, tmp_path):
    ours = started("terraform", tmp_path / "d")
    started("terraform", tmp_path / "other")
    assert [one.pid for one in leftovers.find(tmp_path / "d")] == [ours.pid]


def test_terraform_is_let_to_end_by_itself(started, tmp_path):
    child = started("terraform", tmp_path / "d", seconds=1)
    reaped_soon(child)
    told = []
    assert settle(tmp_path / "d", told=told) == [f"terraform 1 (process {child.pid})"]
    assert child.returncode == 0
    assert len(told) == 1


def test_what_works_on_the_nodes_is_ended(started, tmp_path):
    child = started("ansible-playbook", tmp_path / "d")
    reaped_soon(child)
    assert len(settle(tmp_path / "d")) == 1
    child.wait(timeout=5)
    assert child.returncode == -15


def test_what_does_not_heed_is_killed(started, tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    deaf = tmp_path / "deaf"
    deaf.write_text("trap '' TERM; echo ready; while :; do sleep 0.1; done")
    child = subprocess.Popen(["sh", str(deaf)], cwd=folder, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"ready\n"
    reaped_soon(child)
    leftovers.end(folder, grace=0.5)
    child.wait(timeout=5)
    assert child.returncode == -9


def test_what_outlives_even_that_is_named(started, tmp_path, monkeypatch):
    child = started("ansible-playbook", tmp_path / "d")
    # As for a process that the kernel keeps for a disk that does not answer.
    monkeypatch.setattr(leftovers, "_signal", lambda one, number: None)
    with pytest.raises(DeploymentFailedError, match="ansible-playbook 60 has not") as caught:
        leftovers.end(tmp_path / "d", grace=0.1)
    assert caught.value.facts == {"process": str(child.pid)}
    assert "-INT" not in caught.value.way_out[0]


def test_a_terraform_that_does_not_end_is_named(started, tmp_path):
    child = started("terraform", tmp_path / "d")
    with pytest.raises(DeploymentFailedError, match="has not ended") as caught:
        settle(tmp_path / "d", patience=0.1)
    assert caught.value.facts == {"process": str(child.pid)}
    assert child.poll() is None


def test_a_stop_ends_the_waiting_and_not_terraform(started, tmp_path):
    child = started("terraform", tmp_path / "d")
    stop = threading.Event()
    stop.set()
    with pytest.raises(InterruptedRunError):
        settle(tmp_path / "d", stop=stop)
    assert child.poll() is None
