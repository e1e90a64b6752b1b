"""make bench: how long a deployment takes whose state is lost to be taken back from its site.

Alone: python -m tests.bench.recovering
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tests.bench import blank
from tests.bench.blank import LONGEST, Ground
from tests.faults.ground import LANES
from tests.faults.ways import known

NAME = "recovering"
USE_CASES = Path(__file__).resolve().parents[1] / "faults" / "usecases"
ROUNDS = int(os.environ.get("ROUNDS", "2"))
BAR = 15


def measure() -> dict[str, float]:
    """Return seconds of a recover of two machines and their network, each time from no state at all."""
    with blank.prepared(LANES[0], names=(NAME,), use_cases=USE_CASES) as ground:
        seconds(ground, "deploy")
        count = resources(ground)
        spent = [recovered(ground) for _ in range(ROUNDS)]
        seconds(ground, "destroy")
        ground.require_nothing_left()
    return {
        f"recover of {count} resources (bar: {BAR})": min(spent),
        f"recover of {count} resources, slowest round": max(spent),
    }


def recovered(ground: Ground) -> float:
    """Delete the state and recover; return the seconds. What was known has to be known again."""
    folder = ground.folder()
    before = known(folder)
    for state in folder.glob("terraform.tfstate*"):
        state.unlink()
    spent = seconds(ground, "recover")
    if before is None or known(folder) != before:
        raise SystemExit(f"recover knows {known(folder)}, there was {before}")
    return spent


def seconds(ground: Ground, verb: str) -> float:
    """Run a verb to its good end as a process; return how long it took."""
    started = time.monotonic()
    run = ground.begin(verb, NAME)
    try:
        run.process.wait(timeout=LONGEST)
    finally:
        run.process.kill()
    spent = time.monotonic() - started
    blank.require_good_end(verb, {NAME: run})
    return spent


def resources(ground: Ground) -> int:
    """Count what the state knows of the site."""
    state = json.loads((ground.folder() / "terraform.tfstate").read_bytes())
    managed = [one for one in state["resources"] if one["mode"] == "managed"]
    return sum(len(one["instances"]) for one in managed)


if __name__ == "__main__":
    for what, value in measure().items():
        print(f"{what:<50} {value:>9.2f}")
