"""What counts as a change, and how it reads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.discovery.differences import changes, differences
from orchestrator.discovery.snapshots import PARTS, Collected
from orchestrator.model import Quota
from tests.whole import START, flavor, image, network, offer, subnet

DAY = timedelta(days=1)


def lines(old, new):
    found = differences(offer(**old), offer(**new))
    return [f"{c.kind} {c.what} {c.name}: {c.detail}" for c in found]


def test_the_same_offer_has_no_changes():
    assert differences(offer(), offer(collected_at=START + DAY)) == ()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            {"flavors": ()},
            {"flavors": (flavor("big", vcpus=8, ram_mb=16384),)},
            "flavor new big: 8 vCPU, memory 16384 MB, disk 20 GB",
        ),
        (
            {"flavors": (flavor(),)},
            {"flavors": ()},
            "flavor gone m1: 2 vCPU, memory 4096 MB, disk 20 GB",
        ),
        (
            {"flavors": (flavor(),)},
            {"flavors": (flavor(disabled=True),)},
            "flavor changed m1: none -> disabled",
        ),
        (
            {"flavors": (flavor(),)},
            {"flavors": (flavor(id="other", vcpus=4),)},
            "flavor replaced m1: vCPU 2 -> 4 (id other)",
        ),
        (
            {"images": (image(),)},
            {"images": (image(status="deactivated"),)},
            "image retired Debian 12: active, public -> deactivated, public",
        ),
        (
            {"images": (image(),)},
            {"images": (image(hidden=True),)},
            "image retired Debian 12: active, public -> active, public, hidden",
        ),
        (
            {"images": (image(),)},
            {"images": (image(id="i2", created_at=datetime(2026, 11, 23, tzinfo=UTC)),)},
            "image replaced Debian 12: of 2026-11-18 -> 2026-11-23 (id i2)",
        ),
        (
            {"networks": ()},
            {"networks": (network(),)},
            "network new ext: external, default, subnets 193.1.2.0/24,"
            " hidden subnets 1, MTU 1442, tags a, b",
        ),
        (
            {"networks": (network(),)},
            {"networks": (network(subnets=(subnet(cidr="193.9.9.0/24"),)),)},
            "network changed ext: subnets 193.1.2.0/24 -> 193.9.9.0/24",
        ),
        (
            {"networks": (network(),)},
            {"networks": (replace(network(), name="outside"),)},
            "network changed outside: name ext -> outside",
        ),
        (
            {"quotas": (Quota(name="cores", used=2, limit=20),)},
            {"quotas": (Quota(name="cores", used=2, limit=None),)},
            "quota changed cores: 20 -> unlimited",
        ),
    ],
)
def test_a_change_is_one_line(old, new, line):
    assert lines(old, new) == [line]


def test_two_of_one_name_are_not_taken_for_each_other():
    old = {"images": (image(id="a"), image(id="b"))}
    found = lines(old, {"images": (image(id="c"),)})
    assert [line.split(":")[0] for line in found] == [
        "image gone Debian 12",
        "image gone Debian 12",
        "image new Debian 12",
    ]


def test_the_use_of_a_quota_is_no_change():
    assert (
        lines(
            {"quotas": (Quota(name="cores", used=2, limit=20),)},
            {"quotas": (Quota(name="cores", used=19, limit=20),)},
        )
        == []
    )


def test_what_could_not_be_listed_is_not_called_gone():
    volumes = (Quota(name="volumes", used=0, limit=5),)
    told = {"quotas": volumes, "gaps": {}}
    assert lines(told, {"quotas": (), "gaps": {"volume quotas": "HTTP 503"}}) == []
    assert lines(told, {"quotas": (), "gaps": {"network quotas": "HTTP 503"}}) == [
        "quota gone volumes: 5"
    ]
    assert lines({"quotas": (), "gaps": {"volume quotas": "HTTP 503"}}, told) == []


def test_what_a_deployment_of_ours_made_is_no_change_of_the_site():
    assert lines({"networks": ()}, {"networks": (network(made_by="0f3c"),)}) == []


# --- over time


def history(*offers):
    """Return a history in which each offer came a day after the one before."""
    since = dict.fromkeys(PARTS, START)
    found = []
    for day, (part, one) in enumerate(offers):
        since = since | {part: START + day * DAY}
        found.append(Collected(vo="v", offer=one, since=since))
    return found


def test_each_change_has_the_time_from_which_it_holds():
    found = changes(
        history(
            ("images", offer()),
            ("images", offer(images=(image(status="deactivated"),))),
            ("flavors", offer(images=(image(status="deactivated"),), flavors=(flavor(),))),
        )
    )
    assert [(c.kind, c.what, c.name, c.at) for c in found] == [
        ("flavor", "gone", "g1", START + 2 * DAY),
        ("image", "retired", "Debian 12", START + DAY),
    ]


def test_what_came_and_went_in_between_is_no_change():
    passing = offer(flavors=(*offer().flavors, flavor("zz")))
    assert changes(history(("flavors", offer()), ("flavors", passing), ("flavors", offer()))) == ()


def test_no_history_has_no_changes():
    assert changes([]) == ()
    assert changes(history(("images", offer()))) == ()
