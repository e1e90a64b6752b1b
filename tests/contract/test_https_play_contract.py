"""What the play of the extra hands to the role `https`, and what the role refuses, by Ansible itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator import paths
from orchestrator.drivers.ansible import write_variables

pytestmark = pytest.mark.contract

PROGRAM = Path(sys.executable).with_name("ansible-playbook")
PLAYBOOK = paths.TEMPLATES / "extras" / "https" / "playbook.yml"
ROLE = paths.ANSIBLE_ROLES / "https"
DEFAULTS = {
    name: given["default"]
    for name, given in yaml.safe_load((PLAYBOOK.parent / "extra.yaml").read_text())[
        "parameters"
    ].items()
}
GIVEN = {
    **DEFAULTS,
    "https": True,
    "dns_name": "sky.vm.fedcloud.eu",
    "orchestrator_page_node": "localhost",
    "orchestrator_page_port": 3000,
    "orchestrator_page_scheme": "http",
}


@pytest.fixture
def play(tmp_path: Path):
    """Run the extra's play on this machine, with a role that only tells what it was given."""
    role = tmp_path / "roles" / "https"
    for part in ("meta", "defaults", "vars"):
        shutil.copytree(ROLE / part, role / part)
    (role / "tasks").mkdir()
    tasks = {task["name"]: task for task in yaml.safe_load((ROLE / "tasks/main.yml").read_text())}
    (refusing,) = [task for name, task in tasks.items() if name.startswith("Refuse")]
    told = {
        "name": "{{ https_name }}",
        "port": "{{ https_page_port }}",
        "scheme": "{{ https_page_scheme }}",
        "lineage": "{{ _https_lineage }}",
        "asks": "{{ _https_asks }}",
    }
    telling = {
        "ansible.builtin.copy": {"content": "{{ told | to_json }}", "dest": str(tmp_path / "told")},
        "vars": {"told": told},
    }
    (role / "tasks" / "main.yml").write_text(yaml.safe_dump([refusing, telling]))
    gone = {"ansible.builtin.copy": {"content": '"removed"', "dest": str(tmp_path / "told")}}
    (role / "tasks" / "removed.yml").write_text(yaml.safe_dump([gone]))

    def run(**other: Any) -> tuple[Any, str]:
        (tmp_path / "told").unlink(missing_ok=True)
        write_variables(tmp_path / "given.yml", GIVEN | other)
        here = {
            "ansible_facts": {"os_family": "Debian", "distribution": "Debian"},
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
        }
        (tmp_path / "here.json").write_text(json.dumps(here))
        env = os.environ | {
            "ANSIBLE_HOME": str(tmp_path),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_ROLES_PATH": str(tmp_path / "roles"),
        }
        argv = [str(PROGRAM), "-i", "localhost,", "-c", "local", "-e", f"@{tmp_path}/here.json"]
        argv += ["-e", f"@{tmp_path}/given.yml"]
        done = subprocess.run(
            [*argv, str(PLAYBOOK)], env=env, capture_output=True, text=True, check=False
        )
        file = tmp_path / "told"
        return (json.loads(file.read_text()) if file.is_file() else None), done.stdout + done.stderr

    return run


def test_the_page_and_its_name_come_to_the_role(play) -> None:
    told, said = play()
    assert told, said
    assert {**told, "lineage": ""} == {
        "name": "sky.vm.fedcloud.eu",
        "port": 3000,
        "scheme": "http",
        "lineage": "",
        "asks": True,
    }
    other, said = play(https_acme="https://acme.example.org/directory")
    assert other["lineage"] != told["lineage"], said


def test_without_a_name_or_an_authority_nobody_is_asked_for_a_certificate(play) -> None:
    for other in ({"dns_name": ""}, {"https_acme": ""}):
        told, said = play(**other)
        assert told, said
        assert told["asks"] is False


def test_a_node_without_the_page_shows_none_and_switched_off_it_is_taken_away(play) -> None:
    assert play(orchestrator_page_node="another")[0] is None
    assert play(https=False)[0] == "removed"


@pytest.mark.parametrize(
    "other",
    [
        {"dns_name": "sky.eu; include /etc/passwd"},
        {"dns_name": "sky.vm.fedcloud.eu\nx"},
        {"https_acme": "https://a.example.org/' --pre-hook 'id"},
    ],
)
def test_a_value_that_would_say_more_than_itself_is_refused(play, other) -> None:
    told, said = play(**other)
    assert told is None
    assert "This role knows Debian" in said
