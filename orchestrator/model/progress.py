"""What a run tells while it goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One step of a run, as a face shows it or a program reads it."""

    phase: str  # discover, choose, plan, apply, name, reach, configure, verify, destroy
    state: str  # started, running, finished, failed, note
    text: str
    seconds: float | None = None
    details: tuple[tuple[str, str], ...] = ()
