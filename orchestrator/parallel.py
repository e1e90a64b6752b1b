"""Many things asked at once, none of which may hold up another one, or the end."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def gather(
    jobs: Sequence[Callable[[], _T]],
    *,
    timeout: float,
    on_done: Callable[[int, _T], None] = lambda _number, _value: None,
) -> dict[int, _T]:
    """Run all jobs at the same time; return what each that ended in time gives, by its number.

    A job that is late is left behind in a daemon thread: neither this call nor the end
    of the program waits for it. What a job raises is raised here.
    """
    ended: queue.SimpleQueue[tuple[int, _T | _Raised]] = queue.SimpleQueue()
    until = time.monotonic() + timeout
    for number, job in enumerate(jobs):
        threading.Thread(target=_run, args=(number, job, ended), daemon=True).start()
    done: dict[int, _T] = {}
    while len(done) < len(jobs):
        try:
            number, value = ended.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        if isinstance(value, _Raised):
            raise value.error
        done[number] = value
        on_done(number, value)
    return done


class _Raised:
    def __init__(self, error: Exception) -> None:
        self.error = error


def _run(
    number: int, job: Callable[[], _T], ended: queue.SimpleQueue[tuple[int, _T | _Raised]]
) -> None:
    try:
        ended.put((number, job()))
    except Exception as error:
        ended.put((number, _Raised(error)))
