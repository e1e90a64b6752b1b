"""What the play of the extra hands to the role `https`, and what the role refuses, by Ansible itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from orchestrator import paths
from tests.contract.extraplay import Play, play_of

pytestmark = pytest.mark.contract

PLAYBOOK = paths.TEMPLATES / "extras" / "https" / "playbook.yml"
ROLE = paths.ANSIBLE_ROLES / "https"
DEFAULTS = {
    name: given["default"]
    for name, given in yaml.safe_load((PLAYBOOK.parent / "extra.yaml").read_text())[
        "parameters"
    ].items()
}
GIVEN = {
    **DEFAULTS,
    "https": True,
    "dns_name": "sky.vm.fedcloud.eu",
    "orchestrator_page_node": "localhost",
    "orchestrator_page_port": 3000,
    "orchestrator_page_scheme": "http",
}


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run the extra's play on this machine, with a role that only tells what it was given."""
    told = {
        "name": "{{ https_name }}",
        "port": "{{ https_page_port }}",
        "scheme": "{{ https_page_scheme }}",
        "lineage": "{{ _https_lineage }}",
        "asks": "{{ _https_asks }}",
    }
    return play_of("https", tmp_path, told=told, given=GIVEN)


def test_the_page_and_its_name_come_to_the_role(play) -> None:
    told, said = play()
    assert told, said
    assert {**told, "lineage": ""} == {
        "name": "sky.vm.fedcloud.eu",
        "port": 3000,
        "scheme": "http",
        "lineage": "",
        "asks": True,
    }
    other, said = play(https_acme="https://acme.example.org/directory")
    assert other["lineage"] != told["lineage"], said


def test_without_a_name_or_an_authority_nobody_is_asked_for_a_certificate(play) -> None:
    for other in ({"dns_name": ""}, {"https_acme": ""}):
        told, said = play(**other)
        assert told, said
        assert told["asks"] is False


def test_a_node_without_the_page_shows_none_and_switched_off_it_is_taken_away(play) -> None:
    assert play(orchestrator_page_node="another")[0] is None
    assert play(https=False)[0] == "removed"


@pytest.mark.parametrize(
    "other",
    [
        {"dns_name": "sky.eu; include /etc/passwd"},
        {"dns_name": "sky.vm.fedcloud.eu\nx"},
        {"https_acme": "https://a.example.org/' --pre-hook 'id"},
    ],
)
def test_a_value_that_would_say_more_than_itself_is_refused(play, other) -> None:
    told, said = play(**other)
    assert told is None
    assert "This role knows Debian" in said
