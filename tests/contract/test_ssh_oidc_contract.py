"""What the play of the extra hands to the role, and what the role refuses, by Ansible itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import paths
from tests.contract.extraplay import Play, play_of

pytestmark = pytest.mark.contract

PLAYBOOK = paths.TEMPLATES / "extras" / "ssh_oidc" / "playbook.yml"
ROLE = paths.ANSIBLE_ROLES / "ssh_oidc"
URN = "urn:mace:egi.eu:group:v.egi.eu:role=vm_operator#aai.egi.eu"
GIVEN = {
    "orchestrator_vo": "v.egi.eu",
    "orchestrator_entitlement": URN,
    "orchestrator_issuer": "https://aai.egi.eu/auth/realms/egi",
    "orchestrator_authorities": "{{ PEM }}\n",
    "ssh_oidc": True,
    "ssh_oidc_role": "",
    "ssh_oidc_groups": ["docker"],
    "ssh_oidc_other_issuers": [],
}
IAM = {"url": "https://iam.example.org/", "allowed": ["/escape"], "claim": "wlcg.groups"}


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run the extra's play on this machine, with a role that only tells what it was given."""
    told = {
        "issuers": "{{ ssh_oidc_issuers }}",
        "groups": "{{ _ssh_oidc_accounts.groups }}",
        "authorities": "{{ ssh_oidc_authorities }}",
        "port": "{{ ssh_oidc_port }}",
    }
    return play_of("ssh_oidc", tmp_path, told=told, given=GIVEN, host="h")


def test_the_site_and_the_vo_decide_who_gets_in(play):
    told, said = play()
    assert told, said
    assert told["issuers"] == [{"url": GIVEN["orchestrator_issuer"], "allowed": [URN]}]
    assert told["groups"] == ["ssh-oidc", "docker"]
    # What came from a site's file is no template.
    assert told["authorities"] == GIVEN["orchestrator_authorities"]
    assert told["port"] == 8181


def test_another_role_and_another_issuer_are_asked_for_by_parameters(play):
    told, said = play(ssh_oidc_role="member", ssh_oidc_other_issuers=[IAM])
    assert told, said
    ours, theirs = told["issuers"]
    assert ours["allowed"] == ["urn:mace:egi.eu:group:v.egi.eu:role=member#aai.egi.eu"]
    assert theirs == IAM


def test_a_vo_that_the_table_lacks_gets_the_usual_form(play):
    told, said = play(orchestrator_entitlement="")
    assert told, said
    assert told["issuers"][0]["allowed"] == [URN]


def test_switched_off_it_is_taken_away(play):
    assert play(ssh_oidc=False)[0] == "removed"


@pytest.mark.parametrize(
    "other",
    [
        {**IAM, "url": "http://iam.example.org/"},
        {**IAM, "url": "https://iam.example.org/\nauthorise_all = True"},
        {**IAM, "allowed": []},
        {**IAM, "allowed": ['/escape", "/all']},
        {**IAM, "claim": "groups\nauthorise_all = True"},
        {**IAM, "audience": "a b"},
        {**IAM, "url": GIVEN["orchestrator_issuer"]},
    ],
)
def test_a_value_that_would_say_more_than_itself_is_refused(play, other):
    told, said = play(ssh_oidc_other_issuers=[other])
    assert told is None
    assert "This role knows Debian" in said


def test_an_issuer_without_people_is_refused_by_name(play):
    told, said = play(ssh_oidc_other_issuers=[{"url": "https://iam.example.org/"}])
    assert told is None
    assert "missing required arguments: allowed" in said
