"""The checks of a use case, run on a node: a deployment is ready when all of them hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator.errors import RequestError
from orchestrator.model import Check

_AT_ONCE = 4


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Whether what a check's title says holds, and what was seen."""

    title: str
    ok: bool
    detail: str


Found = tuple[bool, str]


def run_checks(
    checks: Sequence[Check],
    *,
    machine: Machine,
    on_result: Callable[[CheckResult], None] = lambda _result: None,
) -> tuple[CheckResult, ...]:
    """Run every check, also after one that does not hold; results come in the order of the checks.

    They run side by side: most of a check is waiting for the node or for a silent port.
    """
    kinds = [_kind(check) for check in checks]
    results = []
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        asked = [
            pool.submit(kind, machine, check.settings)
            for kind, check in zip(kinds, checks, strict=True)
        ]
        for check, answer in zip(checks, asked, strict=True):
            ok, detail = answer.result()
            results.append(CheckResult(title=check.title, ok=ok, detail=detail))
            on_result(results[-1])
    return tuple(results)


def _kind(check: Check) -> Callable[[Machine, Mapping[str, Any]], Found]:
    if check.kind not in _KINDS:
        raise RequestError(
            f"there is no kind of check {check.kind!r}", facts={"there are": ", ".join(_KINDS)}
        )
    return _KINDS[check.kind]


def _service(machine: Machine, settings: Mapping[str, Any]) -> Found:
    running = machine.is_running(settings["name"])
    return running, f"{settings['name']} is {'active' if running else 'not active'}"


def _command(machine: Machine, settings: Mapping[str, Any]) -> Found:
    ran = machine.run(settings["argv"])
    wanted, output = settings.get("exit_code", 0), settings.get("output")
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
    return listening, f"{address}:{port} {'listens' if listening else 'does not listen'}"


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


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "nothing"


def _listed(ports: Sequence[int]) -> str:
    return ", ".join(str(port) for port in ports)


_KINDS: dict[str, Callable[[Machine, Mapping[str, Any]], Found]] = {
    "service": _service,
    "command": _command,
    "file": _file,
    "port": _port,
    "closed_ports": _closed_ports,
    "mtu": _mtu,
}
