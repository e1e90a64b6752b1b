"""How the trials of a chain and Terraform alone take turns in a lane."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.fault import Fault
from tests.faults.ground import Run
from tests.faults.trial import Result

CHAIN = tuple(
    Fault(seed=seed, kind="kill", verb=verb) for seed, verb in ((1, "deploy"), (2, "recover"))
)


class Lane:
    """A lane that notes what is run in it."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def run(self, chain):
        for fault in chain:
            self.ran.append(f"ours {fault.seed}")
            yield Result(fault=fault, way="orchestrator")

    def bare(self, fault):
        self.ran.append(f"bare {fault.seed}")
        return None if fault.verb == "recover" else Result(fault=fault, way="terraform")


@pytest.mark.parametrize(
    ("bare", "ran", "ways"),
    [
        (False, ["ours 1", "ours 2"], [["orchestrator"], ["orchestrator"]]),
        (True, ["ours 1", "ours 2", "bare 1", "bare 2"],
         [["orchestrator", "terraform"], ["orchestrator"]]),
    ],
)  # fmt: skip
def test_terraform_alone_waits_until_the_chain_is_over(bare, ran, ways):
    lane, lanes = Lane(), queue.Queue()
    lanes.put(lane)
    with ThreadPoolExecutor(1) as pool:
        trials = Run(lanes=lanes, pool=pool).submit(CHAIN, bare=bare)
        results = [trials[fault].result(timeout=10) for fault in CHAIN]
    assert lane.ran == ran
    assert [[one.way for one in result] for result in results] == ways
