"""make faults: trials from a seed on, a line each, with the orchestrator and with Terraform alone.

The results are in faults.json after each trial, beside those of other seeds from earlier runs: a
long run can be made in pieces. A failure is named by its seed. In the environment: TRIALS, SEED, or
SEEDS, a list; BARE (0: no comparison), PLANTED (tags, copies: the trials must fail).
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from concurrent.futures import as_completed
from datetime import UTC, datetime

from tests.faults import ground, table
from tests.faults.chains import chains
from tests.faults.fault import Fault
from tests.faults.trial import Result
from tests.faults.ways import ROOT

TRIALS = int(os.environ.get("TRIALS", "25"))
FIRST = int(os.environ.get("SEED", "1"))
SEEDS = [int(seed) for seed in os.environ.get("SEEDS", "").split()]
BARE = os.environ.get("BARE", "1") != "0"
PLANTED = os.environ.get("PLANTED", "")
RESULTS = ROOT / (f"faults-{PLANTED}.json" if PLANTED else "faults.json")


def main() -> int:
    """Run the trials; return how many of them ended in a problem."""
    commit = _commit()
    results: list[dict[str, object]] = []
    faults = [Fault.of(seed) for seed in SEEDS or range(FIRST, FIRST + TRIALS)]
    with ground.prepared(PLANTED, lanes=ground.ALONE) as run:
        runs = [run.submit(chain, bare=BARE) for chain in chains(faults)]
        trials = [trial for chain in runs for trial in chain.values()]
        for done in as_completed(trials):
            for result in done.result():
                at = datetime.now(UTC).isoformat(timespec="minutes")
                results.append({**result.as_value, "at": at, "commit": commit})
                print(_line(result), flush=True)
            _keep(results)
    print(table.render(json.loads(RESULTS.read_text())))
    return sum(bool(one["problems"]) for one in results if one["way"] == "orchestrator")


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty"]
    return subprocess.check_output(asked, cwd=ROOT, text=True).strip()


def _keep(results: Sequence[dict[str, object]]) -> None:
    kept = json.loads(RESULTS.read_text())["trials"] if RESULTS.exists() else []
    trials = {(one["seed"], one["way"]): one for one in (*kept, *results)}
    value = {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "planted": PLANTED,
        "trials": list(trials.values()),
    }
    RESULTS.write_text(json.dumps(value, indent=1) + "\n")


def _line(one: Result) -> str:
    """Return a trial in one line."""
    end = "; ".join(one.problems) if one.problems else "put right"
    struck = "" if one.struck else " (came too late)"
    return (
        f"seed {one.fault.seed:<5} {one.way:<12} {one.fault.words + struck:<66}"
        f" {one.left:>2} left {one.seconds:>6.1f} s   {end}"
    )


if __name__ == "__main__":
    raise SystemExit(min(main(), 1))
