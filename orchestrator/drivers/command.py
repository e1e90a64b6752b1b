"""Short programs that print an answer: no shell, no inherited environment, an end in time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import SetupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program printed; it may be a secret, so it is not shown."""

    code: int
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)

    @property
    def last_words(self) -> str:
        """The last line of complaint, which is where programs say why."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"it ended with code {self.code} and said nothing"


class CommandTimeoutError(Exception):
    """The program gave no answer in time and was ended; ``stderr`` is what it had said by then."""

    def __init__(self, message: str, *, stderr: str = "") -> None:
        super().__init__(message)
        self.stderr = stderr


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: float,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> Answer:
    """Run a program with this environment and no other, and return its answer."""
    process = _start(argv, env=env, cwd=cwd, stdin=stdin)
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise CommandTimeoutError(
            f"{argv[0]} did not answer within {timeout:g} s",
            stderr=(error.stderr or b"").decode(errors="replace"),
        ) from error
    finally:
        # What it left running would keep the pipes, and the secrets in them, alive.
        _end_group(process)
    return Answer(code=process.returncode, stdout=stdout, stderr=stderr)


def _start(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, stdin: str | None
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            umask=0o077,
        )
    except OSError as error:
        raise SetupError(
            f"the program {argv[0]} cannot be started: {error.strerror or error}.",
            way_out=["install it, or correct its path in config.yaml"],
        ) from error


def _end_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
