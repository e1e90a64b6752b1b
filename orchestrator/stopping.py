"""A run stops when its person asks for it, or when it is no longer the one that may write."""

from __future__ import annotations

import threading
import time

_LOOK = 0.2


class EitherStop(threading.Event):
    """Set by itself or by the event that it stands beside; that one is never touched."""

    def __init__(self, asked: threading.Event) -> None:
        super().__init__()
        self._asked = asked

    def is_set(self) -> bool:
        """Tell whether one of the two is set."""
        return super().is_set() or self._asked.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until one of the two is set, or the time is over."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _LOOK if deadline is None else min(_LOOK, deadline - time.monotonic())
            if left <= 0:
                return False
            self._asked.wait(left)
        return True
