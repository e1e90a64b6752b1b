"""orchestrator logs"""

from __future__ import annotations

import pytest


@pytest.fixture
def last_run(world):
    """The file of the newest run."""
    return lambda: sorted(world.folders.deployments.glob("*/runs/*-run-*.jsonl"))[-1]


def test_the_last_run_is_shown_line_by_line(command, failed):
    ended = command("logs", failed)
    assert ended.code == 0
    assert ended.out.splitlines()[-1].endswith("configure  failed    the mirror is silent")
    assert "smallest of 2 that fit" in ended.out


def test_one_phase_can_be_asked_for(command, failed):
    lines = command("logs", failed, "--phase", "configure", "--json").values
    assert {line["phase"] for line in lines} == {"configure"}
    assert [line["state"] for line in lines] == ["started", "running", "failed"]


def test_only_the_last_run_unless_all_are_asked_for(command, failed):
    command("deploy", "toy", "--site", "SIM", "--name", failed)
    assert "the mirror is silent" not in command("logs", failed).out
    assert "the mirror is silent" in command("logs", failed, "--all").out


def test_terraforms_own_events_are_in_it_with_their_ids(command, sky):
    made = [
        line
        for line in command("logs", sky, "--phase", "apply", "--json").values
        if line["state"] == "apply_complete"
    ]
    assert [line["details"] for line in made][1] == [["id", "server-sky-toy"]]


def test_half_a_line_of_a_killed_run_is_shown_as_it_is(command, sky, last_run):
    with last_run().open("a") as file:
        file.write('{"at": "2026-11-23T12:00:00", "pha')
    assert command("logs", sky).out.splitlines()[-1].endswith('{"at": "2026-11-23T12:00:00", "pha')
    assert command("logs", sky, "--json").values[-1]["phase"] == "?"


def test_what_is_destroyed_has_no_logs_and_that_is_said(command, sky):
    command("destroy", sky)
    ended = command("logs", sky)
    assert (ended.code, ended.out) == (0, "")
    assert "sky has no logs here" in ended.err
