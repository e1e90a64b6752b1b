"""make faults: trials from a seed on, a line each; the results as JSON, and a failure named by its seed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from orchestrator.paths import Folders
from tests.faults import site
from tests.faults.trial import ROOT, Fault, Trial, as_value

TRIALS = int(os.environ.get("TRIALS", "25"))
FIRST = int(os.environ.get("SEED", "1"))


def main() -> int:
    """Run the trials; return how many of them ended in a problem."""
    admin = site.administrator()
    results = []
    with tempfile.TemporaryDirectory(prefix="orc-faults-") as folder:
        site.prepare(admin, Path(folder))
        try:
            project = site.Project(admin)
            for seed in range(FIRST, FIRST + TRIALS):
                result = Trial(Fault.of(seed), home=home(Path(folder), seed), project=project).run()
                results.append(as_value(result))
                print(line(results[-1]), flush=True)
        finally:
            site.clean(admin)
    bad = [one for one in results if one["problems"]]
    (ROOT / "faults.json").write_text(json.dumps(results, indent=1) + "\n")
    killed = sum(bool(one["killed"]) for one in results)
    print(f"{len(results)} trials, {killed} killed in the middle, {len(bad)} with a problem")
    return len(bad)


def home(folder: Path, seed: int) -> Path:
    """Make a home for a trial, with the provider of this machine and the trials' use case."""
    made = folder / str(seed)
    made.mkdir()
    (made / "cache").symlink_to(Folders.default().cache)
    shutil.copytree(Path(__file__).with_name("usecases"), made / "config" / "usecases")
    return made


def line(one: dict[str, object]) -> str:
    """Return a trial in one line."""
    how = f"{one['verb']}, {one['victim']} after {one['moment']:.1f} s, state {one['damage']}"
    end = "; ".join(one["problems"]) if one["problems"] else "put right"  # type: ignore[arg-type]
    return f"seed {one['seed']:<5} {how:<62} {one['left']:>2} left   {one['seconds']:>6} s   {end}"


if __name__ == "__main__":
    raise SystemExit(min(main(), 1))
