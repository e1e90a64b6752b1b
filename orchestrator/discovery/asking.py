"""Questions asked side by side, none of which can hold up the end of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Answer = TypeVar("_Answer")


def ask(question: Callable[[], _Answer], *, name: str = "ask") -> Future[_Answer]:
    """Ask in a thread of its own; the answer, or the error, is in the future.

    A pool of concurrent.futures waits for its threads when Python ends, and a site
    that sends a byte now and then would keep a command that has long given it up.
    """
    future: Future[_Answer] = Future()

    def run() -> None:
        try:
            answer = question()
        except BaseException as error:  # whoever asks for the result gets it
            future.set_exception(error)
        else:
            future.set_result(answer)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
