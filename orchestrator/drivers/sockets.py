"""Folders for the sockets of shared SSH connections; those of who was killed are removed by the next."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.drivers import command
from orchestrator.drivers.environment import child_environment
from orchestrator.errors import SetupError

# The path of a socket has 108 characters at most: a longer TMPDIR leaves too few.
_PARENT, _PREFIX = Path("/tmp"), "orch-ssh-"
# Long enough for who has made a folder to lock it.
_YOUNG = 600.0


@contextlib.contextmanager
def shared_connections(env: Mapping[str, str]) -> Iterator[Path]:
    """Give a folder for shared connections, and close those that are left at the end."""
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PARENT))
    with _opened(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        try:
            yield folder
        finally:
            for socket in folder.iterdir():
                _close(socket, env)
            shutil.rmtree(folder, ignore_errors=True)


def _close(socket: Path, env: Mapping[str, str]) -> None:
    argv = ["ssh", "-F", "/dev/null", "-O", "exit", f"-oControlPath={socket}", "--", "node"]
    with contextlib.suppress(command.CommandTimeoutError, SetupError):
        command.run(argv, env=child_environment(env), timeout=10)


def _remove_abandoned() -> None:
    """Remove our folders that nobody holds any more; the connections in them end by themselves."""
    for folder in _PARENT.glob(f"{_PREFIX}*"):
        # Another one's, one that is gone by now, or held: none of ours to remove.
        with contextlib.suppress(OSError), _opened(folder) as descriptor:
            found = os.fstat(descriptor)
            if found.st_uid != os.getuid() or time.time() - found.st_mtime < _YOUNG:
                continue
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
