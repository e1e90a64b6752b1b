"""One deployment has one writer at a time."""

import subprocess
import sys
from datetime import timedelta

import pytest

from orchestrator.errors import RefusedError
from orchestrator.store import leases


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
    import pickle

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
