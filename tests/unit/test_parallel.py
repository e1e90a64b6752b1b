"""Jobs at the same time: a late one is left behind, a broken one is heard."""

import subprocess
import sys
import threading

import pytest

from orchestrator.parallel import ask, gather


def test_each_answer_has_the_number_of_its_job():
    assert gather([lambda: "a", lambda: "b"], timeout=5) == {0: "a", 1: "b"}
    assert gather([], timeout=5) == {}


def test_a_late_job_is_left_behind_and_holds_up_nothing():
    never = threading.Event()
    assert gather([never.wait, lambda: True], timeout=0.2) == {1: True}
    assert all(thread.daemon for thread in threading.enumerate() if thread.name != "MainThread")
    never.set()


def test_jobs_run_at_the_same_time():
    meeting = threading.Barrier(5)
    assert set(gather([meeting.wait] * 5, timeout=5).values()) == set(range(5))


def test_answers_are_told_as_they_come():
    first = threading.Event()
    heard = []

    def second() -> str:
        first.wait(5)
        return "second"

    def hear(number: int, value: object) -> None:
        heard.append((number, value))
        first.set()

    gather([second, lambda: "first"], timeout=5, on_done=hear)
    assert heard == [(1, "first"), (0, "second")]


def test_what_a_job_raises_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        gather([lambda: 1 // 0], timeout=5)


def test_the_answer_is_in_the_future():
    here = threading.get_ident()
    assert ask(threading.get_ident).result(timeout=5) != here


def test_the_error_is_in_the_future():
    with pytest.raises(ZeroDivisionError):
        ask(lambda: 1 / 0).result(timeout=5)


def test_a_question_without_an_answer_does_not_hold_up_the_end():
    program = "import time\nfrom orchestrator.parallel import ask\nask(lambda: time.sleep(60))\n"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
