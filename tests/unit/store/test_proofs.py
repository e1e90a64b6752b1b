"""What was reached: one proof a network and topology, per site and VO, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.model import Proof

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
HERE = {"site": "SIM", "vo": "vo.access.egi.eu"}


def proof(network_id="n", topology="floating", hours=0):
    return Proof(network_id=network_id, topology=topology, at=START + timedelta(hours=hours))


def test_nothing_is_known_of_a_site_at_first(store):
    assert store.proofs(**HERE) == ()


def test_a_newer_proof_takes_the_place_of_an_older_one(store):
    store.remember(proof(hours=0), **HERE)
    store.remember(proof(hours=5), **HERE)
    assert store.proofs(**HERE) == (proof(hours=5),)


def test_another_topology_and_another_network_are_proofs_of_their_own(store):
    kept = (proof(hours=2), proof(topology="direct", hours=1), proof("m"))
    for one in kept:
        store.remember(one, **HERE)
    assert store.proofs(**HERE) == kept


def test_the_newest_comes_first_whenever_it_was_written(store):
    for hours in (3, 9, 1):
        store.remember(proof(f"n{hours}", hours=hours), **HERE)
    assert [one.network_id for one in store.proofs(**HERE)] == ["n9", "n3", "n1"]


def test_equal_ages_are_in_the_order_of_their_networks(store):
    for name in ("b", "c", "a"):
        store.remember(proof(name), **HERE)
    assert [one.network_id for one in store.proofs(**HERE)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "elsewhere", [{"site": "OTHER"}, {"vo": "vo.other.eu"}, {"site": "sim"}, {"vo": ""}]
)
def test_a_proof_holds_for_its_site_and_vo_alone(store, elsewhere):
    store.remember(proof(), **HERE)
    assert store.proofs(**{**HERE, **elsewhere}) == ()


def test_a_proof_keeps_its_zone(store):
    store.remember(proof(), **HERE)
    (found,) = store.proofs(**HERE)
    assert found.at.utcoffset() == timedelta(0)
