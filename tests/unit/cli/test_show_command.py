"""orchestrator show, and how a deployment reads everywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.cli import show
from orchestrator.deployer import Outcome
from orchestrator.lifecycle import Phase
from orchestrator.newusecase import make


def test_what_was_chosen_and_why_and_what_happened(command, sky):
    ended = command("show", sky)
    assert ended.code == 0
    for text in (
        "use case        toy 1.0",
        "site            SIM, VO vo.access.egi.eu, project p1",
        "where           egi@198.51.100.17",
        "flavor          small (2 vCPU, 4 GB, 20 GB): smallest of 2 that fit",
        "deploy     a run began",
        "ready      all checks hold",
    ):
        assert text in ended.out
    assert "failure" not in ended.out


def test_a_failure_is_shown(command, failed):
    assert "failure         the mirror is silent" in command("show", failed).out


def test_a_destroyed_deployment_can_still_be_shown(command, sky):
    command("destroy", sky)
    ended = command("show", sky)
    assert ended.code == 0
    assert "where           nowhere" in ended.out


def test_a_program_reads_the_record_with_its_events(command, sky):
    value = command("show", sky, "--json").value
    assert value["selection"]["flavor"]["name"] == "small"
    assert value["events"][0]["text"] == "a run began"


def test_a_name_that_there_is_not_is_refused(command):
    ended = command("show", "sky")
    assert ended.code == 1
    assert "orchestrator list" in ended.err


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (timedelta(days=7), "in 7 days"),
        (timedelta(days=1), "in 24 h"),
        (timedelta(hours=23), "in 23 h !"),
        (timedelta(minutes=5), "in 5 min !"),
        (timedelta(seconds=-90), "90 s ago !"),
    ],
)
def test_the_end_is_told_and_marked_when_it_is_near(deployment, clock, left, text):
    row = show.row(replace(deployment, expires_at=clock() + left), now=clock())
    assert row[5] == text


def test_what_is_destroyed_does_not_expire(deployment, clock):
    row = show.row(replace(deployment, phase=Phase.DESTROYED), now=clock())
    assert row[5] == ""


def test_a_deployment_that_is_ready_tells_what_to_open_and_when_it_ends(
    deployment, selection, node, tmp_path
):
    use_case = make("mine", tmp_path)
    ready = replace(deployment, selection=selection, nodes=(node,), phase=Phase.READY)
    outcome = Outcome(deployment=ready, changed=True, seconds=182.0, use_case=use_case)
    text = show.after_deploy(outcome)
    assert "sky is ready after 3:02." in text
    assert "open            orchestrator open sky          The page" in text
    assert "expires 30 Nov 2026, 12:00 UTC" in text
    assert "image           debian 12: only" in text
