"""A reboot is over when the boot is another one, not when SSH answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

import pytest

from orchestrator.drivers import rebooting, remote, ssh
from orchestrator.drivers.command import Answer
from orchestrator.errors import DeploymentFailedError, InterruptedRunError
from orchestrator.model import Hop


@dataclass
class Machines:
    """Machines that take some questions to go down, are silent, and come up as another boot."""

    boots: dict[str, list[str]]  # what each says on being asked, the last for ever
    asked: list[tuple[str, str]] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)

    def run(self, node, argv, *, workdir, env):
        verb = {"cat": "boot", "sudo": "reboot"}[argv[0]]
        self.asked.append((node.name, verb))
        if verb == "reboot":
            assert list(argv) == ["sudo", "-n", "systemctl", "reboot"]
            return Answer(code=255, stdout="", stderr="connection closed")
        said = self.boots[node.name]
        boot = said.pop(0) if len(said) > 1 else said[0]
        return Answer(code=0 if boot else 255, stdout=f"{boot}\n", stderr="")

    def wait_until_ssh(self, node, **_options):
        self.waited.append(node.name)
        return True


@pytest.fixture
def reboot(monkeypatch, workdir):
    def run(machines, *nodes, stop=None, seconds=5.0):
        monkeypatch.setattr(remote, "run", machines.run)
        monkeypatch.setattr(ssh, "wait_until_ssh", machines.wait_until_ssh)
        monkeypatch.setattr(rebooting, "_PAUSE", 0.0)
        rebooting.reboot(
            nodes,
            workdir=workdir,
            env={},
            seconds=seconds,
            stop=stop or threading.Event(),
            on_wait=lambda _text: None,
        )

    return run


def test_it_waits_through_the_old_boot_and_the_silence(reboot, node):
    machines = Machines({"sky": ["one", "one", "one", "", "", "two"]})
    reboot(machines, node)
    assert machines.asked.count(("sky", "boot")) == 6
    assert machines.waited == ["sky"]


def test_what_is_behind_another_node_goes_first_and_is_waited_for_last(reboot, node):
    behind = replace(node, name="back", hop=Hop(host=node.address))
    machines = Machines({"sky": ["one", "two"], "back": ["a", "b"]})
    reboot(machines, node, behind)
    assert [name for name, verb in machines.asked if verb == "reboot"] == ["back", "sky"]
    assert machines.waited == ["sky", "back"]


def test_a_machine_that_is_silent_is_not_rebooted(reboot, node):
    machines = Machines({"sky": [""]})
    with pytest.raises(DeploymentFailedError, match="sky does not answer"):
        reboot(machines, node)
    assert ("sky", "reboot") not in machines.asked


def test_one_that_does_not_come_back_is_told(reboot, node):
    with pytest.raises(DeploymentFailedError, match="has not come back within 0 s"):
        reboot(Machines({"sky": ["one"]}), node, seconds=0.0)


def test_a_stop_ends_the_wait(reboot, node):
    stop = threading.Event()
    stop.set()
    with pytest.raises(InterruptedRunError):
        reboot(Machines({"sky": ["one"]}), node, stop=stop)
