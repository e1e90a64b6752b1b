"""One deployment has one writer at a time."""

import pickle
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from orchestrator.errors import RefusedError, SetupError
from orchestrator.lifecycle import Phase
from orchestrator.store import leases, opening, schema
from orchestrator.store.leases import LeaseLostError


def test_a_held_lease_is_refused_and_names_its_holder(store, deployment):
    with store.lease(deployment), pytest.raises(RefusedError, match="process .* on "):
        store.lease(deployment).__enter__()


def test_a_lease_that_was_given_back_is_free(store, deployment):
    with store.lease(deployment):
        pass
    with store.lease(deployment):
        pass


def test_a_lease_past_its_time_is_taken_over(store, deployment, clock):
    store.lease(deployment).__enter__()
    clock.forward(timedelta(seconds=61))
    with store.lease(deployment):
        pass


def test_the_lease_of_a_dead_process_is_taken_over_at_once(tmp_path, store, deployment):
    program = (
        "import os, pickle, sys\n"
        "from pathlib import Path\n"
        "from orchestrator.store import Store\n"
        "store = Store.in_folder(Path(sys.argv[1]))\n"
        "store.lease(pickle.load(sys.stdin.buffer)).__enter__()\n"
        "os._exit(0)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(command, input=pickle.dumps(deployment), check=True)
    with store.lease(deployment):
        pass


def test_a_process_id_given_out_again_is_not_the_old_holder():
    host, pid, _started = leases._this_process().split()
    assert leases._is_dead(f"{host} {pid} 1")
    assert not leases._is_dead(leases._this_process())


def test_a_holder_on_another_machine_is_never_called_dead():
    assert not leases._is_dead("elsewhere.example 1 1")


# --- a lease that another one took


@pytest.fixture
def lost():
    """Is set when a lease says that it is lost."""
    return threading.Event()


def take_over(store, deployment):
    """Let another machine take the lease, as it does when the holder was silent for long."""
    with store._engine.begin() as connection:
        connection.execute(schema.leases.update().values(holder="other.example 77 1 5"))


def test_the_old_holder_notices_that_it_lost_the_lease(store, deployment, lost):
    with store.lease(deployment, on_lost=lost.set, every=0.01) as lease:
        assert not lost.wait(0.1)
        take_over(store, deployment)
        assert lost.wait(5)
        with pytest.raises(LeaseLostError, match=r"taken over by process 77 on other\.example"):
            lease.require()


def test_what_a_run_without_a_lease_writes_is_refused(store, deployment):
    store.add(deployment)
    with store.lease(deployment) as lease:
        mine = store.under(lease)
        mine.move(deployment, Phase.CHOSEN)
        take_over(store, deployment)
        with pytest.raises(LeaseLostError):
            mine.move(deployment, Phase.PLANNED)
        with pytest.raises(LeaseLostError):
            mine.note(deployment, phase="plan", text="3 to create")
    assert store.get(deployment.id).phase is Phase.CHOSEN
    assert store.events(deployment) == []


@pytest.mark.parametrize("at", [1, 2])
def test_nobody_can_take_over_between_the_proof_of_the_lease_and_what_is_written(
    store, deployment, monkeypatch, at
):
    store.add(deployment)
    writing, begun = opening.writing, []

    def overtaken(engine):
        begun.append(engine)
        if len(begun) == at:
            take_over(store, deployment)
        return writing(engine)

    with store.lease(deployment) as lease:
        mine = store.under(lease)
        monkeypatch.setattr(opening, "writing", overtaken)
        if at == 2:
            deployment = mine.move(deployment, Phase.CHOSEN)
        with pytest.raises(LeaseLostError):
            mine.move(deployment, Phase.CHOSEN if at == 1 else Phase.PLANNED)
    assert store.get(deployment.id).phase is (Phase.REQUESTED, Phase.CHOSEN)[at - 1]


def test_giving_a_lost_lease_back_leaves_the_new_holders_alone(store, deployment):
    with store.lease(deployment):
        take_over(store, deployment)
    with pytest.raises(RefusedError, match="process 77 on other"):
        store.lease(deployment).__enter__()


def test_a_store_that_is_away_for_a_beat_does_not_matter_and_for_a_minute_does(
    store, deployment, clock, lost, monkeypatch
):
    with store.lease(deployment, on_lost=lost.set, every=0.01) as lease:
        monkeypatch.setattr(lease, "_renew", away)
        assert not lost.wait(0.1)
        clock.forward(timedelta(seconds=61))
        assert lost.wait(5)


def away(_connection):
    raise SetupError("the store cannot be written")


HOLD = """
import pickle, sys
from pathlib import Path
from orchestrator.store import Store
store = Store.in_folder(Path(sys.argv[1]))
with store.lease(pickle.load(sys.stdin.buffer)):
    print("held", flush=True)
    sys.stdin.buffer.read()
"""


@pytest.fixture
def other_process(tmp_path, store, deployment):
    """Another process that holds the lease until it is ended."""
    program = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdin.write(pickle.dumps(deployment))
        child.stdin.flush()
        assert child.stdout.readline() == b"held\n"
        yield child
        child.kill()


def test_a_living_process_keeps_others_out_and_is_named(store, deployment, other_process):
    with pytest.raises(RefusedError, match=f"process {other_process.pid} on "):
        store.lease(deployment).__enter__()


def test_a_killed_process_keeps_nobody_out(store, deployment, other_process):
    other_process.kill()
    other_process.wait()
    with store.lease(deployment):
        pass


def test_of_two_processes_at_once_one_gets_the_lease(tmp_path, store, deployment):
    program = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    children = [subprocess.Popen(program, **pipes) for _ in range(3)]
    for child in children:
        child.stdin.write(pickle.dumps(deployment))
        child.stdin.flush()
    losers = [child for child in children if child.stdout.readline() != b"held\n"]
    words = [child.stderr.read().decode() for child in losers]
    for child in children:
        child.communicate()
    assert len(losers) == 2
    assert all("RefusedError" in one for one in words)


# --- two machines on one store


@pytest.fixture
def elsewhere(store, deployment, clock):
    """Another machine has the lease until ten minutes ago, by the clock here."""
    with store._engine.begin() as connection:
        values = {"deployment_id": deployment.id, "holder": "other.example 77 1 5"}
        until = clock() - timedelta(minutes=10)
        connection.execute(schema.leases.insert().values(**values, until=until))


def lease_after(store, deployment, clock, pause):
    return leases.Lease(store._engine, deployment, clock=clock, pause=pause)


def test_a_lease_of_another_machine_that_is_over_is_watched_for_a_beat_and_then_taken(
    store, deployment, clock, elsewhere
):
    waited = []
    with lease_after(store, deployment, clock, waited.append):
        pass
    assert waited == [17.0]


def test_another_machine_whose_clock_is_behind_keeps_its_lease_by_moving_it(
    store, deployment, clock, elsewhere
):
    def beat(_seconds):
        with store._engine.begin() as connection:
            moved = clock() - timedelta(minutes=9)
            connection.execute(schema.leases.update().values(until=moved))

    with pytest.raises(RefusedError, match="process 77 on other"):
        lease_after(store, deployment, clock, beat).__enter__()


def test_of_two_that_watch_the_same_lease_one_takes_it(store, deployment, clock, elsewhere):
    def another_is_quicker(_seconds):
        lease_after(store, deployment, clock, lambda _: None).__enter__()

    with pytest.raises(RefusedError, match="is being worked on"):
        lease_after(store, deployment, clock, another_is_quicker).__enter__()
