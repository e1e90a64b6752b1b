"""Ctrl-C: the first asks for a stop at a safe point, the second is Python's own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator.cli import terminal

_AT_WORK = (
    "stopping at the next safe point; what exists is kept. "
    "Once more ends at once and may leave a VM that is not in the state."
)


@contextmanager
def safe_stop(said: str = _AT_WORK) -> Iterator[threading.Event]:
    """Give an event that the first SIGINT or SIGTERM sets; ``said`` is what the person reads then."""
    stop = threading.Event()
    earlier = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()
        terminal.echo(f"orchestrator: {said}", err=True)

    for number in earlier:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, action in earlier.items():
            signal.signal(number, action)
