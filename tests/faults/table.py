"""docs/trials.md and trials.json, from what is there and the results of new runs: `python -m tests.faults.table`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from tests.faults.ways import ROOT

Trial = Mapping[str, Any]

_HEAD = """\
# Trials

Written by `python -m tests.faults.table` from the results of `make faults`; nothing in it was written
by hand. What a trial is, and how to repeat one: `tests/faults/README.md`.
"""
_COLUMNS = (
    ("trials", lambda ones: len(ones)),
    ("struck at work", lambda ones: sum(one["struck"] for one in ones)),
    ("left at the site", lambda ones: sum(one["left"] for one in ones)),
    ("right by the next command", lambda ones: sum(not one["problems"] for one in ones)),
    ("not in the state", lambda ones: sum(one["unknown"] for one in ones)),
    ("surplus", lambda ones: sum(one["surplus"] for one in ones)),
    ("seconds to right", lambda ones: _median([one["seconds_right"] for one in ones])),
)


def render(run: Mapping[str, Any]) -> str:
    """Return the page for the results of a run."""
    trials: Sequence[Trial] = run["trials"]
    ours = [one for one in trials if one["way"] == "orchestrator"]
    bare = [one for one in trials if one["way"] == "terraform"]
    compared = {one["seed"] for one in bare}
    wrong = [one for one in ours if one["problems"]]
    following = sum(bool(one.get("after")) for one in ours)
    parts = [
        _HEAD,
        f"{len(ours)} trials (seeds {_seeds(ours)}), {_when(ours)}, {run['machine']};"
        f" {len(wrong)} with a problem. {following} went on in the deployment of a trial before.",
        "## The orchestrator",
        _table(ours),
        "## Beside Terraform alone",
        "The same seeds with both, on the same rendered files and the same faults; Terraform is"
        " given three runs to get right, the orchestrator one.",
        _beside(
            {
                "orchestrator": [one for one in ours if one["seed"] in compared],
                "Terraform alone": bare,
            }
        ),
    ]
    if wrong:
        parts += ["## Problems", "\n".join(_problem(one) for one in wrong)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _seeds(trials: Sequence[Trial]) -> str:
    """Return the seeds, those that follow each other as one: 1 to 25, 36."""
    runs: list[list[int]] = []
    for seed in sorted(one["seed"] for one in trials):
        if runs and runs[-1][-1] == seed - 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _when(trials: Sequence[Trial]) -> str:
    """Say when they were made, and of which commits."""
    first, last = min(one["at"] for one in trials), max(one["at"] for one in trials)
    commits = dict.fromkeys(one["commit"] for one in sorted(trials, key=lambda one: one["at"]))
    return f"{first} to {last}, at {', '.join(commits)}"


def _table(trials: Sequence[Trial]) -> str:
    groups: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for one in trials:
        groups[(one["verb"], _what(one))].append(one)
    rows = [(*key, *_figures(groups[key])) for key in sorted(groups)]
    return _as_table(("verb", "what went wrong", *_names()), rows)


def _what(one: Trial) -> str:
    if one["kind"] == "kill":
        return (
            "nobody killed, state damaged"
            if one["victim"] == "nobody"
            else f"{one['victim']} killed"
        )
    if one["kind"] == "disk":
        return f"disk {one['disk']}"
    return str(one["rules"][0]["fault"])


def _beside(ways: Mapping[str, Sequence[Trial]]) -> str:
    kinds = {"kill": "killed", "disk": "disk", "api": "API"}
    rows = []
    # A state that is lost besides is no fault of Terraform's: those are told apart.
    for kind, damaged in product(kinds, (False, True)):
        words = f"{kinds[kind]}{', state damaged' * damaged}"
        for way, trials in ways.items():
            ones = [one for one in trials if one["kind"] == kind and _is_damaged(one) is damaged]
            if ones:
                rows.append((words, way, *_figures(ones)))
    return _as_table(("fault", "by", *_names()), rows)


def _is_damaged(one: Trial) -> bool:
    return bool(one["damage"] != "none")


def _names() -> tuple[str, ...]:
    return tuple(name for name, _ in _COLUMNS)


def _figures(trials: Sequence[Trial]) -> tuple[str, ...]:
    return tuple(str(of(trials)) for _, of in _COLUMNS)


def _as_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _problem(one: Trial) -> str:
    after = ", ".join(map(str, one.get("after", ())))
    where = f", after {after} in one deployment" if after else ""
    return f"- seed {one['seed']}, {one['verb']}, {_what(one)}{where}: {'; '.join(one['problems'])}"


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def together(kept: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trials of both; of one that is in both, the fresh result."""
    trials = {(one["seed"], one["way"]): one for one in (*kept["trials"], *fresh["trials"])}
    return {**fresh, "trials": [trials[key] for key in sorted(trials)]}


def as_lines(run: Mapping[str, Any]) -> str:
    """Return a run as JSON with a line for each trial, so that a new one is a line more."""
    rest = {name: value for name, value in run.items() if name != "trials"}
    trials = ",\n".join(json.dumps(one) for one in run["trials"])
    return f'{json.dumps(rest)[:-1]}, "trials": [\n{trials}\n]}}\n'


def main() -> None:
    """Add the results of new runs to those that the docs keep, and write the page anew."""
    kept, fresh = ROOT / "docs" / "trials.json", ROOT / "faults.json"
    run = json.loads(fresh.read_text())
    if kept.exists():
        run = together(json.loads(kept.read_text()), run)
    kept.write_text(as_lines(run))
    kept.with_suffix(".md").write_text(render(run))


if __name__ == "__main__":
    main()
