"""A fault follows from its seed, and the seeds that `make test` runs reach every kind."""

from __future__ import annotations

from tests.faults.fault import (
    ANSWERS,
    CONNECTIONS,
    DAMAGES,
    DISKS,
    USUAL,
    VERBS,
    VICTIMS,
    Fault,
)

MANY = [Fault.of(seed) for seed in range(1, 1001)]
FEW = [Fault.of(seed) for seed in USUAL]


def test_a_seed_always_gives_the_same_fault():
    assert [Fault.of(fault.seed) for fault in MANY] == MANY


def test_many_seeds_reach_all_that_can_go_wrong():
    assert {(fault.kind, fault.verb) for fault in MANY} >= {
        *(("kill", verb) for verb in VERBS),
        *(("api", verb) for verb in VERBS),
    }
    kills = [fault for fault in MANY if fault.kind == "kill"]
    assert {fault.victim for fault in kills} == set(VICTIMS)
    assert {fault.damage for fault in kills} == set(DAMAGES)
    assert {fault.disk for fault in MANY if fault.kind == "disk"} == set(DISKS)
    given = {rule.fault for fault in MANY for rule in fault.rules}
    assert given == {*ANSWERS, *CONNECTIONS}


def test_the_seeds_of_make_test_reach_every_kind_verb_and_victim():
    assert {fault.kind for fault in FEW} == {"kill", "disk", "api"}
    assert {fault.verb for fault in FEW} == set(VERBS)
    kills = [fault for fault in FEW if fault.kind == "kill"]
    assert {fault.victim for fault in kills} == set(VICTIMS)
    assert {fault.damage for fault in kills} == set(DAMAGES)
    assert {fault.disk for fault in FEW} == {"good", *DISKS}
    given = {rule.fault for fault in FEW for rule in fault.rules}
    assert given >= {"429", "429 with Retry-After", "500", "HTML page", "silence", "reset"}
    assert given >= {"reply lost", *CONNECTIONS}


def test_something_goes_wrong_in_every_trial():
    harmless = [
        fault
        for fault in MANY
        if fault.kind == "kill" and fault.victim == "nobody" and fault.damage == "none"
    ]
    assert harmless == []
    assert all(fault.rules for fault in MANY if fault.kind == "api")
