"""Which ports answer behind a hop: told by ssh's own words, and never guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.drivers import command, hops
from orchestrator.errors import DeploymentFailedError
from orchestrator.model import Hop

BASTION = Hop(host="198.51.100.18", user="egi", port=22)
GATE = Hop(host="gate", ours=False)
OPEN = "debug2: channel 0: open confirm rwindow 2097152 rmax 32768\n"
CLOSED = "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n"
FORBIDDEN = "channel 0: open failed: administratively prohibited: open failed\n"


@pytest.fixture
def answering(monkeypatch, workdir, node):
    """Ask for ports through a hop that says something of each one."""

    def ask(hop, words):
        def say(argv, *, env, timeout):
            port = int(argv[argv.index("-W") + 1].rpartition(":")[2])
            said = words[port]
            if isinstance(said, Exception):
                raise said
            return command.Answer(code=255, stdout="", stderr=said)

        monkeypatch.setattr(hops.command, "run", say)
        behind = replace(node, hop=hop)
        return hops.answering_ports(behind, list(words), workdir=workdir, env={})

    return ask


@pytest.mark.parametrize("hop", [BASTION, GATE], ids=["ours", "a person's"])
def test_open_ports_are_told_from_closed_and_forbidden_ones(answering, hop):
    assert answering(hop, {22: OPEN, 80: CLOSED, 443: FORBIDDEN, 8080: ""}) == {22}


def test_a_port_that_keeps_the_connection_is_open_and_a_silent_one_is_not(answering):
    kept = command.CommandTimeoutError("ssh did not answer", stderr=OPEN)
    assert answering(BASTION, {80: kept, 81: command.CommandTimeoutError("no answer")}) == {80}


def test_a_connection_that_the_person_shares_tells_in_its_own_words(answering):
    said = "debug1: mux_client_request_stdio_fwd: master session id: 2\n"
    refused = "mux_client_request_stdio_fwd: Stdio forwarding request failed\n"
    assert answering(GATE, {22: said, 80: refused}) == {22}


def test_behind_a_host_that_lets_nobody_through_nothing_is_called_closed(answering):
    refused = "ada@gate: Permission denied (publickey).\n"
    with pytest.raises(DeploymentFailedError, match="no way to sky through gate"):
        answering(GATE, {22: refused})


def test_a_bastion_of_ours_that_does_not_answer_yet_is_a_closed_port(answering):
    assert (
        answering(BASTION, {22: "ssh: connect to host 198.51.100.18 port 22: timed out"}) == set()
    )


def test_a_node_that_is_reached_straight_is_asked_straight(monkeypatch, workdir, node):
    monkeypatch.setattr(hops.ports, "answering_ports", lambda address, tried: {address, *tried})
    found = hops.answering_ports(node, [22], workdir=workdir, env={})
    assert found == {node.address, 22}
