"""Places for Terraform: as many at once as there are, and one that is held ends with its last holder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator.drivers.slots import Slots, usual_count
from orchestrator.errors import InterruptedRunError, SetupError

ROOT = Path(__file__).resolve().parents[3]
# Takes the only place, perhaps for a child too, and says so with the child's process id.
HOLDER = """
import os, sys, threading, time
from pathlib import Path
from orchestrator.drivers import process
from orchestrator.drivers.slots import Slots
folder = Path(sys.argv[1])
with Slots(folder, count=1).taken(stop=threading.Event(), on_wait=print) as slot:
    child = 0
    if sys.argv[2] == "with a child":
        child = process.start(
            ["/bin/sleep", "60"], cwd=folder, env={}, out=folder / "out", err=folder / "err",
            keep_open=[slot.descriptor],
        ).pid
    print(child, flush=True)
    time.sleep(60)
"""


@contextmanager
def held(folder, how):
    """Have another process hold the only place; give it, and the id of its child."""
    argv = [sys.executable, "-c", HOLDER, str(folder), how]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        child = int(holder.stdout.readline())
        try:
            yield holder, child
        finally:
            holder.kill()
            if child:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


def is_free(folder, *, count=1):
    """Tell whether there is a place, without waiting for one."""
    stop = threading.Event()
    stop.set()
    try:
        with Slots(folder, count=count).taken(stop=stop, on_wait=lambda _: None):
            return True
    except InterruptedRunError:
        return False


def soon(asked, *, seconds=10.0):
    """Wait until it holds; tell whether it ever did."""
    stop = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if asked():
            return True
        stop.wait(0.05)
    return False


def taken(folder, *, count, stop=None, told=None):
    told = [] if told is None else told
    return Slots(folder, count=count).taken(stop=stop or threading.Event(), on_wait=told.append)


def test_a_machine_has_at_least_two_places():
    assert usual_count() >= max(2, os.cpu_count() or 1)


def test_one_after_the_last_waits_until_another_ends(tmp_path):
    told, began = [], threading.Event()

    def work():
        with taken(tmp_path, count=2, told=told) as slot:
            assert slot.waited
            began.set()

    with ExitStack() as stack:
        for _ in range(2):
            with_a_place = stack.enter_context(ExitStack())
            slot = with_a_place.enter_context(taken(tmp_path, count=2))
            assert not slot.waited
        waiting = threading.Thread(target=work)
        waiting.start()
        assert soon(lambda: told)
        assert not began.wait(0.5)
        with_a_place.close()
        assert began.wait(10)
        waiting.join()
    assert told == ["waiting for one of 2 places for work at a site on this machine"]


def test_an_error_frees_the_place(tmp_path):
    with pytest.raises(ValueError, match="boom"), taken(tmp_path, count=1):
        raise ValueError("boom")
    assert is_free(tmp_path)


def test_a_stop_ends_the_waiting(tmp_path):
    told, stop = [], threading.Event()
    with taken(tmp_path, count=1):
        threading.Timer(0.3, stop.set).start()
        with (
            pytest.raises(InterruptedRunError, match="stopped while waiting for one of 1 places"),
            taken(tmp_path, count=1, stop=stop, told=told),
        ):
            pass
    assert len(told) == 1


def test_the_place_of_another_process_is_taken_until_it_is_killed(tmp_path):
    with held(tmp_path, "alone") as (holder, _):
        assert not is_free(tmp_path)
        assert is_free(tmp_path, count=2)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert is_free(tmp_path)


def test_a_child_that_still_works_keeps_the_place_of_its_killed_parent(tmp_path):
    with held(tmp_path, "with a child") as (holder, child):
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert not is_free(tmp_path)
        os.kill(child, signal.SIGTERM)
        assert soon(lambda: is_free(tmp_path))


def test_where_no_file_can_be_locked_that_is_said(tmp_path):
    (tmp_path / "slots").write_text("a file")
    with (
        pytest.raises(SetupError, match="no place for work at a site can be taken in"),
        taken(tmp_path / "slots", count=1),
    ):
        pass
