"""Long-running children: output to files that are followed, one interrupt, then patience."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from orchestrator.errors import SetupError

OnLine = Callable[[str], None]

# Longer than one call to Nova with the provider's polling; a second signal would abandon
# servers that are being made.
PATIENCE = 900.0
_TICK = 0.05


class Stop(Protocol):
    """What says that a program has to stop: an Event, or something that watches the time."""

    def is_set(self) -> bool:
        """Tell whether it has to stop now."""
        ...


class ChildTimeoutError(Exception):
    """The program was interrupted because its time was over."""


def start(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    out: Path,
    err: Path,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, writing to files.

    A pipe would end it with us at its next line, and what it was making would be lost.
    What the descriptors of ``keep_open`` lock stays locked while it lives.
    """
    try:
        with out.open("ab") as stdout, err.open("ab") as stderr:
            return subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                pass_fds=keep_open,
                umask=0o077,
            )
    except FileNotFoundError as error:
        raise SetupError(f"the program {argv[0]} is not there") from error


def follow(
    process: subprocess.Popen[bytes],
    out: Path,
    *,
    on_line: OnLine,
    stop: Stop,
    timeout: float,
    patience: float = PATIENCE,
) -> None:
    """Pass each whole line on until the program has ended.

    When ``stop`` is set or the time is over it gets one interrupt, and is waited for.
    """
    deadline = time.monotonic() + timeout
    with out.open("rb") as file:
        rest = b""
        ended, interrupted, overdue = False, False, False
        while not ended:
            # Before reading, so that nothing written before the end is missed.
            ended = process.poll() is not None
            rest = _pass_on(rest + file.read(), on_line)
            stopped = stop.is_set()
            if not interrupted and (stopped or time.monotonic() > deadline):
                interrupted, overdue = True, not stopped
                deadline = time.monotonic() + patience
                _signal(process, signal.SIGINT)
            elif interrupted and time.monotonic() > deadline:
                end(process, grace=30.0)
            if not ended:
                time.sleep(_TICK)
        if rest:
            on_line(rest.decode("utf-8", "replace"))
    if overdue:
        raise ChildTimeoutError


def end(process: subprocess.Popen[bytes], *, grace: float) -> None:
    """End a program that did not heed the interrupt; what it was making may be left over."""
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=grace)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def interrupt_and_wait(process: subprocess.Popen[bytes], *, patience: float = PATIENCE) -> None:
    """Ask a program to stop and wait for it; used when we ourselves are being stopped."""
    if process.poll() is not None:
        return
    _signal(process, signal.SIGINT)
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        end(process, grace=30.0)


def _pass_on(text: bytes, on_line: OnLine) -> bytes:
    *lines, rest = text.split(b"\n")
    for line in lines:
        on_line(line.decode("utf-8", "replace"))
    return rest


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
