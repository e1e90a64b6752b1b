"""One command at a time may change the sandbox."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError


@contextmanager
def held(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the sandbox's lock; the kernel lets go of it should we be killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise SandboxError("another sandbox command is running; wait for it") from error
        yield
