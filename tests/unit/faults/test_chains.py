"""Trials that follow one another: each begins with what the one before has left."""

from __future__ import annotations

from collections import Counter

from tests.faults.chains import chains
from tests.faults.fault import USUAL, Fault

MANY = [Fault.of(seed) for seed in range(1, 301)]
LEAVES = {"deploy": True, "redeploy": True, "recover": True, "destroy": False}


def test_each_trial_is_in_one_chain():
    for faults in (MANY, [Fault.of(seed) for seed in USUAL], MANY[:1], []):
        assert Counter(fault for chain in chains(faults) for fault in chain) == Counter(faults)


def test_a_trial_finds_what_it_needs():
    for chain in chains(MANY):
        for before, fault in zip(chain, chain[1:], strict=False):
            assert LEAVES[before.verb]
            assert fault.verb != "deploy"


def test_a_chain_is_of_one_kind_and_a_disk_is_alone():
    for chain in chains(MANY):
        assert len({fault.kind for fault in chain}) == 1
        assert len(chain) == 1 or chain[0].kind != "disk"


def test_what_goes_on_with_nothing_before_it_is_a_chain_too():
    only = [fault for fault in MANY if (fault.kind, fault.verb) == ("kill", "recover")]
    assert chains(only) == [tuple(only)]
