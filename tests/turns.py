"""Whose turn it is at the one sandbox: many tests share it, one that changes all of it has it alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "turns"


@contextmanager
def turn(*, alone: bool, folder: Path = FOLDER) -> Iterator[None]:
    """Wait until the sandbox is free for tests of this worker, and keep it so until they are done.

    Who wants it alone waits in the door, so that nobody else comes in meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "door").open("w") as door, (folder / "room").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
