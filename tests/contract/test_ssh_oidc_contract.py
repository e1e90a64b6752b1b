"""What the play of the extra hands to the role, and what the role refuses, by Ansible itself."""

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
PLAYBOOK = paths.TEMPLATES / "extras" / "ssh_oidc" / "playbook.yml"
ROLE = paths.ANSIBLE_ROLES / "ssh_oidc"
URN = "urn:mace:egi.eu:group:v.egi.eu:role=vm_operator#aai.egi.eu"
GIVEN = {
    "orchestrator_vo": "v.egi.eu",
    "orchestrator_entitlement": URN,
    "orchestrator_issuer": "https://aai.egi.eu/auth/realms/egi",
    "orchestrator_authorities": "{{ PEM }}\n",
    "ssh_oidc": True,
    "ssh_oidc_role": "",
    "ssh_oidc_groups": ["docker"],
    "ssh_oidc_other_issuers": [],
}
IAM = {"url": "https://iam.example.org/", "allowed": ["/escape"], "claim": "wlcg.groups"}


@pytest.fixture
def play(tmp_path: Path):
    """Run the extra's play on this machine, with a role that only tells what it was given."""
    role = tmp_path / "roles" / "ssh_oidc"
    for part in ("meta", "defaults", "vars"):
        shutil.copytree(ROLE / part, role / part)
    (role / "tasks").mkdir()
    refusing = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())[2]
    assert "ansible.builtin.assert" in refusing
    told = {
        "issuers": "{{ ssh_oidc_issuers }}",
        "groups": "{{ _ssh_oidc_accounts.groups }}",
        "authorities": "{{ ssh_oidc_authorities }}",
        "port": "{{ ssh_oidc_port }}",
    }
    telling = {
        "ansible.builtin.copy": {"content": "{{ told | to_json }}", "dest": str(tmp_path / "told")},
        "vars": {"told": told},
    }
    (role / "tasks" / "main.yml").write_text(yaml.safe_dump([refusing, telling]))
    gone = {"ansible.builtin.copy": {"content": '"removed"', "dest": str(tmp_path / "told")}}
    (role / "tasks" / "removed.yml").write_text(yaml.safe_dump([gone]))

    def run(**other: Any) -> tuple[Any, str]:
        write_variables(tmp_path / "given.yml", GIVEN | other)
        here = {
            "ansible_facts": {"os_family": "Debian", "distribution": "Debian"},
            "ansible_become": False,
            "ansible_host": "h",
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


def test_the_site_and_the_vo_decide_who_gets_in(play):
    told, said = play()
    assert told, said
    assert told["issuers"] == [{"url": GIVEN["orchestrator_issuer"], "allowed": [URN]}]
    assert told["groups"] == ["ssh-oidc", "docker"]
    # What came from a site's file is no template.
    assert told["authorities"] == GIVEN["orchestrator_authorities"]
    assert told["port"] == 8181


def test_another_role_and_another_issuer_are_asked_for_by_parameters(play):
    told, said = play(ssh_oidc_role="member", ssh_oidc_other_issuers=[IAM])
    assert told, said
    ours, theirs = told["issuers"]
    assert ours["allowed"] == ["urn:mace:egi.eu:group:v.egi.eu:role=member#aai.egi.eu"]
    assert theirs == IAM


def test_a_vo_that_the_table_lacks_gets_the_usual_form(play):
    told, said = play(orchestrator_entitlement="")
    assert told, said
    assert told["issuers"][0]["allowed"] == [URN]


def test_switched_off_it_is_taken_away(play):
    assert play(ssh_oidc=False)[0] == "removed"


@pytest.mark.parametrize(
    "other",
    [
        {**IAM, "url": "http://iam.example.org/"},
        {**IAM, "url": "https://iam.example.org/\nauthorise_all = True"},
        {**IAM, "allowed": []},
        {**IAM, "allowed": ['/escape", "/all']},
        {**IAM, "claim": "groups\nauthorise_all = True"},
        {**IAM, "audience": "a b"},
        {**IAM, "url": GIVEN["orchestrator_issuer"]},
    ],
)
def test_a_value_that_would_say_more_than_itself_is_refused(play, other):
    told, said = play(ssh_oidc_other_issuers=[other])
    assert told is None
    assert "This role knows Debian" in said


def test_an_issuer_without_people_is_refused_by_name(play):
    told, said = play(ssh_oidc_other_issuers=[{"url": "https://iam.example.org/"}])
    assert told is None
    assert "missing required arguments: allowed" in said
