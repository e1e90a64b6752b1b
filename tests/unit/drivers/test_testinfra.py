"""Questions to a node are asked again when ssh failed, and given up with the node's name."""

from __future__ import annotations

import shlex
import socket
from dataclasses import replace
from types import SimpleNamespace

import pytest

from orchestrator.drivers import ports, ssh
from orchestrator.drivers.testinfra import Machine, connect
from orchestrator.errors import DeploymentFailedError
from orchestrator.model import Hop
from orchestrator.workdir import Workdir


class Host:
    """A testinfra host of which the first answers fail."""

    def __init__(self, failures):
        self.failures = failures
        self.commands = []

    def run(self, command):
        self.commands.append(command)
        if len(self.commands) <= self.failures:
            raise RuntimeError("Unexpected error: ssh 255")
        return SimpleNamespace(rc=0, stdout="out", stderr="")


def seen(node, host, folder):
    return Machine(node, host, workdir=Workdir(folder), env={}, socket=folder / "socket")


def test_a_broken_connection_is_tried_again(node, tmp_path):
    host = Host(failures=2)
    assert seen(node, host, tmp_path).run(["echo", "a b", "100%"]).stdout == "out"
    assert host.commands[-1] == "echo 'a b' 100%"


def test_a_node_that_went_away_is_named(node, tmp_path):
    with pytest.raises(DeploymentFailedError, match="sky cannot be looked into"):
        seen(node, Host(failures=9), tmp_path).run(["true"])


def test_a_connection_is_made_of_our_own_options(node, workdir):
    with connect(node, workdir=workdir, env={}) as machine:
        line, words = machine._host.backend._build_ssh_command("true")
    assert str(workdir.known_hosts) in " ".join(line)
    assert node.address in words


def test_a_connection_goes_through_what_leads_to_the_node(node, workdir):
    hidden = replace(node, hop=Hop(host="gate", ours=False))
    with connect(hidden, workdir=workdir, env={}) as machine:
        line, _ = machine._host.backend._build_ssh_command("true")
    (option,) = ssh.proxy_options(hidden, workdir)
    # Each % is doubled: testinfra puts the rest in by %.
    assert shlex.quote(option).replace("%", "%%") in " ".join(line)


def test_a_machine_is_asked_for_its_ports_from_outside(node, tmp_path, monkeypatch):
    asked = []

    def outside(of, tried, *, workdir, env):
        asked.append((of, tried))
        return {22}

    monkeypatch.setattr("orchestrator.drivers.testinfra.answering_ports", outside)
    assert seen(node, Host(failures=0), tmp_path).answering_ports([22, 80]) == {22}
    assert asked == [(node, [22, 80])]


def test_open_ports_are_told_from_closed_ones(enable_local):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ports.answering_ports("127.0.0.1", [port, 1], timeout=1.0) == {port}


@pytest.fixture
def enable_local():
    from pytest_socket import enable_socket

    enable_socket()
