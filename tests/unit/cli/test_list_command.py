"""orchestrator list"""

from __future__ import annotations


def test_nobody_with_nothing_is_left_without_a_next_step(command):
    ended = command("list")
    assert ended.code == 0
    assert "make deploy" in ended.out


def test_each_deployment_is_a_line_with_phase_and_address(command, sky):
    headings, line = command("list").out.splitlines()
    assert headings.split() == ["NAME", "USE", "CASE", "SITE", "PHASE", "SINCE", "EXPIRES", "WHERE"]
    assert line.split()[:4] == ["sky", "toy", "SIM", "ready"]
    assert line.endswith("198.51.100.17")


def test_one_that_failed_is_marked(command, failed):
    assert " configuring ! " in command("list").out


def test_destroyed_ones_are_listed_when_asked_for(command, sky):
    command("destroy", sky)
    assert "sky" not in command("list").out
    assert "destroyed" in command("list", "--all").out


def test_a_program_reads_a_list_of_records(command, sky):
    (record,) = command("list", "--json").value
    assert (record["name"], record["phase"]) == ("sky", "ready")


def test_a_program_reads_an_empty_list(command):
    assert command("list", "--json").value == []


def test_another_person_has_another_list(command, sky, monkeypatch):
    monkeypatch.setenv("LOGNAME", "eve")
    assert command("list", "--json").value == []
