"""OpenSSH understands the options that every login is given, also for odd folders."""

from __future__ import annotations

import subprocess

import pytest

from orchestrator.drivers import ssh
from orchestrator.workdir import Workdir

pytestmark = pytest.mark.contract


@pytest.mark.parametrize("folder", ["plain", "a b", "50%d", "it's", "ünïcode"])
def test_openssh_reads_our_options_as_meant(tmp_path, node, folder):
    workdir = Workdir(tmp_path / folder)
    workdir.create()
    argv = ssh.ssh_argv(node, workdir=workdir)
    told = subprocess.run([argv[0], "-G", *argv[1:]], capture_output=True, text=True, check=True)
    settings = dict(line.split(" ", 1) for line in told.stdout.splitlines() if " " in line)
    assert settings["userknownhostsfile"].strip('"') == str(workdir.known_hosts)
    assert settings["identityfile"].replace("%%", "%") == str(workdir.private_key)
    assert settings["stricthostkeychecking"] in ("true", "yes")
    assert (settings["user"], settings["hostname"]) == ("egi", node.address)


def test_a_key_of_ours_is_one_that_openssh_reads(tmp_path):
    workdir = Workdir(tmp_path / "d")
    workdir.create()
    public = ssh.make_key(workdir, name="sky", env={"PATH": "/usr/bin"})
    argv = ["ssh-keygen", "-y", "-f", str(workdir.private_key)]
    read = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert read.stdout.split()[:2] == public.split()[:2]
