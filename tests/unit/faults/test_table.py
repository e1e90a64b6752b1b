"""The page of results says what the results say."""

from __future__ import annotations

from tests.faults.fault import Fault
from tests.faults.table import render
from tests.faults.trial import Result


def test_each_group_has_its_row_and_a_problem_its_seed():
    killed = Fault(seed=4, kind="kill", verb="deploy", victim="both", moment=2.0)
    full = Fault(seed=5, kind="disk", verb="destroy", disk="full")
    results = [
        Result(fault=killed, way="orchestrator", struck=True, left=5, seconds_right=12.5),
        Result(fault=killed, way="terraform", struck=True, left=5, unknown=3, surplus=3,
               seconds_right=20.0, problems=["the state does not know 3"]),
        Result(fault=full, way="orchestrator", struck=True, left=8, problems=["left at the end: x"]),
    ]  # fmt: skip
    page = render(
        {"at": "2026-11-24", "machine": "2 cores", "trials": [one.as_value for one in results]}
    )
    assert "2 trials (seeds 4 to 5), 2026-11-24, 2 cores; 1 with a problem." in page
    assert "| deploy | both killed | 1 | 1 | 5 | 1 | 0 | 0 | 12.5 |" in page
    assert "| killed | Terraform alone | 1 | 1 | 5 | 0 | 3 | 3 | 20.0 |" in page
    assert "- seed 5, destroy, disk full: left at the end: x" in page
