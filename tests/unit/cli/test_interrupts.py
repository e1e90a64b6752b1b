"""Ctrl-C: the first asks, the second ends."""

from __future__ import annotations

import os
import signal

import pytest

from orchestrator.cli.interrupts import safe_stop
from orchestrator.lifecycle import Phase


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_for_a_stop_and_says_so(number, capsys):
    with safe_stop() as stop:
        assert not stop.is_set()
        send(number)
        assert stop.is_set()
    assert "stopping at the next safe point" in capsys.readouterr().err


def test_the_second_ctrl_c_ends_at_once():
    with safe_stop():
        send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_a_second_sigterm_does_not_end_a_run_that_is_stopping():
    with safe_stop() as stop:
        send(signal.SIGTERM)
        send(signal.SIGTERM)
        assert stop.is_set()


def test_signals_are_as_before_afterwards():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ValueError, match="boom"), safe_stop():
        raise ValueError("boom")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_ctrl_c_while_configuring_keeps_the_machine_and_ends_with_130(command, world, store):
    world.during_playbook = lambda: send(signal.SIGINT)
    ended = command("deploy", "toy", "--site", "SIM", "--name", "sky")
    assert ended.code == 130
    assert "make deploy SITE=SIM USECASE=toy VO=vo.access.egi.eu NAME=sky" in ended.err
    assert command("show", "sky", "--json").value["phase"] == Phase.CONFIGURING
    assert world.kinds == ["floating_ip", "keypair", "server"]
