"""Checks on a simulated machine."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from orchestrator.errors import RequestError
from orchestrator.model import Check, Login, Tunnel
from orchestrator.verification import CheckResult, run_checks


@dataclass
class Ran:
    code: int = 0
    stdout: str = ""
    stderr: str = ""


@dataclass
class Answer:
    status: int
    text: str = ""


TUNNEL = Tunnel(name="page", title="The page", port=80)


@dataclass
class Machine:
    """A node that refuses a program it does not know."""

    programs: dict = field(default_factory=dict)
    services: set = field(default_factory=set)
    files: dict = field(default_factory=dict)
    listening: set = field(default_factory=set)
    open_ports: set = field(default_factory=set)
    answers: list = field(default_factory=list)  # of web services, one after the other
    logins: list = field(default_factory=list)

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

    def ask(self, url, login):
        assert url == "http://127.0.0.1/"
        self.logins.append(login)
        return self.answers.pop(0)

    def ask_through(self, tunnel):
        assert tunnel is TUNNEL
        return self.answers.pop(0)


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
    assert check("port", machine, port=80, address="::1") == (False, "[::1]:80 does not listen")


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


def test_a_program_that_takes_too_long_is_ended_and_told():
    machine = Machine(programs={"timeout --kill-after=5 9 sleep 60": Ran(code=124)})
    assert check("command", machine, argv=["sleep", "60"], seconds=9) == (
        False,
        "it did not end within 9 s",
    )


URL = "http://127.0.0.1/"


def test_a_web_service_by_its_status_and_words():
    settings = {"url": URL, "seconds": 0}
    machine = Machine(answers=[Answer(200, "hello you"), Answer(200, "bye"), Answer(404), Answer(0, "refused")])  # fmt: skip
    assert check("http", machine, contains="hello", **settings) == (True, "it answers with 200")
    assert check("http", machine, contains="hello", **settings) == (
        False,
        "it answers with 200, but does not say 'hello'",
    )
    assert check("http", machine, status=401, **settings) == (
        False,
        "it answers with 404, not 401",
    )
    assert check("http", machine, **settings) == (False, "no answer: refused")


def test_a_web_service_that_is_starting_is_asked_again(monkeypatch):
    monkeypatch.setattr("orchestrator.checks._PAUSE", 0.0)
    machine = Machine(answers=[Answer(0), Answer(503), Answer(200)])
    assert check("http", machine, url=URL, seconds=60)[0]


def test_a_web_service_is_asked_with_its_login():
    machine = Machine(answers=[Answer(200)])
    assert check("http", machine, url=URL, user="me", secret="page_password")[0]
    assert machine.logins == [Login(user="me", secret="page_password")]


def test_a_web_service_through_its_tunnel():
    machine = Machine(answers=[Answer(200, "<h1>"), Answer(0, "no tunnel")])
    assert check("tunnel", machine, tunnel=TUNNEL, contains="<h1>", seconds=0)[0]
    assert check("tunnel", machine, tunnel=TUNNEL, seconds=0) == (False, "no answer: no tunnel")


SHOWN = "systemctl show --property LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainExitTimestamp -- job"  # fmt: skip


def unit(**told):
    usual = {
        "LoadState": "loaded",
        "ActiveState": "inactive",
        "SubState": "dead",
        "Result": "success",
        "ExecMainStatus": "0",
        "ExecMainExitTimestamp": "Tue 2026-11-24",
    }
    return Ran(stdout="".join(f"{key}={value}\n" for key, value in (usual | told).items()))


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, (True, "job ended with success")),
        (
            {"ActiveState": "active", "SubState": "exited", "ExecMainExitTimestamp": ""},
            (True, "job ended with success"),
        ),
        ({"LoadState": "not-found"}, (False, "there is no unit job")),
        (
            {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "3"},
            (False, "job failed: exit-code, exit code 3"),
        ),
        ({"ExecMainStatus": "1"}, (False, "job failed: success, exit code 1")),
        ({"ExecMainExitTimestamp": ""}, (False, "job has not run")),
        ({"ActiveState": "activating"}, (False, "job is still at work")),
        ({"ActiveState": "active", "SubState": "running"}, (False, "job is still at work")),
    ],
)
def test_a_unit_that_does_a_job(told, found):
    machine = Machine(programs={SHOWN: unit(**told)})
    assert check("unit_result", machine, name="job", seconds=0) == found


def test_a_job_is_waited_for(monkeypatch):
    monkeypatch.setattr("orchestrator.checks._PAUSE", 0.0)
    states = iter([unit(ActiveState="activating"), unit(ActiveState="activating"), unit()])
    machine = Machine()
    machine.run = lambda _argv: next(states)
    assert check("unit_result", machine, name="job", seconds=60)[0]


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
