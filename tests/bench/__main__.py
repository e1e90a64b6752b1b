"""make bench: what the orchestrator costs beside bare terraform and ansible-playbook."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.paths import SANDBOX, Folders

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COMMAND = str(BIN / "orchestrator")
FEDCLOUD = ROOT / ".venv" / "fedcloudclient" / "bin" / "fedcloud"
NAME = "bench"
ROUNDS = 2


def main() -> None:
    """Measure, print a table, and leave bench.json."""
    subprocess.run(["python3", "-m", "sandbox", "up"], cwd=ROOT, check=True, stdout=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="orc-bench-") as folder:
        home = Path(folder)
        (home / "cache").symlink_to(Folders.default().cache)
        results = {"start": starts(home), "deploy": deployments(home)}
    (ROOT / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))
    for line in table(results):
        print(line)


def starts(home: Path) -> dict[str, float]:
    """Seconds from start to end of commands that do next to nothing; medians of nine."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "orchestrator --version": [COMMAND, "--version"],
        "orchestrator list": [COMMAND, "list"],
    }
    if FEDCLOUD.exists():
        commands["fedcloud --version"] = [str(FEDCLOUD), "--version"]
    env = environment(home)
    return {name: median(lambda c=command: seconds(c, env=env), 9) for name, command in commands.items()}  # type: ignore[misc]


def deployments(home: Path) -> dict[str, float]:
    """Seconds of whole deployments, ours and the bare tools' on the same rendered files, in turns."""
    env = environment(home)
    ours, bare, again = [], [], []
    peak = 0.0
    for _ in range(ROUNDS):
        ours.append(seconds([COMMAND, "deploy", "docker", "--site", "SANDBOX", "--name", NAME], env=env))
        again.append(seconds([COMMAND, "deploy", "docker", "--site", "SANDBOX", "--name", NAME], env=env))
        peak = max(peak, own_peak_mb())
        rendered = copy_of_work(home)
        seconds([COMMAND, "destroy", NAME], env=env)
        bare.append(bare_deployment(rendered))
        shutil.rmtree(rendered)
    return {
        "orchestrator deploy": statistics.mean(ours),
        "bare terraform + ansible-playbook": statistics.mean(bare),
        "overhead in percent": 100 * (statistics.mean(ours) / statistics.mean(bare) - 1),
        "orchestrator deploy, nothing to do": statistics.mean(again),
        "peak memory of the orchestrator in MB": peak,
    }
