"""The run log: every step of a run as one line of a file, and to whoever watches."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError, SetupError
from orchestrator.model import Progress

OnProgress = Callable[[Progress], None]
Details = tuple[tuple[str, str], ...]


class Journal:
    """Tells each step to a callback, and keeps it in a file once there is a folder for it.

    The file is opened anew for each line: a killed run loses at most the line it
    was writing, and a full disk is told by the step that met it.
    """

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._file: Path | None = None
        self._early: list[dict[str, Any]] = []

    def keep_in(self, file: Path) -> None:
        """Write to this file from now on, and to it first what was told before."""
        self._file = file
        early, self._early = self._early, []
        for line in early:
            self._write(line)

    @contextmanager
    def phase(self, name: str) -> Iterator[PhaseLog]:
        """Tell a phase from its start to its end, or to the error that ended it."""
        log = PhaseLog(self, name)
        self.tell(Progress(phase=name, state="started", text=""))
        try:
            yield log
        except OrchestratorError as error:
            self.tell(Progress(phase=name, state="failed", text=error.message, seconds=log.seconds))
            raise
        self.tell(
            Progress(
                phase=name,
                state="finished",
                text=log.text,
                seconds=log.seconds,
                details=log.details,
            )
        )

    def note(self, phase: str, text: str, *, details: Details = ()) -> None:
        """Tell something beside the phases."""
        self.tell(Progress(phase=phase, state="note", text=text, details=details))

    def tell(self, progress: Progress) -> None:
        """Write a step and pass it on."""
        self._write({"at": _timestamp(), **asdict(progress)})
        self._on_progress(progress)

    def record(self, event: Mapping[str, Any]) -> None:
        """Write an event of an outside program that nobody needs to watch."""
        self._write({"at": _timestamp(), **event})

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is None:
            self._early.append(line)
            return
        try:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, default=str) + "\n")
        except OSError as error:
            raise SetupError(
                f"the run's log {self._file} cannot be written: {error.strerror}",
                way_out=["make room, then run the same command again"],
            ) from error


class PhaseLog:
    """What a phase says of itself while it runs and when it ends."""

    def __init__(self, journal: Journal, name: str) -> None:
        self._journal = journal
        self._name = name
        self._start = time.monotonic()
        self.text = ""
        self.details: Details = ()

    @property
    def seconds(self) -> float:
        """Seconds since the phase began."""
        return round(time.monotonic() - self._start, 2)

    def running(self, text: str) -> None:
        """Tell what it is doing now."""
        self._journal.tell(
            Progress(phase=self._name, state="running", text=text, seconds=self.seconds)
        )

    def finish(self, text: str, *, details: Details = ()) -> None:
        """Say what the phase ended with; told when it is left without an error."""
        self.text = text
        self.details = details


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
