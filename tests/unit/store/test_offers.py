"""Offers are kept as they change, found by site and VO, and forgotten in the end."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from orchestrator.model import Quota
from orchestrator.store import Store, schema
from tests.whole import START, flavor, image, offer

VO = "vo.access.egi.eu"
HALF_HOUR = timedelta(minutes=30)
DAY = timedelta(days=1)


@pytest.fixture
def offers(store):
    return store.offers


def at(moment, **given):
    return offer(collected_at=moment, **given)


def count(store, table):
    with store._engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


def fail(offers, moment, cause="S did not answer in time."):
    return offers.record_failure("S", VO, at=moment, kind="SiteError", cause=cause)


def test_an_offer_comes_back_exactly(offers):
    offers.record(VO, offer())
    (found,) = offers.latest(site="S", vo=VO)
    assert found.offer == offer()
    assert (found.vo, found.failure) == (VO, None)


def test_the_first_offer_is_new_in_every_part_and_the_same_again_in_none(offers, store):
    assert set(offers.record(VO, offer())) == set(offer().__dataclass_fields__) - {
        "site",
        "collected_at",
        # Listed for a deployment alone that is to have one, never by a collector.
        "volumes",
    }
    rows = count(store, schema.listings)
    assert offers.record(VO, at(START + HALF_HOUR)) == ()
    assert count(store, schema.listings) == rows


def test_each_part_tells_since_when_it_is_so_and_when_it_was_last_seen(offers):
    later = START + HALF_HOUR
    offers.record(VO, offer())
    assert offers.record(VO, at(later, images=(image(status="deactivated"),))) == ("images",)
    (found,) = offers.latest()
    assert found.offer.collected_at == later
    assert (found.since["images"], found.since["flavors"]) == (later, START)


def test_an_older_offer_than_the_kept_one_changes_nothing(offers):
    offers.record(VO, at(START, flavors=()))
    assert offers.record(VO, at(START - HALF_HOUR)) == ()
    assert offers.latest()[0].offer == at(START, flavors=())


def test_offers_are_found_by_site_and_by_vo(offers):
    for site, vo in (("B", VO), ("A", VO), ("A", "vo.other.eu")):
        offers.record(vo, replace(offer(), site=site))
    pairs = [(found.offer.site, found.vo) for found in offers.latest()]
    assert pairs == [("A", VO), ("A", "vo.other.eu"), ("B", VO)]
    assert [found.offer.site for found in offers.latest(vo=VO)] == ["A", "B"]
    assert [found.vo for found in offers.latest(site="A")] == [VO, "vo.other.eu"]
    assert offers.latest(site="C") == ()


def test_a_list_that_all_vos_see_is_kept_once(offers, store):
    offers.record(VO, offer())
    contents = count(store, schema.listing_contents)
    offers.record("vo.other.eu", replace(offer(), site="A"))
    assert count(store, schema.listing_contents) == contents


def test_history_begins_with_what_held_then_and_goes_on_with_each_change(offers):
    days = [START + n * DAY for n in range(4)]
    for day, flavors in zip(
        days, ((), (flavor(),), (flavor(),), (flavor(), flavor("m2"))), strict=True
    ):
        offers.record(VO, at(day, flavors=flavors))
    found = offers.history("S", VO, since=days[1] + HALF_HOUR)
    assert [[one.name for one in then.offer.flavors] for then in found] == [["m1"], ["m1", "m2"]]
    assert [then.since["flavors"] for then in found] == [days[1], days[3]]


def test_history_from_before_the_first_offer_begins_with_it(offers):
    offers.record(VO, offer())
    assert [then.offer for then in offers.history("S", VO, since=START - DAY)] == [offer()]
    assert offers.history("S", "vo.nobody.eu", since=START - DAY) == ()


def test_what_held_while_the_site_was_silent_is_what_it_said_last(offers):
    offers.record(VO, at(START, flavors=(flavor("old"),)))
    offers.record(VO, at(START + 3 * DAY, flavors=(flavor("new"),)))
    found = offers.history("S", VO, since=START + DAY)
    assert [then.offer.flavors[0].name for then in found] == ["old", "new"]


def test_a_failure_stands_beside_the_last_offer_until_the_site_answers(offers):
    offers.record(VO, offer())
    fail(offers, START + HALF_HOUR)
    (found,) = offers.latest()
    assert found.offer == offer()
    assert found.failure.cause == "S did not answer in time."
    assert offers.failures(vo=VO) == (found.failure,)
    offers.record(VO, at(START + 2 * HALF_HOUR))
    assert offers.latest()[0].failure is None
    assert offers.failures() == ()


def test_a_site_that_never_answered_is_told_too(offers):
    fail(offers, START)
    assert [failure.site for failure in offers.failures(site="S")] == ["S"]
    assert offers.latest() == ()


def test_the_same_cause_again_prolongs_a_failure_and_another_one_begins_anew(offers, store):
    fail(offers, START)
    again = fail(offers, START + HALF_HOUR)
    assert (again.since, again.at) == (START, START + HALF_HOUR)
    assert count(store, schema.collection_failures) == 1
    assert fail(offers, START + 2 * HALF_HOUR, "HTTP 500").since == START + 2 * HALF_HOUR
    assert offers.failures()[0].cause == "HTTP 500"


def test_the_same_cause_after_a_good_answer_is_a_new_failure(offers):
    fail(offers, START)
    offers.record(VO, at(START + HALF_HOUR))
    assert fail(offers, START + DAY).since == START + DAY


def test_pruning_keeps_the_last_offer_and_what_was_seen_since(offers, store):
    for n in range(4):
        offers.record(VO, at(START + n * DAY, quotas=(Quota(name="cores", used=n, limit=9),)))
    fail(offers, START + 3.5 * DAY, "down")
    before = offers.latest()
    assert offers.prune(START + 2 * DAY) == 2
    assert offers.prune(START + 99 * DAY) == 1
    assert offers.latest() == before
    assert [then.offer.quotas[0].used for then in offers.history("S", VO, since=START)] == [3]
    assert count(store, schema.listing_contents) == len(before[0].since)


def test_what_is_pruned_in_one_place_and_used_in_another_stays(offers):
    offers.record(VO, at(START))
    offers.record("vo.other.eu", at(START))
    offers.record(VO, at(START + DAY, images=()))
    offers.prune(START + DAY)
    assert offers.latest(vo="vo.other.eu")[0].offer == at(START)


def test_two_stores_on_one_file_see_each_other(tmp_path, offers):
    offers.record(VO, offer())
    other = Store.in_folder(tmp_path)
    assert other.offers.record(VO, at(START + HALF_HOUR, flavors=())) == ("flavors",)
    assert offers.latest()[0].offer.flavors == ()
    other.close()
