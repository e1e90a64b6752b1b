"""orchestrator ssh"""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def started(monkeypatch):
    """What would have taken our place, by its command line."""
    lines = []

    def take_our_place(program, argv):
        assert program == argv[0]
        lines.append(list(argv))

    monkeypatch.setattr(os, "execvp", take_our_place)
    return lines


def test_a_person_logs_in_with_the_deployments_own_key_and_host_keys(command, sky, started, world):
    assert command("ssh", sky).code == 0
    (argv,) = started
    (folder,) = world.folders.deployments.iterdir()
    assert argv[:3] == ["ssh", "-F", "/dev/null"]
    assert argv[-6:] == ["-p", "22", "-l", "egi", "--", "198.51.100.17"]
    assert any(f"{folder}/ssh/id_ed25519" in word for word in argv)
    assert any(f"{folder}/ssh/known_hosts" in word for word in argv)
    assert "-oStrictHostKeyChecking=yes" in argv


def test_a_command_is_handed_over_as_it_is(command, sky, started):
    command("ssh", sky, "--", "ls", "-la", "--color=never", "a b")
    assert started[0][-5:] == ["198.51.100.17", "ls", "-la", "--color=never", "a b"]


def test_the_command_line_carries_no_secret(command, sky, started, world, monkeypatch):
    token = world.token(sub="canary")
    monkeypatch.setenv("ORCHESTRATOR_ACCESS_TOKEN", token)
    command("ssh", sky)
    line = " ".join(started[0])
    (folder,) = world.folders.deployments.iterdir()
    assert token not in line
    assert (folder / "ssh" / "id_ed25519").read_text().split()[1] not in line.split()


def test_a_node_is_chosen_by_its_name(command, sky, started):
    assert command("ssh", sky, "--node", "sky-toy").code == 0
    ended = command("ssh", sky, "--node", "sky-ball")
    assert ended.code == 1
    assert "sky has no node sky-ball" in ended.err
    assert "nodes    sky-toy" in ended.err
    assert len(started) == 1


def test_what_has_no_node_yet_says_how_far_it_is(command, started):
    command("plan", "toy", "--site", "SIM", "--name", "sky")
    ended = command("ssh", "sky")
    assert ended.code == 1
    assert "sky has no node yet" in ended.err
    assert "phase    planned" in ended.err
    assert started == []


def test_what_is_destroyed_cannot_be_entered(command, sky, started):
    command("destroy", sky)
    assert command("ssh", sky).code == 1
    assert started == []


def test_without_an_ssh_it_says_what_to_install(command, sky, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = command("ssh", sky)
    assert ended.code == 1
    assert "openssh-client" in ended.err
