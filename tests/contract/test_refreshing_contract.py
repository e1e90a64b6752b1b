"""The list of sites renewed over real HTTP, from sources that fail in every way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator import paths
from orchestrator.catalogue import kept, refreshing
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.catalogue.index import Index
from orchestrator.catalogue.sources.reading import Reader, SourceError
from orchestrator.errors import RequestError, SetupError
from tests.contract import egi

pytestmark = pytest.mark.contract

VO = "vo.access.egi.eu"
BIFI = "https://colossus.cesar.unizar.es:5000/v3"
WAYS = (
    "error",
    "missing",
    "html",
    "garbage",
    "empty",
    "truncated",
    "loop",
    "elsewhere",
    "giant",
    "compressed",
    "silent",
    "dripping",
)
DOORS = {
    "site-files": egi.FOLDER,
    "fedcloudclient": egi.FEDCLOUDCLIENT,
    "infosystem": egi.CIA_SITES,
    "gocdb": egi.ENDPOINTS,
}


@pytest.fixture
def sources(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "SANDBOX", tmp_path / "no-sandbox")
    with egi.running() as running:
        yield running


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def refresh(sources, cache):
    """Refresh; the answer tells each source's report by its key."""

    def run(*, days: float = 0, timeout: float = 5.0):
        at = datetime.now(UTC) + timedelta(days=days)
        run.last = refreshing.refresh(
            cache, sources=sources.sources(), timeout=timeout, clock=lambda: at
        )
        return {report.source: report for report in run.last.reports}

    return run


@pytest.fixture
def catalogue(cache, tmp_path):
    """Read the catalogue as a command would."""
    return lambda: Catalogue.usual(tmp_path / "config", cache=cache)


def said(facts, what):
    return {fact.source: fact.value for fact in facts if fact.what == what}


# --- all is well


def test_all_sources_are_read_and_counted(refresh):
    found = refresh()
    assert {key: (one.renewed, one.sites, one.vos) for key, one in found.items()} == {
        "site-files": (True, 25, 72),
        "fedcloudclient": (True, 23, 70),
        "infosystem": (True, 1, 1),
        "gocdb": (True, 1, 0),
    }
    assert (refresh.last.sites, refresh.last.vos) == (25, 72)
    assert refresh.last.change == refreshing.Change()
    assert all(one.problem is None and one.warnings == () for one in found.values())
    assert found["site-files"].change == refreshing.Change()
    assert found["gocdb"].change is None


def test_the_refreshed_list_is_the_shipped_one_where_nothing_has_changed(refresh, catalogue):
    shipped = catalogue()
    refresh()
    refreshed = catalogue()
    assert [site.name for site in refreshed.sites()] == [site.name for site in shipped.sites()]
    for one, other in zip(refreshed.sites(), shipped.sites(), strict=True):
        shares = {(share.vo, share.project_id, share.region) for share in one.shares}
        assert shares == {(share.vo, share.project_id, share.region) for share in other.shares}
        assert (one.endpoint, one.auth, one.protocol) == (
            other.endpoint,
            other.auth,
            other.protocol,
        )


def test_each_fact_has_its_source_and_its_date(refresh, catalogue):
    refresh()
    bifi = catalogue().find("BIFI")
    listed = said(bifi.facts, "listed")
    assert list(listed) == ["EGI's site files", "fedcloudclient's list", "is.cloud.egi.eu"]
    assert set(said(bifi.share_of("ops").facts, "listed").values()) == {
        "038db3eeca5c4960a443a89b92373cd2"
    }
    ifca = catalogue().find("IFCA-LCG2")
    assert said(ifca.facts, "certification") == {"GOCDB": "certified"}
    assert said(ifca.facts, "production") == {"GOCDB": "yes"}
    assert said(ifca.facts, "endpoint")["GOCDB"] == "https://api.cloud.ifca.es:5000/v3"
    today = datetime.now(UTC).date()
    assert {fact.at.date() for fact in (*bifi.facts, *ifca.facts)} == {today}


def test_without_a_refresh_the_facts_are_of_the_shipped_day(catalogue):
    facts = catalogue().find("BIFI").facts
    assert said(facts, "listed") == {"EGI's site files": "BIFI"}
    assert {fact.at for fact in facts} == {datetime(2026, 7, 1, tzinfo=UTC)}


def test_the_age_is_told_before_and_after(refresh, catalogue):
    assert catalogue().age.text() == "1 Jul 2026, shipped with this version"
    refresh()
    assert "refreshed" in catalogue().age.text()
    assert catalogue().age.refreshed.date() == datetime.now(UTC).date()


# --- what has changed


def test_a_new_site_and_a_new_vo_are_told_and_known(refresh, sources, catalogue):
    refresh()
    sources.files["NEW.yaml"] = (
        "gocdb: NEW\nendpoint: https://new.eu/v3/\nvos: [{name: vo.new, auth: {project_id: p}}]\n"
    )
    sources.files["BIFI.yaml"] += "  - name: vo.more\n    auth: {project_id: q}\n"
    found = refresh()["site-files"]
    change = refreshing.Change(
        new_sites=("NEW",), new_shares=(("BIFI", "vo.more"), ("NEW", "vo.new"))
    )
    assert found.change == refresh.last.change == change
    assert catalogue().find("new").share_of("vo.new").project_id == "p"
    assert catalogue().find("BIFI").share_of("vo.more").project_id == "q"


def test_a_vo_that_left_a_site_is_not_served_there_any_more(refresh, sources, catalogue):
    refresh()
    text = sources.files["SCAI.yaml"]
    sources.files["SCAI.yaml"] = text.replace(VO, "vo.other")
    refresh()
    assert ("SCAI", VO) in refresh.last.change.gone_shares
    site = catalogue().find("SCAI")
    with pytest.raises(RequestError) as caught:
        catalogue().share(site, VO)
    assert "SCAI" not in caught.value.facts[f"{VO} at"]
    assert "refreshed" in caught.value.facts["site list of"]


def test_the_sites_that_have_a_vo_are_told_from_the_refreshed_list(refresh, sources, catalogue):
    sources.files["CENI.yaml"] = sources.files["CENI.yaml"].replace(VO, "vo.projectescape.eu")
    refresh()
    with pytest.raises(RequestError) as caught:
        catalogue().share(catalogue().find("SCAI"), "vo.projectescape.eu")
    assert caught.value.facts["vo.projectescape.eu at"] == "CENI"
    assert caught.value.way_out[0].startswith("make deploy SITE=CENI")


def test_a_new_endpoint_is_the_same_site(refresh, sources, catalogue):
    refresh()
    sources.files["SCAI.yaml"] = sources.files["SCAI.yaml"].replace("https://", "https://new.")
    found = refresh()["site-files"]
    assert (found.change.new_sites, found.change.gone_sites) == ((), ())
    assert catalogue().find("SCAI").endpoint.startswith("https://new.")
    assert [site.name for site in catalogue().sites() if "SCAI" in site.name] == ["SCAI"]


def test_a_site_that_one_source_dropped_is_kept_and_marked(refresh, sources, catalogue):
    refresh()
    sources.fail("/raw/BIFI.yaml", way="missing")
    sources.files.pop("BIFI.yaml")
    found = refresh(days=1)
    assert found["site-files"].change.gone_sites == ("BIFI",)
    assert found["fedcloudclient"].warnings == ("BIFI.yaml: not there (HTTP 404)",)
    assert refresh.last.change.gone_sites == ()
    read = catalogue()
    site = read.find("BIFI")
    assert site.is_listed
    assert set(said(site.facts, "no longer listed")) == {
        "EGI's site files",
        "fedcloudclient's list",
    }
    assert site in read.sites("ops")
    (warning,) = read.warnings
    assert warning.startswith("BIFI is no longer listed by EGI's site files (since ")
    assert warning.endswith("is.cloud.egi.eu still lists it")


def test_a_site_that_all_sources_dropped_is_found_but_not_offered(refresh, sources, catalogue):
    sources.files.pop("SCAI.yaml")
    sources.listed.remove("SCAI.yaml")
    refresh()
    assert refresh.last.change.gone_sites == ("SCAI",)
    read = catalogue()
    assert not read.find("SCAI").is_listed
    assert read.find("SCAI").share_of(VO).project_id
    assert "SCAI" not in [site.name for site in read.sites(VO)]
    assert "SCAI is no longer listed by EGI's site files" in read.warnings[0]
    since = said_at(read.find("SCAI"), "no longer listed")
    refresh(days=2)
    assert said_at(catalogue().find("SCAI"), "no longer listed") == since


def said_at(site, what):
    return [fact.at for fact in site.facts if fact.what == what]


def test_a_site_that_came_back_is_listed_again(refresh, sources, catalogue):
    text = sources.files.pop("SCAI.yaml")
    refresh()
    sources.files["SCAI.yaml"] = text
    refresh(days=1)
    assert catalogue().find("SCAI").is_listed
    assert catalogue().warnings == ()


# --- two endpoints of one name


def test_the_information_system_renames_an_endpoint_and_we_know_it_again(
    refresh, sources, catalogue
):
    project = {"id": "p-new", "name": "vo.new"}
    sources.cia += [
        {
            "id": "9G0",
            "name": "fedcloud.srce.hr-9G0",
            "url": "https://faust.srce.hr:5000/v3/",
            "state": "",
            "projects": [project],
        }
    ]
    refresh()
    second = catalogue().find("fedcloud.srce.hr-2")
    assert second.share_of("vo.new").project_id == "p-new"
    assert catalogue().find("fedcloud.srce.hr").share_of("vo.new") is None


def test_an_endpoint_that_only_one_source_knows_is_a_site_of_its_own(refresh, sources, catalogue):
    sources.cia += [
        {"id": "", "name": "SCAI", "url": "https://two.scai.eu/v3", "state": "", "projects": []}
    ]
    refresh()
    assert catalogue().find("SCAI").endpoint != "https://two.scai.eu/v3"
    assert catalogue().find("SCAI-two.scai.eu").endpoint == "https://two.scai.eu/v3"


def test_gocdb_adds_facts_and_no_sites(refresh, sources, catalogue):
    sources.register("NOWHERE-ELSE", "https://keystone.nowhere.eu:5000/v3")
    sources.register("SCAI", "https://another.scai.eu:5000/v3")
    sources.register("BROKEN", "ftp://x")
    found = refresh()["gocdb"]
    assert (found.sites, len(found.warnings)) == (3, 1)
    assert "BROKEN" in found.warnings[0]
    assert "NOWHERE-ELSE" not in [site.name for site in catalogue().sites()]
    scai = catalogue().find("SCAI")
    assert said(scai.facts, "certification") == {"GOCDB": "not certified"}
    assert said(scai.facts, "endpoint")["GOCDB"] == "https://another.scai.eu:5000/v3"
    assert "GOCDB" not in said(scai.facts, "listed")


def test_an_older_information_system_is_asked_for_each_sites_projects(refresh, sources, catalogue):
    sources.cia = [{"id": "12249G0", "name": "BIFI", "url": BIFI, "state": ""}]
    sources.projects = {"BIFI": [{"id": "p-foo", "name": "vo.foo"}]}
    assert refresh()["infosystem"].vos == 1
    assert catalogue().find("BIFI").share_of("vo.foo").project_id == "p-foo"


# --- what fails


# One reader serves all four: every way at two of them, the telling ones at the others.
FAILURES = [(source, way) for source in ("infosystem", "gocdb") for way in WAYS]
FAILURES += [
    (source, way)
    for source in ("site-files", "fedcloudclient")
    for way in ("error", "html", "truncated", "silent")
]


@pytest.mark.parametrize(("source", "way"), FAILURES)
def test_a_source_that_fails_keeps_its_copy_and_stops_no_other(
    refresh, sources, catalogue, source, way
):
    refresh()
    before = catalogue()
    sources.fail(DOORS[source], way=way)
    # What says nothing says nothing until the test is over: that this ends is that it is not waited for.
    found = refresh(days=3)
    assert {key: one.renewed for key, one in found.items()} == {key: key != source for key in DOORS}
    assert found[source].problem
    assert found[source].at < datetime.now(UTC) + timedelta(minutes=1)
    assert found[source].sites > 0
    after = catalogue()
    assert [site.name for site in after.sites()] == [site.name for site in before.sites()]
    assert after.vos() == before.vos()
    assert found[source].title in [copy.title for copy in after.age.older]


def test_a_source_without_an_older_copy_that_fails_is_a_line_and_no_more(refresh, sources):
    sources.fail(egi.CIA_SITES, way="error")
    found = refresh()["infosystem"]
    assert (found.renewed, found.at, found.sites, found.problem) == (False, None, 0, "HTTP 500")
    assert refresh.last.renewed


def test_slow_sources_are_slow_at_the_same_time(refresh, sources):
    sources.fail(*DOORS.values(), way="silent")
    refresh(timeout=3.0)
    assert not refresh.last.renewed
    assert max(sources.asked_at) - min(sources.asked_at) < 3.0


def test_where_nothing_came_nothing_is_written(refresh, sources, cache, catalogue):
    sources.fail(*DOORS.values(), way="error")
    refresh()
    assert not kept.path(cache).exists()
    assert len(catalogue().sites(VO)) == 13


def test_a_server_that_is_gone_is_said_so(refresh, cache):
    closed = [
        replace(source, address="http://127.0.0.1:1/") for source in egi.Egi(url="").sources()
    ]
    found = refreshing.refresh(cache, sources=closed, timeout=2)
    assert {one.problem for one in found.reports} == {"nothing listens there (connection refused)"}


@pytest.mark.parametrize("way", ["error", "truncated", "html", "garbage", "giant", "silent"])
def test_a_file_that_cannot_be_read_stays_as_it_was(refresh, sources, catalogue, way):
    refresh()
    sources.fail("/raw/SCAI.yaml", way=way)
    found = refresh(days=1)["site-files"]
    assert (found.renewed, found.sites) == (True, 25)
    assert found.warnings[0].startswith("SCAI.yaml: ")
    today = datetime.now(UTC)
    assert found.warnings[1] == f"SCAI.yaml stays as it was on {today.day} {today:%b %Y}"
    assert catalogue().find("SCAI").share_of(VO)


@pytest.mark.parametrize(
    "text",
    [
        "gocdb: EVIL\nvos: []",
        "gocdb: EVIL\nendpoint: http://evil.eu/v3",
        "a: &a [x]\nb: [*a, *a]\ngocdb: EVIL\nendpoint: https://e.eu/v3",
        "gocdb: EVIL\nendpoint: https://e.eu/v3\nvos: [{name: 5}]",
        "!!python/object/apply:os.system [id]",
    ],
)
def test_a_file_that_makes_no_sense_costs_a_warning(refresh, sources, catalogue, text):
    sources.files["EVIL.yaml"] = text
    found = refresh()["site-files"]
    assert (found.sites, len(found.warnings)) == (25, 1)
    assert found.warnings[0].startswith("EVIL.yaml: ")
    assert "EVIL" not in [site.name for site in catalogue().sites()]


def test_a_list_that_shrank_to_less_than_half_is_taken_for_broken(refresh, sources, catalogue):
    kept_files = list(sources.files.items())[:12]
    sources.files = dict(kept_files)
    found = refresh()
    assert not found["site-files"].renewed
    assert "it lists 12 sites where the copy of 1 Jul 2026 has 25" in found["site-files"].problem
    assert len(catalogue().sites()) == 25


def test_an_empty_list_replaces_nothing(refresh, sources, catalogue):
    refresh()
    sources.files, sources.listed, sources.cia = {}, [], []
    sources.gocdb = "<results></results>"
    found = refresh()
    assert not any(one.renewed for one in found.values())
    assert len(catalogue().sites()) == 25


def test_xml_with_entities_is_not_even_parsed(refresh, sources):
    sources.gocdb = '<!DOCTYPE r [<!ENTITY a "aaaa">]><results>&a;</results>'
    assert "document type" in refresh()["gocdb"].problem


# --- what the refreshed copy may not do


def test_a_downloaded_file_names_no_command_and_no_issuer(refresh, sources, catalogue):
    sources.files["SCAI.yaml"] += (
        "token_command: [evil]\nssh_config: /evil\nissuer: https://evil.eu\n"
        "ca_bundle: /evil.pem\nproxy_jump: evil.eu\n"
    )
    refresh()
    site = catalogue().find("SCAI")
    assert site.token_command == ()
    assert site.issuer == "https://aai.egi.eu/auth/realms/egi"
    assert site.ca_bundle is None
    assert all(found == () for found in site.settings_of(VO).values())


def test_a_far_source_cannot_point_to_this_machine():
    with pytest.raises(SourceError, match="is no https address"):
        Reader(seconds=1).get("http://127.0.0.1:80/")


# --- layers and the file


def test_the_refreshed_list_lies_between_the_shipped_one_and_the_users(
    refresh, sources, catalogue, tmp_path
):
    sources.files["SCAI.yaml"] = sources.files["SCAI.yaml"].replace(
        "d12c055894f245b28c75c95e4ca78407", "refreshed-project"
    )
    refresh()
    assert catalogue().find("SCAI").share_of(VO).project_id == "refreshed-project"
    (tmp_path / "config" / "sites").mkdir(parents=True)
    (tmp_path / "config" / "sites" / "SCAI.yaml").write_text(
        f"public_network: mine\nvos: [{{name: {VO}, auth: {{project_id: mine}}}}]"
    )
    site = catalogue().find("SCAI")
    assert site.share_of(VO).project_id == "mine"
    assert site.settings_of(VO)["public_network"][0].value == "mine"
    assert "listings.json, over " in site.origin


def test_a_newer_shipped_list_beats_an_older_refreshed_one(refresh, sources, cache):
    sources.files["SCAI.yaml"] = sources.files["SCAI.yaml"].replace(VO, "vo.old")
    refresh()
    index = Index.shipped()
    newer = datetime.now(UTC) + timedelta(days=1)
    shipped = kept.shipped(index.folder, newer)
    assert kept.in_force(kept.read(cache)[0], shipped) == {"site-files": shipped}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2, "listings": []}', "\x00"])
def test_a_damaged_copy_is_a_warning_and_the_shipped_list_holds(refresh, cache, catalogue, text):
    kept.path(cache).parent.mkdir(parents=True)
    kept.path(cache).write_text(text)
    read = catalogue()
    assert len(read.sites(VO)) == 13
    assert "is damaged and not used" in read.warnings[0]
    refresh()
    assert catalogue().warnings == ()


def test_a_copy_that_cannot_be_written_is_said_so_and_leaves_no_piece(refresh, cache):
    cache.mkdir()
    (cache / "catalogue").write_text("a file where the folder should be")
    with pytest.raises(SetupError, match=r"listings\.json cannot be written"):
        refresh()


def test_the_file_is_replaced_whole(refresh, cache):
    refresh()
    refresh()
    assert [file.name for file in (cache / "catalogue").iterdir()] == ["listings.json"]
    assert json.loads(kept.path(cache).read_text())["format"] == 1
