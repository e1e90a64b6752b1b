"""A playbook ended in the middle, asked to or by kill -9 of the orchestrator or Ansible: nothing runs on unseen, and the next one ends well."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from orchestrator.drivers import leftovers
from orchestrator.drivers.ansible import run_playbook
from orchestrator.errors import InterruptedRunError
from orchestrator.rendering import inventory
from tests.secretwatch import began

pytestmark = pytest.mark.contract

STEPS = 8
STEP_SECONDS = 0.3
PLAYING = Path(__file__).with_name("playing.py")


def playbook(folder: Path) -> list[dict[str, object]]:
    """Return a play of short steps on the node, each of which leaves a word there."""
    steps = [
        {
            "name": f"step {number}",
            "ansible.builtin.shell": f"sleep {STEP_SECONDS}; echo {number} >>{folder}/done",
            "changed_when": True,
        }
        for number in range(STEPS)
    ]
    return [{"hosts": "toy", "gather_facts": False, "tasks": steps}]


class Run:
    """A playbook that a process of its own runs."""

    def __init__(self, on_node, folder: Path) -> None:
        self.workdir, self.done = on_node.workdir, folder / "done"
        file = folder / "playbook.yml"
        file.write_text(yaml.safe_dump(playbook(folder)))
        self.play = {"playbook": file, "inventory": inventory([on_node.node])}
        self._given = json.dumps({"workdir": self.workdir.path, **self.play}, default=str)

    def start(self) -> subprocess.Popen[str]:
        """Start it; it has begun when this returns."""
        process = subprocess.Popen(
            [sys.executable, str(PLAYING)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PLAYING.parents[2],
            env={**os.environ, "PYTHONPATH": str(PLAYING.parents[2])},
        )
        process.stdin.write(self._given)
        process.stdin.close()
        return process

    def told(self, process: subprocess.Popen[str]) -> dict:
        """Wait for its end, and return the last that it told."""
        said = process.stdout.read().splitlines()
        process.wait(timeout=60)
        return json.loads(said[-1])

    def steps(self) -> list[str]:
        """Return the steps that have been done on the node."""
        return self.done.read_text().split() if self.done.exists() else []

    def at_work(self) -> list[str]:
        """Return each process that has to do with the run: by its words, its folder or its environment."""
        return [words for place in Path("/proc").glob("[0-9]*") if (words := self._words(place))]

    def _words(self, place: Path) -> str:
        try:
            words = (place / "cmdline").read_bytes()
            told = words + (place / "environ").read_bytes() + os.readlink(place / "cwd").encode()
        except OSError:
            return ""  # it has ended, or is the kernel's
        is_of_it = str(self.workdir.path).encode() in told and int(place.name) != os.getpid()
        return words.replace(b"\0", b" ").decode(errors="replace") if is_of_it else ""


@pytest.fixture
def run(on_node, tmp_path):
    return Run(on_node, tmp_path)


def test_a_stop_leaves_no_process(run):
    stop = threading.Event()
    with pytest.raises(InterruptedRunError):
        run_playbook(
            run.workdir, **run.play, env=os.environ, on_task=lambda _: stop.set(), stop=stop
        )
    assert run.at_work() == []
    assert len(run.steps()) < STEPS / 2


def test_an_error_in_a_callback_leaves_no_process(run):
    def refuse(_name):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_playbook(run.workdir, **run.play, env=os.environ, on_task=refuse)
    assert run.at_work() == []
    assert len(run.steps()) < STEPS / 2


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_orchestrator_leaves_no_ansible_behind_the_next_command(run, seed):
    process = run.start()
    # From before Ansible is there to its last steps.
    time.sleep(random.Random(seed).uniform(0.5, 5.0))
    process.kill()
    process.wait(timeout=10)
    # What the next command does before anything else.
    leftovers.settle(run.workdir.path, stop=threading.Event(), on_wait=lambda _text: None)
    assert run.at_work() == []
    # The step that was at work goes on to its end on the node, and no other one begins.
    time.sleep(STEP_SECONDS + 0.5)
    there = run.steps()
    time.sleep(3 * STEP_SECONDS)
    assert run.steps() == there
    assert run.told(run.start()) == {"ok": STEPS, "code": 0}
    assert run.steps()[-STEPS:] == [str(number) for number in range(STEPS)]
    assert run.at_work() == []


def processes(run: Run) -> list[int]:
    """Return Ansible's own, Mitogen's and a worker's process, in the order in which they began: numbers begin anew."""
    there = [one.pid for one in leftovers.find(run.workdir.path) if "playbook" in one.program]
    return sorted(there, key=lambda pid: int(began(pid)))


@pytest.mark.parametrize(("which", "seed"), [(0, 0), (0, 1), (1, 1), (-1, 2)])
def test_a_killed_process_of_ansible_is_told_leaves_nothing_and_the_next_run_ends_well(
    run, which, seed
):
    process = run.start()
    while "step 1" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(random.Random(seed).uniform(0.0, 1.0))
    os.kill(processes(run)[which], signal.SIGKILL)
    error = run.told(process)["error"]
    assert error["kind"] == "DeploymentFailedError"
    assert "a process of Ansible was killed on this machine" in error["message"]
    assert "the same command again" in error["way_out"][0]
    assert run.at_work() == []
    assert run.told(run.start()) == {"ok": STEPS, "code": 0}
