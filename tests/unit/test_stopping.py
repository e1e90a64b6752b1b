"""A stop for one of two reasons."""

import threading
import time

from orchestrator.stopping import EitherStop


def test_it_is_set_by_either_and_sets_the_other_never():
    asked = threading.Event()
    mine, another = EitherStop(asked), EitherStop(asked)
    mine.set()
    assert mine.is_set()
    assert not asked.is_set()
    assert not another.is_set()
    asked.set()
    assert another.is_set()


def test_waiting_ends_when_one_is_set_and_when_the_time_is_over():
    asked = threading.Event()
    stop = EitherStop(asked)
    assert not stop.wait(0.01)
    threading.Timer(0.05, stop.set).start()
    start = time.monotonic()
    assert stop.wait(10)
    assert time.monotonic() - start < 5
    asked.set()
    assert EitherStop(asked).wait(10)
