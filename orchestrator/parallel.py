"""Many things asked at once, none of which may hold up another one, or the end of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

_T = TypeVar("_T")


def ask(question: Callable[[], _T], *, name: str = "ask") -> Future[_T]:
    """Ask in a thread of its own; the answer, or the error, is in the future.

    A pool of concurrent.futures waits for its threads when Python ends, and a site
    that sends a byte now and then would keep a command that has long given it up.
    """
    future: Future[_T] = Future()

    def run() -> None:
        try:
            answer = question()
        except BaseException as error:  # whoever asks for the result gets it
            future.set_exception(error)
        else:
            future.set_result(answer)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def gather(
    jobs: Sequence[Callable[[], _T]],
    *,
    timeout: float,
    on_done: Callable[[int, _T], None] = lambda _number, _value: None,
) -> dict[int, _T]:
    """Run all jobs at the same time; return what each that ended in time gives, by its number.

    A job that is late is left behind: neither this call nor the end of the program waits
    for it. What a job raises is raised here.
    """
    until = time.monotonic() + timeout
    numbers = {ask(job): number for number, job in enumerate(jobs)}
    pending, done = set(numbers), dict[int, _T]()
    while pending:
        left = max(0.0, until - time.monotonic())
        ended, pending = wait(pending, timeout=left, return_when=FIRST_COMPLETED)
        if not ended:
            break
        for future in ended:
            done[numbers[future]] = future.result()
            on_done(numbers[future], done[numbers[future]])
    return done
