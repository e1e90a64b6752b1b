"""What runs, where, and whether it answers."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from sandbox import enclosure, health, services
from sandbox.layout import Layout
from sandbox.services import Service
from sandbox.supervision import Program, Supervisor


@dataclass(frozen=True, slots=True)
class Line:
    """One service as a person wants to see it; the pid counts on this machine."""

    service: str
    state: str
    port: int
    pid: int
    log: str


def lines(layout: Layout) -> list[Line]:
    """Return a line for every service, asking all of them at once."""
    table = services.table(layout)
    supervisor = Supervisor(layout.run / "supervisor.sock")
    programs = supervisor.programs() if supervisor.is_running() else {}
    outside = enclosure.processes(layout) if programs else {}
    with ThreadPoolExecutor(max_workers=len(table)) as pool:
        states = pool.map(lambda service: _state(service, programs, layout), table)
    return [
        Line(
            service.name,
            state,
            service.port,
            outside.get(programs[service.name].pid, 0) if service.name in programs else 0,
            str(layout.log / f"{service.name}.log"),
        )
        for service, state in zip(table, states, strict=True)
    ]


def _state(service: Service, programs: dict[str, Program], layout: Layout) -> str:
    program = programs.get(service.name)
    if not program or program.state != "RUNNING":
        return "off" if service.optional else "down"
    return "up" if health.answers(service, layout) else "silent"


def is_up(layout: Layout, mark: str = "") -> bool:
    """Say whether everything is well, and was started from the sources of this mark."""
    started = layout.run / "fingerprint"
    if not started.is_file() or (mark and started.read_text() != mark):
        return False
    return all_up(lines(layout))


def all_up(found: Iterable[Line]) -> bool:
    """Say whether no service is missing or silent; one that is optional may be off."""
    return all(line.state in ("up", "off") for line in found)


def as_table(found: list[Line]) -> str:
    """Return the lines as a table for people."""
    rows = [("SERVICE", "STATE", "PORT", "PID", "LOG")]
    rows += [
        (line.service, line.state, str(line.port or "-"), str(line.pid or "-"), line.log)
        for line in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        for row in rows
    )


def as_json(found: list[Line]) -> str:
    """Return the lines for programs."""
    return json.dumps({"up": all_up(found), "services": [asdict(line) for line in found]}, indent=1)
