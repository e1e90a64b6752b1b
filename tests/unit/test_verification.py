"""Checks on a simulated machine."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from orchestrator.errors import RequestError
from orchestrator.model import Check
from orchestrator.verification import CheckResult, run_checks


@dataclass
class Ran:
    code: int = 0
    stdout: str = ""
    stderr: str = ""


@dataclass
class Machine:
    """A node that refuses a program it does not know."""

    programs: dict = field(default_factory=dict)
    services: set = field(default_factory=set)
    files: dict = field(default_factory=dict)
    listening: set = field(default_factory=set)
    open_ports: set = field(default_factory=set)

    def run(self, argv):
        return self.programs.get(" ".join(argv), Ran(code=127, stderr=f"{argv[0]}: not found"))

    def is_running(self, service):
        return service in self.services

    def file_mode(self, path):
        return self.files[path][0] if path in self.files else None

    def file_text(self, path):
        return self.files[path][1]

    def is_listening(self, *, address, port):
        return (address, port) in self.listening

    def answering_ports(self, ports):
        return self.open_ports & set(ports)


def check(kind, machine, **settings):
    (result,) = run_checks([Check(kind=kind, title="t", settings=settings)], machine=machine)
    return result.ok, result.detail


def test_a_service():
    assert check("service", Machine(services={"docker"}), name="docker") == (
        True,
        "docker is active",
    )
    assert check("service", Machine(), name="docker") == (False, "docker is not active")


def test_a_command_by_its_exit_code_and_words():
    machine = Machine(programs={"docker info": Ran(stdout="a\nsystemd\n"), "false": Ran(code=1)})
    assert check("command", machine, argv=["docker", "info"], output="systemd") == (True, "systemd")
    assert not check("command", machine, argv=["docker", "info"], output="cgroupfs")[0]
    assert check("command", machine, argv=["false"], exit_code=1)[0]
    assert check("command", machine, argv=["nope"]) == (False, "it ended with 127: nope: not found")


def test_a_file():
    machine = Machine(files={"/etc/x": (0o644, "mtu 1400")})
    assert check("file", machine, path="/etc/x", mode="0644", contains="1400")[0]
    assert not check("file", machine, path="/etc/x", mode="0600")[0]
    assert not check("file", machine, path="/etc/x", contains="1500")[0]
    assert check("file", machine, path="/etc/y") == (False, "/etc/y is not there")


def test_a_port_on_its_very_address():
    machine = Machine(listening={("0.0.0.0", 80)})
    assert not check("port", machine, port=80)[0]
    assert check("port", machine, port=80, address="0.0.0.0")[0]


@pytest.mark.parametrize(
    ("open_ports", "ok"), [({22}, True), ({22, 80}, False), (set(), False), ({80}, False)]
)
def test_only_allowed_ports_answer_and_one_of_them_does(open_ports, ok):
    machine = Machine(open_ports=open_ports)
    assert check("closed_ports", machine, tried=[22, 80, 443], allowed=[22])[0] is ok


@pytest.mark.parametrize(
    ("inner", "ok"), [("1400", True), ("1450", True), ("1500", False), ("", False)]
)
def test_packets_of_containers_fit(inner, ok):
    machine = Machine(
        programs={
            "ip -o route show default": Ran(stdout="default via 10.0.0.1 dev ens3 proto dhcp"),
            "cat /sys/class/net/ens3/mtu": Ran(stdout="1450\n"),
            "docker mtu": Ran(stdout=f"{inner}\n"),
        }
    )
    assert check("mtu", machine, argv=["docker", "mtu"])[0] is ok


def test_every_check_runs_also_after_one_that_fails():
    seen = []
    checks = [Check(kind="service", title=name, settings={"name": name}) for name in ("a", "b")]
    results = run_checks(checks, machine=Machine(services={"b"}), on_result=seen.append)
    assert [result.ok for result in results] == [False, True]
    assert tuple(seen) == results
    assert results[1] == CheckResult(title="b", ok=True, detail="b is active")


def test_an_unknown_kind_is_an_error():
    with pytest.raises(RequestError, match="no kind of check"):
        check("magic", Machine())
