"""orchestrator sites"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.catalogue import kept
from orchestrator.catalogue.sources.listing import Gone, Listed, ListedVo, Listing

NOW = datetime.now(UTC)


@pytest.fixture
def refreshed(world):
    """A refresh of three hours ago, in which NEW came and OLD went."""
    at = NOW - timedelta(hours=3)

    def site(name: str) -> Listed:
        vos = (ListedVo(name="vo.fresh", project_id="p"),)
        return Listed(name=name, endpoint=f"https://{name.lower()}.eu/v3", at=at, vos=vos)

    gone = (Gone(site=site("OLD"), since=at),)
    listings = [
        Listing(source="infosystem", at=at, sites=(site("NEW"),), gone=gone),
        Listing(source="gocdb", at=NOW - timedelta(days=40), sites=()),
    ]
    kept.write(world.folders.cache, listings)


def test_each_site_is_a_line_with_its_keystone_and_vos(command):
    ended = command("sites")
    (line,) = [line for line in ended.out.splitlines() if line.startswith("SIM ")]
    assert "https://keystone.sim.eu/v3" in line
    assert line.endswith("vo.access.egi.eu, vo.other.eu")
    assert "Site list of 1 Jul 2026, shipped with this version." in ended.out


def test_only_the_sites_of_a_vo_can_be_asked_for(command):
    sites = command("sites", "--vo", "vo.other.eu", "--json").value
    assert [site["name"] for site in sites] == ["SIM"]


def test_a_vo_that_nobody_serves_is_said_to_be_so(command):
    ended = command("sites", "--vo", "vo.nobody.eu")
    assert ended.code == 0
    assert "No site serves vo.nobody.eu." in ended.out
    assert "Did you mean vo.access.egi.eu" in command("sites", "--vo", "vo.acess.egi.eu").out
    assert command("sites", "--vo", "vo.nobody.eu", "--json").value == []


def test_a_broken_file_costs_a_warning_beside_the_list(command, world):
    (world.folders.config / "sites" / "BROKEN.yaml").write_text("[")
    ended = command("sites", "--json")
    assert ended.code == 0
    assert "SIM" in [site["name"] for site in ended.value]
    assert "BROKEN.yaml" in ended.err


def test_a_refreshed_list_tells_when_and_what_of_it_is_older(command, refreshed):
    ended = command("sites", "--vo", "vo.fresh")
    assert [line.split()[0] for line in ended.out.splitlines()[1:2]] == ["NEW"]
    at, older = NOW - timedelta(hours=3), NOW - timedelta(days=40)
    (age,) = [line for line in ended.out.splitlines() if line.startswith("Site list of ")]
    assert age.startswith(f"Site list of {at.day} {at:%b %Y}, refreshed 3 h ago; ")
    assert "EGI's site files of 1 Jul 2026" in age
    assert f"GOCDB of {older.day} {older:%b %Y}" in age


def test_a_site_that_nobody_lists_any_more_is_marked(command, refreshed):
    ended = command("sites")
    assert any(line.startswith("OLD (no longer listed) ") for line in ended.out.splitlines())
    assert "OLD is no longer listed by is.cloud.egi.eu (since " in ended.err
    assert "OLD" not in command("sites", "--vo", "vo.fresh").out


def test_programs_get_each_fact_with_its_source_and_date(command, refreshed):
    (site,) = command("sites", "--vo", "vo.fresh", "--json").value
    fact = {"what": "listed", "value": "NEW", "source": "is.cloud.egi.eu"}
    assert fact.items() <= site["facts"][0].items()
    assert site["facts"][0]["at"].startswith(f"{NOW - timedelta(hours=3):%Y-%m-%d}")
    assert site["shares"][0]["facts"][0]["source"] == "is.cloud.egi.eu"
