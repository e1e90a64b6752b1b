"""Turns at the sandbox: shared by many, or one alone, who is not passed by."""

from __future__ import annotations

import fcntl
import threading
import time
from pathlib import Path

from tests.turns import turn


def test_many_share_it_and_one_has_it_alone_before_those_who_came_later(tmp_path: Path):
    order: list[str] = []
    waiting, inside = threading.Event(), threading.Event()

    def alone() -> None:
        waiting.set()
        with turn(alone=True, folder=tmp_path):
            order.append("alone")

    def shared() -> None:
        inside.wait(10)
        with turn(alone=False, folder=tmp_path):
            order.append("late")

    with turn(alone=False, folder=tmp_path), turn(alone=False, folder=tmp_path):
        threads = [threading.Thread(target=one) for one in (alone, shared)]
        for thread in threads:
            thread.start()
        waiting.wait(10)
        while not door_is_shut(tmp_path):
            time.sleep(0.01)
        inside.set()
        assert order == []
    for thread in threads:
        thread.join(10)
    assert order == ["alone", "late"]


def door_is_shut(folder: Path) -> bool:
    with (folder / "door").open("w") as door:
        try:
            fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
