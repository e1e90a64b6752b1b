"""The kinds of checks: each asks a node one thing, and says whether it holds and what was seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from orchestrator.model import Login, Tunnel
from orchestrator.names import in_url

Found = tuple[bool, str]

_PAUSE = 2.0
_OVERDUE = 124  # of timeout(1)


class Ran(Protocol):
    """How a program on the node ended."""

    @property
    def code(self) -> int:
        """Its exit code."""
        ...

    @property
    def stdout(self) -> str:
        """What it wrote."""
        ...

    @property
    def stderr(self) -> str:
        """What it complained about."""
        ...


class Answer(Protocol):
    """What a web service said; a status of 0 says that it said nothing, and the text why."""

    @property
    def status(self) -> int:
        """The status of HTTP."""
        ...

    @property
    def text(self) -> str:
        """The page."""
        ...


class Machine(Protocol):
    """What the checks ask of a node."""

    def run(self, argv: Sequence[str]) -> Ran:
        """Run a program as the login user."""
        ...

    def is_running(self, service: str) -> bool:
        """Tell whether a service is active."""
        ...

    def file_mode(self, path: str) -> int | None:
        """Return the mode of a file, None where there is none."""
        ...

    def file_text(self, path: str) -> str:
        """Return what is in a file."""
        ...

    def is_listening(self, *, address: str, port: int) -> bool:
        """Tell whether something listens there."""
        ...

    def answering_ports(self, ports: Sequence[int]) -> set[int]:
        """Return the ports that take a connection from outside."""
        ...

    def ask(self, url: str, login: Login | None) -> Answer:
        """Ask a web service from inside the node, with the password that the login names."""
        ...

    def ask_through(self, tunnel: Tunnel) -> Answer:
        """Ask a web service through an SSH tunnel, with its login."""
        ...


def _service(machine: Machine, settings: Mapping[str, Any]) -> Found:
    running = machine.is_running(settings["name"])
    return running, f"{settings['name']} is {'active' if running else 'not active'}"


def _command(machine: Machine, settings: Mapping[str, Any]) -> Found:
    seconds = settings.get("seconds")
    limit = ["timeout", "--kill-after=5", str(seconds)] if seconds else []
    ran = machine.run([*limit, *settings["argv"]])
    wanted, output = settings.get("exit_code", 0), settings.get("output")
    if seconds and ran.code == _OVERDUE != wanted:
        return False, f"it did not end within {seconds} s"
    if ran.code != wanted:
        return False, f"it ended with {ran.code}: {_last(ran.stderr or ran.stdout)}"
    if output is not None and output not in ran.stdout:
        return False, f"it said {_last(ran.stdout)!r}, not {output!r}"
    return True, _last(ran.stdout)


def _file(machine: Machine, settings: Mapping[str, Any]) -> Found:
    path, text = settings["path"], settings.get("contains")
    mode = machine.file_mode(path)
    if mode is None:
        return False, f"{path} is not there"
    if settings.get("mode") and mode != int(settings["mode"], 8):
        return False, f"{path} has mode {mode:04o}, not {settings['mode']}"
    if text is not None and text not in machine.file_text(path):
        return False, f"{path} does not say {text!r}"
    return True, f"{path} is as it should be"


def _port(machine: Machine, settings: Mapping[str, Any]) -> Found:
    address, port = settings.get("address", "127.0.0.1"), settings["port"]
    listening = machine.is_listening(address=address, port=port)
    return listening, f"{in_url(address)}:{port} {'listens' if listening else 'does not listen'}"


def _closed_ports(machine: Machine, settings: Mapping[str, Any]) -> Found:
    allowed = set(settings.get("allowed", [22]))
    answering = machine.answering_ports(sorted({*settings["tried"], *allowed}))
    if not answering & allowed:
        # Nothing answers: that would be true of a machine that is down as well.
        return False, "no port answers at all, so nothing is proved"
    open_ports = sorted(answering - allowed)
    if open_ports:
        return False, f"these answer too: {_listed(open_ports)}"
    return (
        True,
        f"of {_listed(sorted(settings['tried']))} only {_listed(sorted(answering))} answers",
    )


def _mtu(machine: Machine, settings: Mapping[str, Any]) -> Found:
    route = machine.run(["ip", "-o", "route", "show", "default"]).stdout.split()
    if "dev" not in route:
        return False, "there is no default route"
    interface = route[route.index("dev") + 1]
    outer = machine.run(["cat", f"/sys/class/net/{interface}/mtu"]).stdout.strip()
    inner = machine.run(settings["argv"]).stdout.strip()
    if not (inner.isdigit() and outer.isdigit()):
        return False, f"containers {inner or 'unknown'}, {interface} {outer or 'unknown'}"
    return int(inner) <= int(outer), f"containers {inner}, {interface} {outer}"


def _http(machine: Machine, settings: Mapping[str, Any]) -> Found:
    user = settings.get("user")
    login = Login(user=user, secret=settings["secret"]) if user else None
    return _answers(lambda: machine.ask(settings["url"], login), settings)


def _tunnel(machine: Machine, settings: Mapping[str, Any]) -> Found:
    return _answers(lambda: machine.ask_through(settings["tunnel"]), settings)


def _answers(ask: Callable[[], Answer], settings: Mapping[str, Any]) -> Found:
    """Ask until the answer is as it should be or the time is over."""
    deadline = time.monotonic() + settings.get("seconds", 60)
    while True:
        ok, detail = _judge(ask(), settings)
        if ok or time.monotonic() >= deadline:
            return ok, detail
        time.sleep(_PAUSE)


def _judge(answer: Answer, settings: Mapping[str, Any]) -> Found:
    wanted, text = settings.get("status", 200), settings.get("contains")
    if answer.status == 0:
        return False, f"no answer: {_last(answer.text)}"
    if answer.status != wanted:
        return False, f"it answers with {answer.status}, not {wanted}"
    if text is not None and text not in answer.text:
        return False, f"it answers with {answer.status}, but does not say {text!r}"
    return True, f"it answers with {answer.status}"


def _unit_result(machine: Machine, settings: Mapping[str, Any]) -> Found:
    """Wait until a unit that does a job has done it."""
    deadline = time.monotonic() + settings.get("seconds", 600)
    while True:
        unit = _unit(machine, settings["name"])
        if not _is_at_work(unit):
            return _judge_unit(settings["name"], unit)
        if time.monotonic() >= deadline:
            return False, f"{settings['name']} is still at work"
        time.sleep(_PAUSE)


def _unit(machine: Machine, name: str) -> dict[str, str]:
    asked = "LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainExitTimestamp"
    told = machine.run(["systemctl", "show", "--property", asked, "--", name]).stdout
    pairs = (line.partition("=") for line in told.splitlines())
    return {key: value for key, _, value in pairs}


def _is_at_work(unit: Mapping[str, str]) -> bool:
    busy = unit.get("ActiveState") in ("activating", "reloading", "deactivating")
    return busy or (unit.get("ActiveState"), unit.get("SubState")) == ("active", "running")


def _judge_unit(name: str, unit: Mapping[str, str]) -> Found:
    if unit.get("LoadState") != "loaded":
        return False, f"there is no unit {name}"
    result, status = unit.get("Result", ""), unit.get("ExecMainStatus", "")
    if unit.get("ActiveState") == "failed" or result != "success" or status not in ("", "0"):
        return False, f"{name} failed: {result}, exit code {status or 'unknown'}"
    if not unit.get("ExecMainExitTimestamp") and unit.get("ActiveState") != "active":
        return False, f"{name} has not run"
    return True, f"{name} ended with success"


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "nothing"


def _listed(ports: Sequence[int]) -> str:
    return ", ".join(str(port) for port in ports)


KINDS: dict[str, Callable[[Machine, Mapping[str, Any]], Found]] = {
    "service": _service,
    "command": _command,
    "file": _file,
    "port": _port,
    "closed_ports": _closed_ports,
    "mtu": _mtu,
    "http": _http,
    "tunnel": _tunnel,
    "unit_result": _unit_result,
}
