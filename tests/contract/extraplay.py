"""An extra's play on this machine, by Ansible itself, with a role that only tells what it was given."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from orchestrator import paths
from orchestrator.drivers.ansible import write_variables

_PROGRAM = Path(sys.executable).with_name("ansible-playbook")

Play = Callable[..., tuple[Any, str]]


def play_of(
    name: str, folder: Path, *, told: Mapping[str, str], given: Mapping[str, Any], host: str = ""
) -> Play:
    """Return what runs the play of an extra: with other variables, it returns what the role was told, and the output.

    The role in place of the real one has its variables, its refusals, and nothing else of it.
    ``host`` is where the node is reached, for a play that asks for it.
    """
    real, role = paths.ANSIBLE_ROLES / name, folder / "roles" / name
    for part in ("meta", "defaults", "vars"):
        shutil.copytree(real / part, role / part)
    (role / "tasks").mkdir()
    tasks = yaml.safe_load((real / "tasks" / "main.yml").read_text())
    (refusing,) = [task for task in tasks if "ansible.builtin.assert" in task]
    telling = {
        "ansible.builtin.copy": {"content": "{{ told | to_json }}", "dest": str(folder / "told")},
        "vars": {"told": dict(told)},
    }
    (role / "tasks" / "main.yml").write_text(yaml.safe_dump([refusing, telling]))
    gone = {"ansible.builtin.copy": {"content": '"removed"', "dest": str(folder / "told")}}
    (role / "tasks" / "removed.yml").write_text(yaml.safe_dump([gone]))

    def run(**other: Any) -> tuple[Any, str]:
        file = folder / "told"
        file.unlink(missing_ok=True)
        write_variables(folder / "given.yml", {**given, **other})
        here = {
            "ansible_facts": {"os_family": "Debian", "distribution": "Debian"},
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            **({"ansible_host": host} if host else {}),
        }
        (folder / "here.json").write_text(json.dumps(here))
        env = os.environ | {
            "ANSIBLE_HOME": str(folder),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_ROLES_PATH": str(folder / "roles"),
        }
        argv = [str(_PROGRAM), "-i", "localhost,", "-c", "local", "-e", f"@{folder}/here.json"]
        argv += ["-e", f"@{folder}/given.yml"]
        playbook = paths.TEMPLATES / "extras" / name / "playbook.yml"
        done = subprocess.run(
            [*argv, str(playbook)], env=env, capture_output=True, text=True, check=False
        )
        return (json.loads(file.read_text()) if file.is_file() else None), done.stdout + done.stderr

    return run
