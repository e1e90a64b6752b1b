"""Runs other programs and turns their failures into messages people can use."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.errors import SandboxError

LAST_LINES = 12


def run(
    argv: Sequence[str | Path],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    cwd: Path | None = None,
    accept: Sequence[int] = (0,),
) -> str:
    """Run a program to its end and return what it printed; its errors go to the log."""
    done = subprocess.run(
        [str(part) for part in argv],
        input=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        cwd=cwd,
        env={**os.environ, **(env or {})},
        check=False,
    )
    if log:
        append(log, f"$ {' '.join(map(str, argv))}\n{done.stdout}{done.stderr}")
    if done.returncode not in accept:
        raise SandboxError(explain(argv, done.returncode, done.stderr or done.stdout, log))
    return done.stdout


def succeeds(argv: Sequence[str | Path]) -> bool:
    """Say whether a program ends well, without a word of its output."""
    return (
        subprocess.run(
            [str(part) for part in argv], stdin=subprocess.DEVNULL, capture_output=True, check=False
        ).returncode
        == 0
    )


def append(log: Path, text: str) -> None:
    """Add text to a log that only root may read."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(text)


def explain(argv: Sequence[str | Path], code: int, text: str, log: Path | None) -> str:
    """Compose the message of a failed program: which, how, its last words, its log."""
    where = f"\n  log: {log}" if log else ""
    return f"{argv[0]} ended with {code}:\n{last_lines(text)}{where}"


def last_lines(text: str) -> str:
    """Return the end of a log, indented."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-LAST_LINES:])
