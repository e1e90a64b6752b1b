"""Real sshds in a row: what goes through a bastion of ours, and through a person's own host."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import threading
import time
from dataclasses import replace

import pytest
import yaml

from orchestrator.drivers import command, hops, hostkeys, ssh, testinfra
from orchestrator.drivers.ansible import run_playbook
from orchestrator.errors import DeploymentFailedError
from orchestrator.model import Hop, Node
from orchestrator.rendering import inventory
from orchestrator.workdir import Workdir
from tests.contract import sshd
from tests.contract.sshd import ADDRESS, USER

pytestmark = pytest.mark.contract

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
PERSON = """\
Host gate
  HostName {address}
  Port {port}
  User {user}
Host *
  IdentityFile "{folder}/id"
  IdentitiesOnly yes
  UserKnownHostsFile "{folder}/known_hosts"
  StrictHostKeyChecking yes
"""


@pytest.fixture
def workdir(tmp_path):
    made = Workdir(tmp_path / "it's 50%h of a b")
    made.create()
    ssh.make_key(made, name="sky", env=ENV)
    return made


@pytest.fixture
def start(tmp_path, sshd_program):
    """Start an sshd that lets some keys in, and end it with the test."""
    running = []

    def begin(name, *keys):
        made = sshd.running(tmp_path / name, program=sshd_program, lets_in=keys)
        running.append(made)
        return made.__enter__()

    yield begin
    for made in running:
        made.__exit__(None, None, None)


@pytest.fixture
def ours(workdir):
    return workdir.public_key.read_text()


@pytest.fixture
def behind(start, ours):
    """The machine to which nothing leads but another one."""
    return start("behind", ours)


@pytest.fixture
def bastion(start, ours):
    return start("bastion", ours)


@pytest.fixture
def person(tmp_path):
    """Somebody's own ssh: a key, and a configuration whose path is no plain word."""
    folder = tmp_path / "per son"
    folder.mkdir()
    public = sshd.make_key(folder / "id")
    return folder, public


@pytest.fixture
def gate(start, person):
    """A host of the person's, which knows their key and not the deployment's."""
    folder, public = person
    made = start("gate", public)
    (folder / "known_hosts").write_text(f"{made.known_hosts}\n")
    text = PERSON.format(address=ADDRESS, port=made.port, user=USER, folder=folder)
    (folder / "config").write_text(text)
    return made


@pytest.fixture
def node(behind, workdir):
    hostkeys.trust(workdir, [behind.known_hosts])
    place = {"address": ADDRESS, "private_ip": ADDRESS, "port": behind.port}
    return Node(name="sky-inner", user=USER, groups=("inner",), **place)


@pytest.fixture
def by_bastion(node, bastion, workdir):
    hostkeys.trust(workdir, [bastion.known_hosts])
    return replace(node, hop=Hop(host=ADDRESS, port=bastion.port, user=USER))


@pytest.fixture
def by_gate(node, gate, person):
    return replace(node, hop=Hop(host="gate", ours=False, ssh_config=str(person[0] / "config")))


@pytest.fixture(params=["by_bastion", "by_gate"])
def hidden(request):
    """A node behind each kind of hop."""
    return request.getfixturevalue(request.param)


def elsewhere(node, host):
    return replace(node, hop=replace(node.hop, host=host))


def told(node, workdir, *words):
    return command.run(ssh.ssh_argv(node, workdir=workdir, command=words), env=ENV, timeout=30)


def wait(node, workdir, seconds=0.0):
    return ssh.wait_until_ssh(
        node,
        workdir=workdir,
        env=ENV,
        deadline=time.monotonic() + seconds,
        stop=threading.Event(),
        pause=0.1,
    )


# --- the way


def test_a_command_runs_behind_our_bastion(by_bastion, workdir, bastion, behind):
    assert told(by_bastion, workdir, "echo", "here").stdout == "here\n"
    assert bastion.has_led_to(behind.port)


def test_a_command_runs_behind_a_persons_host(by_gate, workdir, gate, behind):
    assert told(by_gate, workdir, "echo", "here").stdout == "here\n"
    assert gate.has_led_to(behind.port)


def test_a_command_runs_behind_two_hosts_of_a_persons(
    by_gate, workdir, gate, start, person, behind
):
    folder, public = person
    second = start("second", public)
    with (folder / "known_hosts").open("a") as known:
        known.write(f"{second.known_hosts}\n")
    node = elsewhere(by_gate, f"gate,{USER}@{ADDRESS}:{second.port}")
    assert told(node, workdir, "echo", "here").stdout == "here\n"
    assert gate.has_led_to(second.port)
    assert second.has_led_to(behind.port)


def test_a_machine_behind_a_hop_is_waited_for(hidden, workdir):
    assert wait(hidden, workdir)


def test_open_ports_behind_a_hop_are_told_from_closed_ones(hidden, workdir, behind, monkeypatch):
    monkeypatch.setattr(hops, "_PATIENCE", 3)
    with socket.create_server((ADDRESS, 0)) as keeps_the_connection:
        port = keeps_the_connection.getsockname()[1]
        tried = [behind.port, port, 1, 2]
        found = hops.answering_ports(hidden, tried, workdir=workdir, env=ENV)
    assert found == {behind.port, port}


def test_ports_are_told_over_a_connection_that_the_person_shares(
    by_gate, workdir, behind, person, tmp_path
):
    config = person[0] / "config"
    shared = tmp_path / "s"
    config.write_text(f"{config.read_text()}  ControlPath {shared}\n  ControlPersist yes\n")
    argv = ["ssh", "-F", str(config)]
    subprocess.run([*argv, "-fNM", "gate"], check=True, stdin=-3, stdout=-3, stderr=-3)
    try:
        found = hops.answering_ports(by_gate, [behind.port, 1], workdir=workdir, env=ENV)
    finally:
        subprocess.run([*argv, "-O", "exit", "gate"], check=True, capture_output=True)
    assert found == {behind.port}


def test_no_connection_of_ours_is_left_in_the_persons_name(by_gate, workdir, person, tmp_path):
    config = person[0] / "config"
    shared = tmp_path / "s"
    more = f"  ControlMaster auto\n  ControlPersist yes\n  ControlPath {shared}\n"
    config.write_text(config.read_text() + more)
    assert told(by_gate, workdir, "true").code == 0
    assert not shared.exists()


# --- whom we trust


def test_the_host_key_behind_a_hop_is_learnt(hidden, workdir, behind):
    workdir.known_hosts.write_text(
        "".join(
            f"{line}\n"
            for line in workdir.known_hosts.read_text().splitlines()
            if line != behind.known_hosts
        )
    )
    assert not hostkeys.is_trusted(workdir, hidden)
    hostkeys.trust(workdir, hostkeys.scan(hidden, workdir=workdir, env=ENV))
    assert behind.known_hosts in workdir.known_hosts.read_text().splitlines()
    assert told(hidden, workdir, "true").code == 0


def test_another_key_of_the_node_is_refused_by_its_name(hidden, workdir, behind, start):
    other = start("other")
    hostkeys.trust(workdir, [other.known_hosts.replace(str(other.port), str(behind.port))])
    with pytest.raises(DeploymentFailedError, match="^sky-inner shows another host key"):
        wait(hidden, workdir, seconds=30.0)


def test_another_key_of_the_bastion_is_not_taken_for_one_of_the_node(
    by_bastion, workdir, bastion, behind
):
    hostkeys.trust(workdir, [behind.known_hosts.replace(str(behind.port), str(bastion.port))])
    with pytest.raises(DeploymentFailedError, match="through which sky-inner is reached") as caught:
        wait(by_bastion, workdir, seconds=30.0)
    assert caught.value.facts["address"] == f"[{ADDRESS}]:{bastion.port}"


# --- what goes wrong


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("no-such-host.invalid", "Could not resolve hostname no-such-host.invalid"),
        (f"{ADDRESS}:1", f"connect to host {ADDRESS} port 1: Connection refused"),
        ("[::1]:1", "connect to host ::1 port 1:"),
    ],
)
def test_a_wrong_jump_host_is_told_at_once(by_gate, workdir, host, said):
    node = elsewhere(by_gate, host)
    for ask in (
        lambda: wait(node, workdir, seconds=20.0),
        lambda: hops.answering_ports(node, [22], workdir=workdir, env=ENV),
        lambda: hostkeys.scan(node, workdir=workdir, env=ENV),
    ):
        with pytest.raises(DeploymentFailedError, match="there is no way to sky-inner") as caught:
            ask()
        assert said in caught.value.facts["ssh says"]


def test_a_jump_host_that_is_not_known_is_told_with_what_to_try(by_gate, workdir, person):
    (person[0] / "known_hosts").write_text("")
    with pytest.raises(DeploymentFailedError, match="through gate") as caught:
        wait(by_gate, workdir, seconds=20.0)
    assert caught.value.facts == {"ssh says": "Host key verification failed."}
    _, _, line = caught.value.way_out[0].partition(": ")
    assert shlex.split(line) == ["ssh", "-F", str(person[0] / "config"), "--", "gate"]


def test_a_jump_host_that_does_not_take_the_key_is_told(by_gate, workdir, tmp_path):
    (tmp_path / "gate" / "authorized_keys").write_text("")
    with pytest.raises(DeploymentFailedError, match="cannot log in there") as caught:
        wait(by_gate, workdir, seconds=20.0)
    assert "Permission denied" in caught.value.facts["ssh says"]


def test_a_node_that_does_not_take_the_key_yet_is_waited_for(by_gate, workdir, tmp_path):
    (tmp_path / "behind" / "authorized_keys").write_text("")
    with pytest.raises(DeploymentFailedError, match="sky-inner is not ready in time") as caught:
        wait(by_gate, workdir, seconds=1.0)
    assert f"{USER}@{ADDRESS}: Permission denied" in caught.value.facts["ssh says"]


def test_a_bastion_that_is_not_up_yet_is_waited_for(by_bastion, workdir):
    node = replace(by_bastion, hop=replace(by_bastion.hop, port=1))
    with pytest.raises(DeploymentFailedError, match="not ready in time") as caught:
        wait(node, workdir, seconds=1.0)
    assert "port 1: Connection refused" in caught.value.facts["ssh says"]
    assert hops.answering_ports(node, [22], workdir=workdir, env=ENV) == set()


def test_a_jump_host_that_says_nothing_ends_in_its_time(by_gate, workdir):
    with socket.create_server((ADDRESS, 0)) as silent:
        node = elsewhere(by_gate, f"{ADDRESS}:{silent.getsockname()[1]}")
        with pytest.raises(DeploymentFailedError) as caught:
            wait(node, workdir)
    assert caught.value.facts["through"] == node.hop.host
    assert "timed out" in caught.value.facts["ssh says"]


@pytest.mark.parametrize("closed", ["gate", "behind"])
def test_nobody_is_asked_for_a_password(by_gate, workdir, tmp_path, closed):
    asked = tmp_path / "asked"
    program = tmp_path / "ask"
    program.write_text(f"#!/bin/sh\necho \"$@\" >>'{asked}'\necho secret\n")
    program.chmod(0o755)
    (tmp_path / closed / "authorized_keys").write_text("")
    # Twice through it, for the first host of a row is one that ssh itself would ask.
    node = elsewhere(by_gate, "gate,gate")
    env = {**os.environ, "SSH_ASKPASS": str(program), "SSH_ASKPASS_REQUIRE": "force"}
    argv = ssh.ssh_argv(node, workdir=workdir, command=["true"])
    assert subprocess.run(argv, env=env, capture_output=True, timeout=30).returncode == 255
    assert not asked.exists()


def test_no_secret_is_on_a_command_line(hidden, workdir, person):
    private = workdir.private_key.read_text() + (person[0] / "id").read_text()
    lines = [line for line in private.splitlines() if line and not line.startswith("-----")]
    words = " ".join(ssh.ssh_argv(hidden, workdir=workdir))
    assert not [line for line in lines if line in words]


# --- what works on nodes


def test_a_node_behind_a_hop_is_looked_into(hidden, workdir, behind):
    with testinfra.connect(hidden, workdir=workdir, env=ENV) as machine:
        assert machine.run(["echo", "a b", "50%"]).stdout == "a b 50%\n"
        assert machine.file_mode("/etc/passwd") == 0o644
        assert machine.answering_ports([behind.port, 1]) == {behind.port}


def test_ansible_reaches_a_node_behind_a_hop(hidden, workdir, tmp_path):
    playbook = tmp_path / "playbook.yml"
    tasks = [{"name": "Answer", "ansible.builtin.ping": {}}]
    plays = [{"hosts": "inner", "gather_facts": False, "tasks": tasks}]
    playbook.write_text(yaml.safe_dump(plays))
    made = inventory(
        [hidden], ssh_arguments=lambda one: shlex.join(ssh.proxy_options(one, workdir))
    )
    result = run_playbook(workdir, playbook=playbook, inventory=made, env=ENV, timeout=60.0)
    assert (result.code, result.ok) == (0, 1)
