"""Many sites at once: each answers for itself, and none costs another one anything."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator import surveying
from orchestrator.auth.given import GivenToken
from orchestrator.auth.sharing import SharedTokens
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.catalogue.layers import SiteFolder
from orchestrator.errors import RequestError, SiteError
from orchestrator.model import Share, Site
from orchestrator.surveying import Place, discover, places, survey
from tests.unit.tokens import jwt
from tests.whole import offer

VO = "vo.access.egi.eu"


def place(name, **given):
    site = Site(name=name, endpoint=f"https://{name}.eu/v3", shares=(), origin="x")
    return Place(site=site, vo=VO, share=Share(vo=VO, project_id="p"), **given)


@pytest.fixture
def tokens():
    return SharedTokens(lambda _: GivenToken(raw=jwt()))


@pytest.fixture
def sites(monkeypatch):
    """Let sites answer as they are told to: after some seconds, with an error, or at once."""
    told: dict[str, object] = {}
    busy: set[str] = set()
    most = []

    def answer(site, share, *, token, patience):
        busy.add(site.name)
        most.append(len(busy))
        try:
            how = told.get(site.name, 0.0)
            if isinstance(how, Exception):
                raise how
            time.sleep(how)
        finally:
            busy.discard(site.name)
        return offer(site=site.name)

    monkeypatch.setattr(surveying, "discover", answer)
    told["most"] = most
    return told


def ask(tokens, *asked, **given):
    options = {"stop": threading.Event(), **given}
    return {one.place.site.name: one for one in survey(asked, tokens=tokens, **options)}


def test_every_site_gives_its_offer_or_its_error(tokens, sites):
    sites["down"] = SiteError("down cannot be reached.")
    found = ask(tokens, place("up"), place("down"))
    assert found["up"].offer == offer(site="up")
    assert found["down"].offer is None
    assert found["down"].error is sites["down"]


def test_answers_come_as_they_are_given_and_the_silent_one_last(tokens, sites):
    sites["silent"] = 30.0
    asked = [place("silent"), place("a"), place("b")]
    found = survey(asked, tokens=tokens, stop=threading.Event(), patience=-1.0)
    assert {next(found).place.site.name, next(found).place.site.name} == {"a", "b"}
    assert next(found).error.message == "silent was not done within -1 s."


def test_no_more_sites_work_at_once_than_the_width(tokens, sites):
    names = [f"s{number}" for number in range(6)]
    sites.update(dict.fromkeys(names, 0.02))
    assert set(ask(tokens, *map(place, names), width=2)) == set(names)
    assert max(sites["most"]) == 2


def test_a_site_that_only_waits_makes_room_for_the_next(tokens, sites, monkeypatch):
    monkeypatch.setattr(surveying, "_SLOW", 0.1)
    sites["slow"] = 3.0
    found = ask(tokens, place("slow"), place("a"), place("b"), width=1)
    assert list(found)[-1] == "slow"
    assert found["slow"].offer is not None


def test_an_answer_that_makes_no_sense_is_that_sites_error(tokens, sites):
    sites["odd"] = KeyError("networks")
    found = ask(tokens, place("odd"), place("up"))
    assert "odd gave an answer that this program does not understand (KeyError" in str(
        found["odd"].error
    )
    assert found["up"].offer


def test_who_refuses_beforehand_is_not_asked(tokens, sites):
    refusal = SiteError("it takes no Check-in login")
    found = ask(tokens, place("other", refusal=refusal))
    assert found["other"].error is refusal
    assert sites["most"] == []


def test_a_stop_ends_the_round_at_once(tokens, sites):
    stop = threading.Event()
    sites["silent"] = 30.0
    answers = survey([place("a"), place("silent")], tokens=tokens, stop=stop)
    assert next(answers).place.site.name == "a"
    stop.set()
    assert list(answers) == []


# --- one site, on the simulation


def test_one_site_is_discovered_for_one_vo(world):
    site = Catalogue.usual(world.folders.config).find("SIM")
    source = GivenToken(raw=world.token())
    found = discover(site, site.share_of(VO), token=source.access_token())
    assert (found.site, found.project_id) == ("SIM", "p1")
    assert [network.name for network in found.networks]
    assert datetime.now(UTC) - found.collected_at < timedelta(minutes=1)
    assert world.logins == ["p1"]


# --- which places there are


@pytest.fixture
def catalogue(tmp_path):
    for name, vos, more in (
        ("A", ("v1", "v2"), ""),
        ("B", ("v1",), "aliases: [BEE]\n"),
        ("OTHER", ("v1",), "auth: v3applicationcredential\n"),
    ):
        shares = "".join(f"  - {{name: {vo}, auth: {{project_id: p}}}}\n" for vo in vos)
        text = f"gocdb: {name}\nendpoint: https://{name}.eu/v3\n{more}vos:\n{shares}"
        (tmp_path / f"{name}.yaml").write_text(text)
    return Catalogue.load([SiteFolder(path=tmp_path, trusted=True)])


def pairs(found):
    return [(one.site.name, one.vo) for one in found]


def test_all_sites_of_the_vos_are_asked(catalogue):
    found = places(catalogue, vos=("v2", "v1"))
    assert pairs(found) == [("A", "v2"), ("A", "v1"), ("B", "v1"), ("OTHER", "v1")]


def test_or_those_that_are_named_by_whatever_name(catalogue):
    assert pairs(places(catalogue, vos=("v1", "v2"), sites=("bee",))) == [("B", "v1")]


def test_a_site_with_another_login_is_told_and_not_asked(catalogue):
    (other,) = [one for one in places(catalogue, vos=("v1",)) if one.site.name == "OTHER"]
    assert "takes no EGI Check-in login" in other.refusal.message


def test_a_vo_that_nobody_serves_is_refused(catalogue):
    with pytest.raises(RequestError, match="no site of the list serves v9"):
        places(catalogue, vos=("v1", "v9"))


def test_a_named_site_that_serves_none_of_the_vos_is_refused(catalogue):
    with pytest.raises(RequestError, match="B does not serve v2"):
        places(catalogue, vos=("v2",), sites=("A", "B"))
