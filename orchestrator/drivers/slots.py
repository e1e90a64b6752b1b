"""Places for work at a site: only so many runs have one at once with one data folder."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import InterruptedRunError, SetupError

_PAUSE = 0.2
_PER_CPU = 2
_FEWEST = 2


def usual_count() -> int:
    """Return how many Terraforms this machine bears: mostly they wait for their site."""
    return max(_FEWEST, _PER_CPU * (os.cpu_count() or 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place that is held for as long as anybody has its descriptor open.

    A child that inherits it holds the place beyond the death of who took it.
    """

    descriptor: int
    waited: bool


class Slots:
    """So many places, each a file that is locked by who has it: a process that is gone has none."""

    def __init__(self, folder: Path, *, count: int | None = None) -> None:
        self._folder = folder
        self._count = count or usual_count()

    @contextmanager
    def taken(self, *, stop: threading.Event, on_wait: Callable[[str], None]) -> Iterator[Slot]:
        """Have a place; where all are taken, say so once and wait.

        Raises InterruptedRunError when stopped while it waits, SetupError where no file can be locked.
        """
        waited = False
        while (descriptor := self._take_free()) is None:
            if not waited:
                on_wait(f"waiting for {self._words}")
                waited = True
            if stop.wait(_PAUSE):
                raise InterruptedRunError(f"stopped while waiting for {self._words}")
        try:
            yield Slot(descriptor=descriptor, waited=waited)
        finally:
            # Closed and not unlocked: a Terraform that is still at work keeps the place.
            os.close(descriptor)

    @property
    def _words(self) -> str:
        return f"one of {self._count} places for work at a site on this machine"

    def _take_free(self) -> int | None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for number in range(1, self._count + 1):
                descriptor = _locked(self._folder / f"terraform-{number}")
                if descriptor is not None:
                    return descriptor
        except OSError as error:
            raise SetupError(
                f"no place for work at a site can be taken in {self._folder}: {error.strerror}",
                way_out=["make room or set the rights, then run the same command again"],
            ) from error
        return None


def _locked(file: Path) -> int | None:
    """Return a descriptor with the file's lock, None where another one has it."""
    # Opened anew each time: only so are two threads of one process two owners.
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor
