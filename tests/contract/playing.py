"""A process that runs a playbook as a run does, and is there to be killed: python playing.py, what to do as JSON on its input."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from orchestrator.drivers.ansible import run_playbook
from orchestrator.errors import OrchestratorError
from orchestrator.workdir import Workdir


def main() -> None:
    """Run it; tell each task as it begins, and the error that ended it."""
    given = json.load(sys.stdin)
    try:
        result = run_playbook(
            Workdir(Path(given["workdir"])),
            playbook=Path(given["playbook"]),
            inventory=given["inventory"],
            env=dict(os.environ),
            on_task=lambda name: print(json.dumps({"task": name}), flush=True),
        )
    except OrchestratorError as error:
        told = {"kind": type(error).__name__, "message": error.message, "facts": error.facts}
        print(json.dumps({"error": {**told, "way_out": list(error.way_out)}}), flush=True)
    else:
        print(json.dumps({"ok": result.ok, "code": result.code}), flush=True)


if __name__ == "__main__":
    main()
