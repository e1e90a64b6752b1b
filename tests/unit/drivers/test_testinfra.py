"""Questions to a node are asked again when ssh failed, and given up with the node's name."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest

from orchestrator.drivers import ports
from orchestrator.drivers.testinfra import Machine, connect
from orchestrator.errors import DeploymentFailedError


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


def test_a_broken_connection_is_tried_again(node):
    host = Host(failures=2)
    assert Machine(node, host).run(["echo", "a b", "100%"]).stdout == "out"
    assert host.commands[-1] == "echo 'a b' 100%"


def test_a_node_that_went_away_is_named(node):
    with pytest.raises(DeploymentFailedError, match="sky cannot be looked into"):
        Machine(node, Host(failures=9)).run(["true"])


def test_a_connection_is_made_of_our_own_options(node, workdir):
    with connect(node, workdir=workdir, env={}) as machine:
        line, words = machine._host.backend._build_ssh_command("true")
    assert str(workdir.known_hosts) in " ".join(line)
    assert node.address in words


def test_open_ports_are_told_from_closed_ones(enable_local):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ports.answering_ports("127.0.0.1", [port, 1], timeout=1.0) == {port}


@pytest.fixture
def enable_local():
    from pytest_socket import enable_socket

    enable_socket()
