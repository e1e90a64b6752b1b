"""The provider's words made plain."""

from __future__ import annotations

import pytest

from orchestrator.drivers.diagnostics import as_error, as_event, errors_among
from orchestrator.errors import LoginEndedError

QUOTA = (
    "Error creating openstack_compute_instance_v2: Expected HTTP response code [200 202] when"
    ' accessing [POST http://cloud/servers], but got 403 instead: {"forbidden": {"code": 403,'
    ' "message": "Quota exceeded for cores: Requested 2, but already used 19 of 20 cores"}}'
)


def test_a_json_body_is_opened():
    error = as_error("apply", [{"summary": QUOTA, "address": "server"}])
    assert error.facts == {
        "server": "Error creating openstack_compute_instance_v2: Quota exceeded for cores:"
        " Requested 2, but already used 19 of 20 cores"
    }


def test_one_cause_is_told_once():
    same = [{"summary": "connection refused", "address": name} for name in "abc"]
    assert as_error("apply", same).facts == {"a": "connection refused"}


def test_plain_text_is_used_where_there_is_no_diagnostic():
    error = as_error("init", [], text="Error: flag provided\n but not defined")
    assert error.facts == {"Terraform says": "Error: flag provided but not defined"}


def test_lines_that_are_no_events_are_left_out():
    assert as_event("panic: runtime error") is None
    assert as_event('{"@level":"error","type":"diag') is None
    assert as_event('{"format_version":"1.0"}') is None
    assert as_event('{"@level":"info","type":"log"}') == {"@level": "info", "type": "log"}


def test_warnings_are_no_errors():
    events = [
        {"type": "diagnostic", "diagnostic": {"severity": "warning", "summary": "old"}},
        {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "broken"}},
        {"type": "log"},
    ]
    assert [one["summary"] for one in errors_among(events)] == ["broken"]


def test_the_code_of_an_answer_tells_its_cause_although_it_is_not_shown():
    summary = (
        "Error creating keypair: Expected HTTP response code [200] when accessing"
        ' [POST http://cloud/os-keypairs], but got 409 instead: {"conflictingRequest": {"code": 409,'
        ' "message": "Key pair orchestrator-0f3c already exists."}}'
    )
    error = as_error("apply", [{"summary": summary, "address": "keypair"}])
    assert "something that is there already" in error.message
    assert "409" not in error.facts["keypair"]


@pytest.mark.parametrize(
    ("code", "place", "words"),
    [
        (404, "POST https://keystone.eu/v3/auth/tokens", "Could not recognize Fernet token"),
        (404, "POST https://keystone.eu/v3/auth/tokens", "Failed to validate token"),
        (401, "POST https://nova.eu/v2.1/servers", "The request you have made requires it."),
    ],
)
def test_a_token_that_has_ended_is_told_from_a_thing_that_is_not_there(code, place, words):
    body = f'{{"error": {{"code": {code}, "message": "{words}"}}}}'
    said = f"Error: Expected HTTP response code [201] when accessing [{place}], but got {code} instead: {body}"
    error = as_error("apply", [{"summary": said, "address": "server"}])
    assert isinstance(error, LoginEndedError)
    assert error.facts["server"].endswith(words)


def test_a_thing_that_is_not_there_is_no_ended_login():
    said = "Expected HTTP response code [200] when accessing [GET https://glance.eu/v2/images/i], but got 404 instead"
    assert not isinstance(as_error("apply", [{"summary": said}]), LoginEndedError)
