"""Whose is what a project has with a mark of ours, and what of it may be removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.drivers.openstack_marks import Resource
from orchestrator.drivers.openstack_project import Marked
from orchestrator.errors import DeploymentFailedError, RequestError
from orchestrator.lifecycle import Phase
from orchestrator.model import Deployment
from orchestrator.sweeping import Findings, Removal, choose, raise_if_left, sort_out

ADA, ADAS_USER = "local:ada", "u-ada"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def marked(deployment_id="d1", *kinds, maker=None, keypair=False, name="", made_at=""):
    resources = tuple(
        Resource(kind=kind, id=f"{deployment_id}-{kind}", name=f"{kind}-name")
        for kind in kinds or ("network",)
    )
    return Marked(
        deployment_id=deployment_id,
        name=name,
        use_case="",
        resources=resources,
        makers=frozenset({maker} if maker else ()),
        has_own_keypair=keypair,
        costs={},
        made_at={one.id: made_at for one in resources},
    )


def record(phase=Phase.READY, owner=ADA):
    return Deployment(
        id="d1", name="sky", owner=owner, site="SIM", vo="vo", project_id="p", use_case="docker",
        use_case_version="1", phase=phase, created_at=NOW, updated_at=NOW, expires_at=NOW,
    )  # fmt: skip


def told_apart(*found, records=None) -> Findings:
    known = (records or {}).get
    return sort_out(found, known=known, owner=ADA, user_id=ADAS_USER, site="SIM", vo="vo")


def test_what_has_a_living_record_is_never_an_orphan_whoever_made_it():
    for phase in set(Phase) - {Phase.DESTROYED}:
        found = told_apart(marked(maker=ADAS_USER), records={"d1": record(phase)})
        assert (found.living, found.orphans) == (("sky",), ())


def test_another_owners_living_record_in_a_shared_store_protects_it_too():
    found = told_apart(marked(maker=ADAS_USER), records={"d1": record(owner="local:eve")})
    assert (found.living, found.orphans) == (("sky",), ())


@pytest.mark.parametrize(
    ("one", "records"),
    [
        (marked(maker=ADAS_USER), {}),
        (marked(keypair=True), {}),
        (marked(), {"d1": record(Phase.DESTROYED)}),
    ],
    ids=["made by the person", "with the person's key pair", "a record that it was removed"],
)
def test_an_orphan_is_the_callers_by_the_sites_or_the_stores_word(one, records):
    (orphan,) = told_apart(one, records=records).orphans
    assert orphan.deployment_id == "d1"
    assert orphan.why_mine


@pytest.mark.parametrize(
    ("one", "records"),
    [
        (marked(maker="u-eve"), {}),
        # Also where a store says that it was ada's: the site knows who made the server.
        (marked(maker="u-eve"), {"d1": record(Phase.DESTROYED)}),
        (marked(), {}),
        (marked(), {"d1": record(Phase.DESTROYED, owner="local:eve")}),
    ],
    ids=["another's", "another's by the site", "nobody knows whose", "another's by the store"],
)
def test_what_is_not_the_callers_is_counted_and_nothing_else(one, records):
    found = told_apart(one, records=records)
    assert (found.orphans, found.others, found.others_resources) == ((), 1, 1)


def test_a_key_pair_alone_may_open_a_machine_of_another_project():
    """Nova shows it in every project of the person."""
    alone = marked("d1", "keypair", keypair=True)
    found = told_apart(alone)
    assert (found.orphans, found.others) == ((), 0)
    (orphan,) = told_apart(alone, records={"d1": record(Phase.DESTROYED)}).orphans
    assert orphan.why_mine == "your record says that it was removed"


def test_the_store_tells_the_name_where_no_server_is_left():
    (orphan,) = told_apart(marked(), records={"d1": record(Phase.DESTROYED)}).orphans
    assert (orphan.name, orphan.use_case) == ("sky", "docker")


def test_a_volume_that_somebody_keeps_is_no_orphan_and_stays_when_the_rest_goes():
    alone = Marked(
        deployment_id="d1", name="", use_case="", resources=(), makers=frozenset({ADAS_USER}),
        has_own_keypair=False, costs={}, made_at={}, kept=frozenset({"data"}),
    )  # fmt: skip
    assert told_apart(alone).orphans == ()
    (orphan,) = told_apart(replace(marked(maker=ADAS_USER), kept=frozenset({"data"}))).orphans
    assert orphan.kept == {"data"}


def test_parts_are_not_counted():
    (orphan,) = told_apart(
        marked("d1", "router", "router_interface", "security_group_rule", keypair=True)
    ).orphans
    assert [one.kind for one in orphan.counted] == ["router"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T12:00:00Z", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("2026-11-24T12:00:00.000000", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
    ],
)
def test_times_are_read_as_each_service_writes_them(text, moment):
    (orphan,) = told_apart(marked(maker=ADAS_USER, made_at=text)).orphans
    assert orphan.made_at == {"d1-network": moment}


def test_orphans_are_chosen_by_id_or_name_and_what_is_unknown_is_refused():
    found = told_apart(
        marked("d1", maker=ADAS_USER, name="sky"), marked("d2", maker=ADAS_USER, name="sea")
    )
    assert [one.deployment_id for one in choose(found, ())] == ["d1", "d2"]
    assert [one.deployment_id for one in choose(found, ["sea"])] == ["d2"]
    assert [one.deployment_id for one in choose(found, ["d1"])] == ["d1"]
    with pytest.raises(RequestError, match="nothing of d3"):
        choose(found, ["d1", "d3"])


def test_what_stays_is_an_error_that_names_it_and_the_sites_words():
    found = told_apart(marked("d1", maker=ADAS_USER), marked("d2", maker=ADAS_USER))
    gone, stuck = found.orphans
    raise_if_left([Removal(orphan=gone, removed=("network a",), left=())], "SIM")
    removals = [
        Removal(orphan=gone, removed=("network a",), left=()),
        Removal(orphan=stuck, removed=(), left=("network b",), causes=("a port is on it",)),
    ]
    with pytest.raises(DeploymentFailedError) as caught:
        raise_if_left(removals, "SIM")
    assert caught.value.facts == {"d2": "network b", "the site says": "a port is on it"}
