"""Ctrl-C: the first asks for a stop at a safe point, the second is Python's own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click


@contextmanager
def safe_stop() -> Iterator[threading.Event]:
    """Give an event that the first SIGINT or SIGTERM sets."""
    stop = threading.Event()
    earlier = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()
        click.echo(
            "orchestrator: stopping at the next safe point; what exists is kept. "
            "Once more ends at once and may leave a VM that is not in the state.",
            err=True,
        )

    for number in earlier:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, action in earlier.items():
            signal.signal(number, action)
