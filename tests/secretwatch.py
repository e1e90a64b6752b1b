"""Watches what every program that is started may be seen to know: its command line and its environment.

    with SecretWatch({"the password": re.escape(password)}) as watch:
        ...run something...
    assert watch.found == set()

Looks again and again at /proc, at this process's descendants and at what has been left behind by
them. A command line may be read by everybody on the machine and an environment by its owner, so
the first may hold no secret at all, the second only what ``may_know`` says of a program.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

# Short enough for a program that lives as long as Python takes to start.
_PAUSE = 0.004

# As Keystone and Check-in make their tokens, whatever is in them.
KEYSTONE_TOKEN = r"gAAAAAB[A-Za-z0-9_-]{100,}"
CHECK_IN_TOKEN = r"eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]*"


@dataclass(frozen=True)
class Finding:
    """A secret where it must not be; its value is not told."""

    program: str
    where: str  # command line, environment
    secret: str


class SecretWatch:
    """Collects findings while its block runs.

    ``secrets`` are regular expressions by name; ``may_know`` names for a program, by the name of
    its file, the secrets that its environment may hold.
    """

    def __init__(
        self,
        secrets: Mapping[str, str],
        *,
        may_know: Mapping[str, set[str]] | None = None,
        every: float = _PAUSE,
    ) -> None:
        self._every = every
        self._secrets = {name: re.compile(text.encode()) for name, text in secrets.items()}
        self._may_know = dict(may_know or {})
        self._known: dict[int, bytes] = {}  # descendants by pid, with the moment of their start
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="secrets", daemon=True)
        self.found: set[Finding] = set()
        self.programs: set[str] = set()  # that were looked at: a watch that saw none proves nothing

    def __enter__(self) -> SecretWatch:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Look once more, and end."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.is_set():
            self._look()
            time.sleep(self._every)
        self._look()

    def _look(self) -> None:
        seen = {os.getpid(), *_threads_own()}
        todo = [*_children(os.getpid()), *self._left_behind()]
        while todo:
            pid = todo.pop()
            if pid in seen:
                continue
            seen.add(pid)
            # It may end while it is looked at.
            with contextlib.suppress(OSError):
                self._known[pid] = began(pid)
                todo += _children(pid)
                self._judge(pid)

    def _left_behind(self) -> Iterator[int]:
        """Yield what was a descendant once: its parent may have ended since."""
        for pid, started in list(self._known.items()):
            try:
                alive = began(pid) == started
            except OSError:
                alive = False
            if alive:
                yield pid
            else:
                del self._known[pid]

    def _judge(self, pid: int) -> None:
        proc = Path("/proc", str(pid))
        line = (proc / "cmdline").read_bytes()
        parent = int((proc / "stat").read_text().rpartition(")")[2].split()[1])
        # Between fork and exec it is its parent still, in all that it knows.
        if not line or line == _line_of(parent):
            return
        words = [os.fsdecode(word) for word in line.split(b"\0") if word]
        program = " ".join(Path(word).name for word in words[:2])
        self.programs.add(program)
        allowed = self._may_know.get(Path(words[0]).name, set())
        environment = (proc / "environ").read_bytes()
        for name, pattern in self._secrets.items():
            if pattern.search(line):
                self.found.add(Finding(program, "command line", name))
            if name not in allowed and pattern.search(environment):
                self.found.add(Finding(program, "environment", name))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path("/proc", str(pid), "task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in task.read_text().split()]
    return found


def _threads_own() -> set[int]:
    return {int(task.name) for task in Path("/proc/self/task").iterdir()}


def began(pid: int) -> bytes:
    """Return when a process began, in the kernel's ticks: its id may be given out again."""
    # Field 22.
    return Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()[19]


def _line_of(pid: int) -> bytes:
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return b""
