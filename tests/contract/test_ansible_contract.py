"""The playbooks and the driver with the real Ansible, on this machine alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from orchestrator import paths
from orchestrator.drivers.ansible import run_playbook
from orchestrator.errors import DeploymentFailedError
from orchestrator.model import DataVolume
from orchestrator.rendering import inventory
from orchestrator.workdir import Workdir
from tests.mutating import HOSTILE

pytestmark = pytest.mark.contract

BIN = Path(sys.executable).parent
USE_CASES = [
    *sorted((paths.TEMPLATES / "usecases").iterdir()),
    paths.TEMPLATES / "usecase_new",
    *sorted((paths.TEMPLATES / "extras").iterdir()),
]
ROLES = sorted(paths.ANSIBLE_ROLES.iterdir())
CANARY = "canary-4711"


@pytest.fixture
def run(tmp_path, node, monkeypatch):
    monkeypatch.setenv("OS_TOKEN", CANARY)
    workdir = Workdir(tmp_path / "d")
    workdir.create()

    def play(*tasks, nodes=(node,), **options):
        made = inventory(nodes)
        made["all"]["hosts"]["sky"] |= {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }
        playbook = tmp_path / "playbook.yml"
        plays = [{"hosts": "docker", "gather_facts": False, "tasks": list(tasks)}]
        playbook.write_text(yaml.safe_dump(plays))
        return run_playbook(
            workdir, playbook=playbook, inventory=made, env=dict(os.environ), **options
        )

    play.workdir = workdir
    return play


def command(line, **more):
    return {"name": line, "ansible.builtin.command": line, **more}


def test_tasks_are_told_and_counted(run):
    seen = []
    result = run(command("true"), command("echo x", changed_when=False), on_task=seen.append)
    assert seen == ["true", "echo x"]
    assert (result.code, result.ok, result.changed) == (0, 2, 1)


def test_one_python_on_a_node_serves_all_tasks_where_mitogen_is_installed(run, monkeypatch):
    ask = {"name": "whose", "ansible.builtin.shell": "grep -q mitogen /proc/$PPID/cmdline"}
    assert run(ask, ask).ok == 2
    monkeypatch.setattr("orchestrator.drivers.ansible.find_spec", lambda _name: None)
    with pytest.raises(DeploymentFailedError, match="configuration of the nodes failed"):
        run(ask)
    assert run(command("true")).ok == 1


def test_a_failure_names_host_task_and_words(run):
    with pytest.raises(DeploymentFailedError) as caught:
        run(command("ls /does/not/exist"))
    assert "No such file" in caught.value.facts["sky, ls /does/not/exist"]


def test_of_a_loop_the_items_that_failed_are_told(run):
    loop = {"loop": ["/", "/does/not/exist", "/nor/this"]}
    with pytest.raises(DeploymentFailedError) as caught:
        run({"name": "look", "ansible.builtin.command": "ls {{ item }}", **loop})
    told = caught.value.facts["sky, look"]
    assert told.startswith("/does/not/exist: ")
    assert "; /nor/this: " in told
    assert "No such file" in told


def test_items_that_are_secret_are_not_told(run):
    loop = {"loop": [CANARY], "no_log": True}
    with pytest.raises(DeploymentFailedError) as caught:
        run({"name": "look", "ansible.builtin.command": "ls {{ item }}", **loop})
    assert CANARY not in str(caught.value.facts)


def test_a_playbook_that_is_none_is_told(run):
    with pytest.raises(DeploymentFailedError) as caught:
        run({"name": "x", "no_such_module_anywhere": {}})
    assert "no_such_module_anywhere" in str(caught.value.facts)


def test_playbooks_run_one_after_the_other_and_count_as_one(run, tmp_path):
    after = tmp_path / "extras" / "bell" / "playbook.yml"
    after.parent.mkdir(parents=True)
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [command("echo second")]}]
    after.write_text(yaml.safe_dump(plays))
    seen = []
    result = run(command("echo first"), after=[after], on_task=seen.append)
    assert seen == ["echo first", "echo second"]
    assert (result.ok, result.changed) == (2, 2)


def test_texts_of_people_are_not_evaluated(run, tmp_path):
    out = tmp_path / "out"
    copy = {"name": "copy", "ansible.builtin.copy": {"content": "{{ text }}", "dest": str(out)}}
    text = "{{ lookup('pipe', 'id') }} ${x}\n- a: 'b'"
    run(copy | {"name": "write"}, extravars={"text": text})
    assert out.read_text() == text


TEMPLATES = (
    "{{ lookup('ansible.builtin.pipe', 'touch pwned') }}",
    "{{ query('pipe', 'touch pwned') }}",
    "{% set x = lookup('pipe', 'touch pwned') %}",
    '!unsafe \'{{ lookup("pipe", "touch pwned") }}\'',
    "!vault |\n  $ANSIBLE_VAULT;1.1;AES256",
)
# A port, a password, a yes: Ansible takes them for another type wherever it may.
ALIKE = ("8080", "0012345", "yes", "null", "~", "1e3", "0x10", "2026-01-02", "[a]", "{a: b}", "")


def test_nothing_that_people_or_a_site_tell_is_evaluated_wherever_it_stands(run, node, tmp_path):
    """In a variable, inside a list, in the inventory, as an argument, in a file, in a loop."""
    pwned = tmp_path / "pwned"
    # No argument of a program has a NUL, no file of YAML half a sign.
    written = (
        text for text in (*HOSTILE, *TEMPLATES, *ALIKE) if not {"\x00", "\ud800"} & set(text)
    )
    texts = [text.replace("touch pwned", f"touch {pwned}") for text in written]
    volumes = tuple(DataVolume(id=text, size_gb=1, made=True) for text in texts)
    out = tmp_path / "out"
    result = run(
        command("true", loop="{{ volumes }}", loop_control={"label": "{{ item.id }}"}),
        {
            "name": "write",
            "ansible.builtin.copy": {"content": "{{ given | to_json }}", "dest": str(out)},
        },
        {
            "name": "hand over",
            "ansible.builtin.command": {"argv": ["echo", "{{ item }}"]},
            "loop": "{{ given + (volumes | map(attribute='id') | list) }}",
        },
        {"name": "show", "ansible.builtin.debug": {"msg": "{{ given }} {{ text }}"}},
        nodes=[replace(node, volumes=volumes)],
        extravars={"given": texts, "text": texts[0]},
    )
    assert result.code == 0
    assert json.loads(out.read_text()) == texts
    assert not pwned.exists()


def test_nothing_of_our_environment_reaches_the_task_or_a_file(run, tmp_path):
    out = tmp_path / "environment"
    run({"name": "env", "ansible.builtin.shell": f"env > {out}"})
    assert CANARY not in out.read_text()
    leaks = [
        path
        for path in run.workdir.path.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert leaks == []


def test_a_secret_is_struck_out_of_all_that_ansible_said_and_wrote(run):
    """Tasks that were not told to be silent: one shows it, one fails with it."""
    secret = "s3cr3tcanary4711"
    show = {"name": "show", "ansible.builtin.debug": {"msg": "it is {{ password }}"}}
    fail = {
        "name": "fail",
        "ansible.builtin.shell": "echo {{ password }} >&2; exit 3  # {{ password }}",
    }
    with pytest.raises(DeploymentFailedError) as caught:
        run(show, fail, extravars={"password": secret}, secrets=(secret,))
    assert secret not in str(caught.value.facts)
    assert "***" in caught.value.facts["sky, fail"]
    found = [
        path
        for path in run.workdir.path.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]
    assert found == [run.workdir.secrets / "variables.json"]
    assert found[0].stat().st_mode & 0o077 == 0


def test_a_run_that_takes_too_long_is_ended(run):
    with pytest.raises(DeploymentFailedError):
        run(command("sleep 60"), timeout=2.0)


@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda path: path.name)
def test_the_playbook_of_a_use_case_is_sound(use_case, tmp_path):
    env = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_ROLES_PATH": str(paths.ANSIBLE_ROLES),
    }
    argv = [
        "ansible-playbook",
        "--syntax-check",
        "-i",
        "localhost,",
        str(use_case / "playbook.yml"),
    ]
    done = subprocess.run(argv, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_a_role_declares_all_its_options(role):
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    options = spec["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text())
    assert set(defaults) <= set(options)
    assert all(name.startswith(f"{role.name}_") for name in options)
    assert all(option["description"] for option in options.values())
