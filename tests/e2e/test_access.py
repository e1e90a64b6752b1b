"""Who gets a project, asked at the sandbox and at sites that are broken in three ways."""

from __future__ import annotations

import json
import shutil

import pytest

from orchestrator.paths import SANDBOX
from tests.e2e.people import Person, token_of

pytestmark = pytest.mark.e2e

BAD = SANDBOX / "bad-sites"


def answers(person: Person, account: str, *, code: int, vo: str = "vo.access.egi.eu") -> dict:
    ended = person.run(
        "access",
        "--json",
        "--vo",
        vo,
        "--timeout",
        "10",
        code=code,
        OIDC_ACCESS_TOKEN=token_of(account),
    )
    return {one["site"]: one for one in json.loads(ended.stdout)}


@pytest.fixture
def with_bad_sites(person):
    """A person who also has the broken, the silent and the self-signed site."""
    folder = person.home / "config" / "sites"
    folder.mkdir(parents=True)
    for file in sorted(BAD.glob("*.yaml")):
        shutil.copy(file, folder)
    return person


def test_an_operator_gets_the_project_that_the_site_itself_lists(person, admin):
    found = answers(person, "operator", code=0)["SANDBOX"]
    assert found["outcome"] == "yes"
    assert admin.identity.get_project(found["project_id"]).name == found["project_name"]


def test_a_member_is_refused_and_told_which_role_to_ask_for(person):
    found = answers(person, "member", code=4)["SANDBOX"]
    assert found["outcome"] == "refused"
    assert "you are a member of vo.access.egi.eu, but only the role vm_operator" in found["why"]
    assert "registry" in found["way_out"][0]


def test_somebody_of_another_vo_is_refused_here_and_let_in_there(person):
    assert answers(person, "other-vo", code=4)["SANDBOX"]["outcome"] == "refused"
    theirs = answers(person, "other-vo", code=0, vo="eosc-synergy.eu")["SANDBOX"]
    assert theirs["outcome"] == "yes"


def test_egis_own_sites_are_not_shown_a_token_of_the_sandbox(person):
    found = answers(person, "operator", code=0)
    others = {one["outcome"] for name, one in found.items() if not name.startswith("SANDBOX")}
    assert others == {"not asked"}
    assert "https://aai.egi.eu/auth/realms/egi" in found["IN2P3-IRES"]["why"]


def test_a_bad_site_costs_the_good_one_nothing(with_bad_sites):
    found = answers(with_bad_sites, "operator", code=0)
    assert found["SANDBOX"]["outcome"] == "yes"
    assert found["SANDBOX"]["seconds"] < found["SANDBOX-SILENT"]["seconds"]
    assert found["SANDBOX-SILENT"]["outcome"] == "no answer"
    assert found["SANDBOX-SELFSIGNED"]["outcome"] == "untrusted"
    assert "no token was sent" in found["SANDBOX-SELFSIGNED"]["why"]
    assert "SANDBOX-BROKEN" not in found
    assert "SANDBOX-BROKEN.yaml" in with_bad_sites.run("access", "--timeout", "5").stderr


def test_the_configured_source_of_tokens_is_used_without_an_environment(person):
    table = person.run("access", "--timeout", "10").stdout
    (line,) = [line for line in table.splitlines() if line.startswith("SANDBOX ")]
    assert line.split()[1] == "yes"
    assert "not asked: CENI, CLOUDIFIN" in table
