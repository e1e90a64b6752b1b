"""orchestrator status"""

from __future__ import annotations

import socket

import pytest


@pytest.fixture(autouse=True)
def network(world, monkeypatch):
    """Let the simulated machines answer, and nobody else."""

    class Connection:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def connect(place, *, timeout):
        assert place == ("198.51.100.17", 22)
        if not world.servers["sky-toy"].answers:
            raise ConnectionRefusedError
        return Connection()

    monkeypatch.setattr(socket, "create_connection", connect)


def test_what_is_ready_and_answers_is_exit_code_0(command, sky):
    ended = command("status", sky)
    assert ended.code == 0
    assert "  sky-toy: SSH answers\n" in ended.out


def test_what_does_not_answer_is_exit_code_6(command, sky, world):
    world.servers["sky-toy"].answers = False
    ended = command("status", sky)
    assert ended.code == 6
    assert "SSH does not answer" in ended.out


def test_what_failed_is_exit_code_6_with_the_failure(command, failed):
    ended = command("status", failed)
    assert ended.code == 6
    assert "the last run failed: the mirror is silent" in ended.out


def test_what_is_only_planned_is_not_ready(command):
    command("plan", "toy", "--site", "SIM", "--name", "sky")
    assert command("status", "sky").code == 6


def test_what_is_destroyed_is_well(command, sky):
    command("destroy", sky)
    assert command("status", sky).code == 0


def test_a_program_reads_which_nodes_answer(command, sky, world):
    world.servers["sky-toy"].answers = False
    ended = command("status", sky, "--json")
    assert (ended.code, ended.value["answers"]) == (6, {"sky-toy": False})
