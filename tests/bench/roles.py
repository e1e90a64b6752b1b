"""python -m tests.bench.roles NAME: module calls and seconds of each role of a deployment's playbook.

Runs the playbook once more on the machines of a deployment that is ready: what a second run
costs is what the roles cost beside the programs that they start.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from orchestrator import paths
from orchestrator.drivers import ssh
from orchestrator.paths import Folders
from orchestrator.workdir import Workdir

BIN = Path(sys.executable).parent
MARK = "role times: "


def role_times(work: Path, playbook: Path) -> dict[str, dict[str, float]]:
    """Return calls and seconds by role, with the inventory and variables of a work folder."""
    shared = ["-oControlMaster=auto", "-oControlPersist=60s"]
    env = {
        **os.environ,
        "ANSIBLE_ROLES_PATH": str(paths.ANSIBLE_ROLES),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback_plugins")),
        "ANSIBLE_CALLBACKS_ENABLED": "role_times",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_ARGS": shlex.join([*ssh.options(Workdir(work)), *shared]),
    }
    files = ["-i", f"{work}/ansible/inventory.json", "-e", f"@{work}/secrets/variables.yaml"]
    argv = [str(BIN / "ansible-playbook"), *files, str(playbook)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not lines:
        raise SystemExit(f"{shlex.join(argv)} failed:\n{done.stdout}{done.stderr}")
    found: dict[str, dict[str, float]] = json.loads(lines[0].removeprefix(MARK))
    return found


def main(name: str, use_case: str) -> None:
    """Print a table."""
    folder = (
        Path(os.environ.get("ORCHESTRATOR_HOME", "")) if "ORCHESTRATOR_HOME" in os.environ else None
    )
    folders = Folders.under(folder) if folder else Folders.default()
    show = [str(BIN / "orchestrator"), "show", name, "--json"]
    known = json.loads(subprocess.run(show, capture_output=True, text=True, check=True).stdout)
    playbook = paths.TEMPLATES / "usecases" / use_case / "playbook.yml"
    for role, row in role_times(folders.deployments / known["id"], playbook).items():
        print(f"{role:<12} {row['calls']:>4} calls {row['seconds']:>7.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
