"""orchestrator access"""

from __future__ import annotations

import pytest

from orchestrator.auth import keystone
from orchestrator.errors import LoginError, SiteError


@pytest.fixture
def asked(world, monkeypatch):
    """Let SIM and its twin alone serve vo.sim.eu, and settle what each says to a login."""
    sites = world.folders.config / "sites"
    for name in ("SIM", "TWIN"):
        (sites / f"{name}.yaml").write_text(
            f"gocdb: {name}\nendpoint: https://{name.lower()}.eu/v3\n"
            "vos: [{name: vo.sim.eu, auth: {project_id: p1}}]\n"
        )
    says: dict[str, Exception] = {}

    def login(site, access_token, *, project_id, vo, timeout):
        assert timeout > 0
        if site.name in says:
            raise says[site.name]
        project = keystone.Project(id=project_id, name="the-project", vo=vo)
        return keystone.KeystoneLogin(
            auth_url=site.endpoint,
            token="keystone-canary",
            expires_at=None,
            user_id="u",
            user_name="ada",
            projects=(project,),
            project_id=project_id,
            session=None,
        )

    monkeypatch.setattr("orchestrator.auth.keystone.login", login)
    return says


def test_each_site_is_a_line_and_one_yes_is_enough(command, asked):
    asked["TWIN"] = SiteError("TWIN cannot be reached.")
    ended = command("access", "--vo", "vo.sim.eu")
    assert ended.code == 0
    sim, twin = ended.out.splitlines()[1:3]
    assert sim.split()[:2] == ["SIM", "yes"]
    assert sim.endswith("project the-project (p1)")
    assert twin.startswith("TWIN   no answer")
    assert "1 of the 2 sites asked give you a project of vo.sim.eu." in ended.out


def test_programs_get_the_answers_in_the_order_of_the_sites(command, asked):
    values = command("access", "--vo", "vo.sim.eu", "--json").value
    assert [(one["site"], one["outcome"], one["project_id"]) for one in values] == [
        ("SIM", "yes", "p1"),
        ("TWIN", "yes", "p1"),
    ]


def test_refusals_alone_are_4_and_say_what_to_do(command, asked):
    for name in ("SIM", "TWIN"):
        asked[name] = LoginError(f"{name} does not let you in.", way_out=["ask for the role"])
    ended = command("access", "--vo", "vo.sim.eu")
    assert ended.code == 4
    assert ended.out.rstrip().endswith("next    ask for the role")


def test_silence_everywhere_is_5(command, asked):
    for name in ("SIM", "TWIN"):
        asked[name] = SiteError(f"{name} did not answer in time.")
    assert command("access", "--vo", "vo.sim.eu", "--timeout", "5").code == 5


def test_a_vo_that_no_site_serves_brings_near_names(command, asked):
    ended = command("access", "--vo", "vo.simm.eu")
    assert ended.code == 1
    assert "no site serves vo.simm.eu" in ended.err
    assert "vo.sim.eu" in ended.err


def test_a_broken_site_file_is_told_beside_the_answers(command, asked, world):
    (world.folders.config / "sites" / "BROKEN.yaml").write_text("[")
    ended = command("access", "--vo", "vo.sim.eu", "--json")
    assert len(ended.value) == 2
    assert "BROKEN.yaml" in ended.err


def test_the_token_is_nowhere_in_the_answer(command, asked, world):
    ended = command("access", "--vo", "vo.sim.eu")
    assert world.token() not in ended.out + ended.err
    assert "canary" not in ended.out + ended.err


def test_sites_without_a_token_of_their_issuer_are_named_in_one_line(command, asked, world):
    for name in ("A", "B"):
        (world.folders.config / "sites" / f"{name}.yaml").write_text(
            f"gocdb: {name}\nendpoint: https://{name.lower()}.eu/v3\nissuer: https://other.eu/x\n"
            "vos: [{name: vo.sim.eu}]\n"
        )
    ended = command("access", "--vo", "vo.sim.eu")
    assert ended.code == 0
    line = "not asked: A, B (trusts https://other.eu/x, and there is no token of it here)"
    assert line in ended.out.splitlines()
