"""Programs that a killed run left at work in a deployment's folder: found by where they run, waited for or ended."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import DeploymentFailedError, InterruptedRunError

# Terraform writes each resource into its state as it is made: it is let to end by itself.
_PATIENCE = 1800.0
_GRACE = 60.0
_PAUSE = 0.5
_STARTING = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A process that works in a deployment's folder, and is none of ours."""

    pid: int
    program: str

    @property
    def is_terraform(self) -> bool:
        """Whether it changes the site; what is not does so on the nodes only."""
        return "terraform" in self.program


def find(folder: Path) -> list[Leftover]:
    """Return the processes whose working folder is this one or below it."""
    # The kernel's own word on where a process works has no symbolic link left in it.
    top = os.path.realpath(folder)
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        # A process may end, or be another user's, while it is looked at.
        with contextlib.suppress(OSError):
            where = os.readlink(f"/proc/{name}/cwd")
            if f"{where}/".startswith(f"{top}/") and int(name) != os.getpid():
                found.append(Leftover(pid=int(name), program=_program(name)))
    return sorted(found, key=lambda one: one.pid)


def _program(pid: str) -> str:
    file = Path("/proc", pid, "cmdline")
    words = file.read_bytes()
    if not words:
        # One that is just being started has none yet, and may be a part of Terraform.
        time.sleep(_STARTING)
        words = file.read_bytes()
    return " ".join(Path(os.fsdecode(word)).name for word in words.split(b"\0")[:2] if word)


def dead_children(pid: int) -> set[int]:
    """Return the children of a process that have ended without its having looked after them."""
    dead = set()
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        # A process or a thread may end while it is looked at.
        with contextlib.suppress(OSError):
            dead |= {int(child) for child in thread.read_text().split() if _is_dead(child)}
    return dead


def _is_dead(pid: str) -> bool:
    return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] == "Z"


def settle(
    folder: Path,
    *,
    stop: threading.Event,
    on_wait: Callable[[str], None],
    patience: float = _PATIENCE,
    grace: float = _GRACE,
) -> list[str]:
    """Wait for Terraform and end everything else that is left; say what there was.

    Raises DeploymentFailedError when one of them does not end, InterruptedRunError when stopped.
    """
    told = [f"{one.program} (process {one.pid})" for one in find(folder)]
    end(folder, stop=stop, grace=grace)
    deadline = time.monotonic() + patience
    if there := find(folder):
        on_wait(f"the last run's {there[0].program} is still at work: waiting for it to end")
    while there := find(folder):
        if time.monotonic() > deadline:
            raise _stuck(there[0], patience)
        _pause(stop)
    return told


def end(folder: Path, *, stop: threading.Event | None = None, grace: float = _GRACE) -> None:
    """End everything that is left but Terraform.

    Raises DeploymentFailedError when one of them outlives even SIGKILL, InterruptedRunError when
    stopped; without ``stop`` it goes on to its end, which is at most twice ``grace`` (seconds) away.
    """
    stop = stop or threading.Event()
    for number in (signal.SIGTERM, signal.SIGKILL):
        for one in _others(folder):
            _signal(one, number)
        _wait_for_others(folder, stop=stop, grace=grace)
    if others := _others(folder):
        raise _stuck(others[0], 2 * grace)


def _wait_for_others(folder: Path, *, stop: threading.Event, grace: float) -> None:
    deadline = time.monotonic() + grace
    while _others(folder) and time.monotonic() < deadline:
        _pause(stop)


def _others(folder: Path) -> list[Leftover]:
    return [one for one in find(folder) if not one.is_terraform]


def _pause(stop: threading.Event) -> None:
    if stop.wait(_PAUSE):
        raise InterruptedRunError("stopped while waiting for what the last run had left at work")


def _signal(one: Leftover, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(one.pid, number)


def _stuck(one: Leftover, patience: float) -> DeploymentFailedError:
    how = f" (kill -INT {one.pid})" if one.is_terraform else ""
    return DeploymentFailedError(
        f"{one.program} has not ended for {patience / 60:.0f} minutes",
        facts={"process": str(one.pid)},
        way_out=[f"look at it; once it has ended{how}, the same command goes on"],
    )
