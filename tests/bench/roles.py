"""Module calls and seconds of each role at a second run, beside the same by hand in a shell on the machine.

python -m tests.bench.roles NAME        of a deployment that is there
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from orchestrator.drivers import ansible, ssh
from orchestrator.paths import Folders
from orchestrator.workdir import Workdir

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COMMAND = str(BIN / "orchestrator")
MARK = "role times: "
NAME = "bench-roles"
USE_CASES = ("oligia",)


def measure(home: Path) -> dict[str, float]:
    """Deploy use cases with roles, run their playbooks once more, and remove them."""
    found: dict[str, float] = {}
    env = {**os.environ, "ORCHESTRATOR_HOME": str(home)}
    subprocess.run(["python3", "-m", "sandbox", "registry"], cwd=ROOT, check=True)
    for use_case in USE_CASES:
        asked = [COMMAND, "deploy", use_case, "--site", "SANDBOX", "--name", NAME]
        subprocess.run(asked, env=env, check=True, stdout=subprocess.DEVNULL)
        for role, row in role_times(work_of(NAME, env)).items():
            found |= {f"{use_case}: role {role}, {what}": value for what, value in row.items()}
        found[f"{use_case}: the same by hand, seconds"] = by_hand(NAME, use_case, env)
        subprocess.run([COMMAND, "destroy", NAME], env=env, check=True, stdout=subprocess.DEVNULL)
    return found


def work_of(name: str, env: Mapping[str, str]) -> Path:
    """Return the work folder of a deployment."""
    asked = [COMMAND, "show", name, "--json"]
    done = subprocess.run(asked, env=env, capture_output=True, text=True, check=True)
    home = env.get("ORCHESTRATOR_HOME")
    folders = Folders.under(Path(home)) if home else Folders.default()
    return folders.deployments / str(json.loads(done.stdout)["id"])


def role_times(work: Path) -> dict[str, dict[str, float]]:
    """Return calls and seconds by role, with the use case and the variables of a work folder."""
    shared = ["-oControlMaster=auto", "-oControlPersist=60s"]
    env = {
        **os.environ,
        "ANSIBLE_ROLES_PATH": str(work / "usecase" / "roles"),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback_plugins")),
        "ANSIBLE_CALLBACKS_ENABLED": "role_times",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_ARGS": shlex.join([*ssh.options(Workdir(work)), *shared]),
        **ansible.strategy(),
    }
    files = ["-i", f"{work}/ansible/inventory.json", "-e", f"@{work}/secrets/variables.json"]
    argv = [str(BIN / "ansible-playbook"), *files, str(work / "usecase" / "playbook.yml")]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not lines:
        raise SystemExit(f"{shlex.join(argv)} failed:\n{done.stdout}{done.stderr}")
    found: dict[str, dict[str, float]] = json.loads(lines[0].removeprefix(MARK))
    return found


def by_hand(name: str, use_case: str, env: Mapping[str, str]) -> float:
    """Return the seconds of a shell script that does on the machine what the roles do."""
    argv = [COMMAND, "ssh", name, "--", "sudo", "sh", "-s"]
    script = Path(__file__).with_name(f"bare_{use_case}.sh").read_text()
    start = time.monotonic()
    subprocess.run(argv, env=env, input=script, text=True, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


if __name__ == "__main__":
    for name, row in role_times(work_of(sys.argv[1], os.environ)).items():
        print(f"{name:<12} {row['calls']:>4} calls {row['seconds']:>7.1f} s")
    print(f"by hand                 {by_hand(sys.argv[1], USE_CASES[0], os.environ):>7.1f} s")
