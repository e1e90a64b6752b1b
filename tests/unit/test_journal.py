"""A run is told as it goes, and kept line by line."""

import json

import pytest

from orchestrator.errors import SiteError
from orchestrator.journal import Journal


@pytest.fixture
def told():
    return []


@pytest.fixture
def journal(told):
    return Journal(told.append)


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_phase_is_told_from_start_to_end(journal, told):
    with journal.phase("plan") as log:
        log.running("asking the site")
        log.finish("11 to create", details=(("quota", "2 of 20 cores"),))
    assert [(p.state, p.text) for p in told] == [
        ("started", ""),
        ("running", "asking the site"),
        ("finished", "11 to create"),
    ]
    assert told[-1].details == (("quota", "2 of 20 cores"),)


def test_the_error_that_ends_a_phase_is_told_and_goes_on(journal, told):
    with pytest.raises(SiteError), journal.phase("apply"):
        raise SiteError("no room")
    assert (told[-1].state, told[-1].text) == ("failed", "no room")


def test_what_was_told_before_there_was_a_file_is_in_it_too(journal, tmp_path):
    journal.note("login", "as operator")
    journal.keep_in(tmp_path / "run.jsonl")
    journal.note("plan", "11 to create")
    assert [line["text"] for line in lines(tmp_path / "run.jsonl")] == [
        "as operator",
        "11 to create",
    ]


def test_every_line_is_on_disk_as_soon_as_it_is_told(journal, tmp_path):
    journal.keep_in(tmp_path / "run.jsonl")
    with journal.phase("apply"):
        assert [line["state"] for line in lines(tmp_path / "run.jsonl")] == ["started"]
