"""What goes wrong on a node, in the words of the real Ansible, apt and kernel: told by its cause."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from orchestrator.drivers.ansible import run_playbook
from orchestrator.errors import DeploymentFailedError
from orchestrator.rendering import inventory

pytestmark = pytest.mark.contract

# In a view of its own, in which dpkg's folder is another one: this machine's lock stays free.
LOCKED = """\
unshare --mount sh -ec '
  mount --bind {folder} /var/lib/dpkg
  touch /var/lib/dpkg/status
  exec python3 -c "
import fcntl, subprocess, sys
held = open(\\"/var/lib/dpkg/lock-frontend\\", \\"w\\")
fcntl.lockf(held, fcntl.LOCK_EX)
sys.exit(subprocess.run([\\"apt-get\\", \\"--yes\\", \\"install\\"]).returncode)"'
"""
TASKS = {
    "another program on the node is installing packages": {"ansible.builtin.shell": LOCKED},
    "the disk of the node is full": {
        "ansible.builtin.copy": {"content": "x" * 200_000, "dest": "{folder}/file"}
    },
    "a place from which the node gets its packages or files does not answer": {
        # Nothing listens on the first port of all.
        "ansible.builtin.get_url": {"url": "http://127.0.0.1:1/f", "dest": "{folder}/file"}
    },
    "the node cannot look up names": {
        # A name that by its standard never leads anywhere.
        "ansible.builtin.get_url": {"url": "http://mirror.invalid/f", "dest": "{folder}/file"}
    },
}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder that holds next to nothing; there before the node is, which has mounts of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("told", TASKS)
def test_a_trouble_is_told_by_its_cause_and_what_comes_next(small, on_node, tmp_path, told):
    task = yaml.safe_dump([{"name": "the task", **TASKS[told]}]).replace("{folder}", str(small))
    play = [{"hosts": "toy", "gather_facts": False, "tasks": yaml.safe_load(task)}]
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(yaml.safe_dump(play))
    with pytest.raises(DeploymentFailedError, match=told) as failed:
        run_playbook(
            on_node.workdir,
            playbook=playbook,
            inventory=inventory([on_node.node]),
            env=os.environ,
        )
    assert failed.value.facts["sky-toy, the task"]
    assert failed.value.way_out
