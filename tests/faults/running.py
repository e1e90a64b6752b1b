"""One verb on one deployment, as the command does it but for what would run on the machines.

`python -m tests.faults.running VERB HOME NAME VO [KEY=VALUE ...]`: the machines of a trial have no system, so they
are not reached, configured or checked; everything up to there is the real thing.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from orchestrator import ending
from orchestrator.cli import failures
from orchestrator.configuring import Configuration
from orchestrator.deployer import Deployer
from orchestrator.errors import OrchestratorError
from orchestrator.model import Progress, Request
from orchestrator.paths import Folders
from orchestrator.settings import Settings
from orchestrator.store import Store
from tests.faults import planted

OWNER = "local:trial"


def main(verb: str, home: str, name: str, vo: str, *fixed: str) -> int:
    """Run the verb and print one JSON line per step; return the exit code."""
    planted.plant(os.environ.get("PLANTED", ""), Path(home))
    _leave_machines_alone()
    folders = Folders.under(Path(home))
    try:
        deployer = Deployer(
            folders=folders,
            settings=Settings.read(folders.config),
            store=Store.in_folder(folders.data),
            environment={key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            owner=OWNER,
            on_progress=_tell,
        )
        overrides = dict(one.split("=", 1) for one in fixed)
        request = Request(use_case="blank", site="SANDBOX", vo=vo, name=name, overrides=overrides)
        outcome = _VERBS[verb](deployer, request)
    except OrchestratorError as error:
        print(json.dumps({"event": "error", **failures.as_value(error)}), flush=True)
        return error.exit_code
    print(json.dumps({"event": "result", "changed": getattr(outcome, "changed", None)}))
    return 0


_VERBS: dict[str, Any] = {
    "plan": lambda deployer, request: deployer.plan(request),
    "apply": lambda deployer, request: deployer.apply(request.name),
    "deploy": lambda deployer, request: deployer.deploy(request),
    "recover": lambda deployer, request: deployer.recover(request.name),
    "destroy": lambda deployer, request: deployer.destroy(request.name),
}


def _tell(step: Progress) -> None:
    print(json.dumps({"phase": step.phase, "state": step.state, "text": step.text}), flush=True)


def _leave_machines_alone() -> None:
    def nothing(*_args: Any, **_known: Any) -> None:
        """Do nothing on machines that have no system."""

    for part in ("reach", "run_playbook", "verify", "require_answer", "learn_host_keys"):
        setattr(Configuration, part, nothing)
    ending.settle = lambda *_args, **_known: ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
