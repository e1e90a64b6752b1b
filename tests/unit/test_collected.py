"""Questions to what was collected, and what is said where there is nothing."""

from datetime import timedelta

import pytest

from orchestrator.collected import CollectedOffers
from orchestrator.discovery.searching import Wanted
from orchestrator.errors import RequestError
from tests.whole import START, flavor, image, offer

VO, OTHER = "vo.access.egi.eu", "vo.other.eu"
DAY = timedelta(days=1)


@pytest.fixture
def collected(store, world):
    return CollectedOffers(store.offers, world.folders)


@pytest.fixture
def record(store):
    def keep(site, vo=VO, day=0, **given):
        store.offers.record(vo, offer(site=site, collected_at=START + day * DAY, **given))

    return keep


def fail(store, site):
    store.offers.record_failure(site, VO, at=START + DAY, kind="SiteError", cause="it is down")


def test_the_only_vo_of_a_site_need_not_be_named(collected, record):
    record("A", OTHER)
    assert collected.show("A").vo == OTHER


def test_of_several_the_usual_one_is_shown_unless_another_is_named(collected, record):
    record("A", OTHER)
    record("A", VO)
    assert collected.show("A").vo == VO
    assert collected.show("A", OTHER).vo == OTHER


def test_where_the_usual_one_is_not_among_them_they_are_named(collected, record):
    record("A", OTHER)
    record("A", "vo.third.eu")
    with pytest.raises(RequestError, match="A was collected for 2 VOs") as caught:
        collected.show("A")
    assert caught.value.facts["collected for"] == "vo.other.eu, vo.third.eu"


def test_a_site_is_found_by_its_alias(collected, record):
    record("IFCA-LCG2")
    assert collected.show("ifca").offer.site == "IFCA-LCG2"


def test_a_site_that_was_never_collected_is_named_with_the_way_to_do_it(collected, store):
    fail(store, "IFCA-LCG2")
    with pytest.raises(RequestError, match="nothing has been collected yet of IFCA-LCG2") as caught:
        collected.show("IFCA", VO)
    assert caught.value.way_out == (f"orchestrator catalogue collect --vo {VO} --site IFCA-LCG2",)
    assert list(caught.value.facts.values()) == ["it is down"]


def test_a_site_that_nobody_knows_is_refused_as_everywhere(collected):
    with pytest.raises(RequestError, match="no site is called NOWHERE"):
        collected.show("NOWHERE")


def test_a_search_tells_who_has_it_who_has_not_and_who_never_answered(collected, record, store):
    record("A", flavors=(flavor("big", vcpus=8),))
    record("B")
    fail(store, "B")
    fail(store, "C")
    found = collected.search(Wanted(vcpus=8), vo=VO)
    assert [one.collected.offer.site for one in found.matches] == ["A"]
    assert [one.collected.offer.site for one in found.misses] == ["B"]
    assert [one.site for one in found.unknown] == ["C"]


def test_a_search_in_nothing_says_what_to_do(collected):
    with pytest.raises(RequestError, match="nothing has been collected yet of any site"):
        collected.search(Wanted())
    with pytest.raises(RequestError, match=f"collected yet of {VO}"):
        collected.search(Wanted(), vo=VO)


def test_changes_are_told_for_each_vo_at_each_site(collected, record):
    for day, images in enumerate(((image(),), (image(status="deactivated"),))):
        record("A", day=day, images=images)
        record("A", OTHER, day=day)
        record("B", day=day)
    found = collected.diff(since=START)
    assert [(one.last.offer.site, one.last.vo, len(one.changes)) for one in found] == [
        ("A", VO, 1),
        ("A", OTHER, 0),
        ("B", VO, 0),
    ]
    (change,) = found[0].changes
    assert (change.what, change.name, change.at) == ("retired", "Debian 12", START + DAY)
    assert len(collected.diff(vo=VO, since=START)) == 2
    assert len(collected.diff(site="A", vo=OTHER, since=START)) == 1


def test_what_changed_before_the_date_is_not_told(collected, record):
    record("A", images=())
    record("A", day=1)
    (found,) = collected.diff(site="A", since=START + 2 * DAY)
    assert found.changes == ()


def test_changes_of_nothing_say_what_to_do(collected):
    with pytest.raises(RequestError, match="nothing has been collected yet"):
        collected.diff(vo=VO, since=START)
