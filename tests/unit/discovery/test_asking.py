"""A question runs beside, and what comes of it is in the future."""

import subprocess
import sys
import threading

import pytest

from orchestrator.discovery.asking import ask


def test_the_answer_is_in_the_future():
    here = threading.get_ident()
    assert ask(threading.get_ident).result(timeout=5) != here


def test_the_error_is_in_the_future():
    with pytest.raises(ZeroDivisionError):
        ask(lambda: 1 / 0).result(timeout=5)


def test_a_question_without_an_answer_does_not_hold_up_the_end():
    program = (
        "import time\nfrom orchestrator.discovery.asking import ask\nask(lambda: time.sleep(60))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
