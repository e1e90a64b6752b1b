"""The page of results says what the results say."""

from __future__ import annotations

import json

from tests.faults.fault import Fault
from tests.faults.table import as_lines, render, together
from tests.faults.trial import Result


def test_each_group_has_its_row_and_a_problem_its_seed():
    killed = Fault(seed=4, kind="kill", verb="deploy", victim="both", moment=2.0)
    emptied = Fault(seed=3, kind="kill", verb="deploy", victim="both", damage="emptied")
    full = Fault(seed=5, kind="disk", verb="destroy", disk="full")
    results = [
        Result(fault=killed, way="orchestrator", struck=True, left=5, seconds_right=12.5),
        Result(fault=killed, way="terraform", struck=True, left=5, unknown=3, surplus=3,
               seconds_right=20.0, problems=["the state does not know 3"]),
        Result(fault=full, way="orchestrator", struck=True, after=(3, 4), left=8,
               problems=["left at the end: x"]),
        Result(fault=emptied, way="terraform", struck=True, left=5, seconds_right=20.0),
    ]  # fmt: skip
    page = render(
        {
            "machine": "2 cores",
            "trials": [
                {**one.as_value, "at": f"2026-11-2{day}", "commit": "abc" if day < 5 else "def"}
                for day, one in enumerate(results, 4)
            ],
        }
    )
    when = "2026-11-24 to 2026-11-26, at abc, def"
    assert f"2 trials (seeds 4 to 5), {when}, 2 cores; 1 with a problem. 1 went on in" in page
    assert "| deploy | both killed | 1 | 1 | 5 | 1 | 0 | 0 | 12.5 |" in page
    assert "| killed | Terraform alone | 1 | 1 | 5 | 0 | 3 | 3 | 20.0 |" in page
    assert "| killed, state damaged | Terraform alone | 1 | 1 | 5 | 1 | 0 | 0 | 20.0 |" in page
    assert "- seed 5, destroy, disk full, after 3, 4 in one deployment: left at the end: x" in page


def test_a_trial_made_again_takes_the_place_of_the_older_one():
    def trials(*which):
        return {
            "machine": "2 cores",
            "trials": [
                {
                    **Result(fault=Fault.of(seed), way="orchestrator").as_value,
                    "at": at,
                    "commit": "a",
                }
                for seed, at in which
            ],
        }

    both = together(
        trials((9, "2026-11-24"), (1, "2026-11-24")), trials((1, "2026-11-25"), (2, "2026-11-25"))
    )
    assert [(one["seed"], one["at"]) for one in both["trials"]] == [
        (1, "2026-11-25"),
        (2, "2026-11-25"),
        (9, "2026-11-24"),
    ]
    assert "3 trials (seeds 1 to 2, 9)" in render(both)
    text = as_lines(both)
    assert json.loads(text) == both
    assert text.count("\n") == 3 + 2
