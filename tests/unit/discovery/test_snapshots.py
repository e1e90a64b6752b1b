"""Offers as JSON and back, and what counts as a change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.discovery import snapshots
from tests.whole import START, flavor, image, network, offer


def there_and_back(given):
    texts = snapshots.to_parts(given)
    parts = {name: snapshots.read_part(name, text) for name, text in texts.items()}
    return snapshots.from_parts(parts, site=given.site, collected_at=given.collected_at)


def digests(given):
    return {name: snapshots.digest(text) for name, text in snapshots.to_parts(given).items()}


def changed(one, other):
    before, after = digests(one), digests(other)
    return {name for name in before if before[name] != after[name]}


def test_an_offer_comes_back_exactly():
    assert there_and_back(offer()) == offer()


def test_an_empty_offer_comes_back_exactly():
    empty = {name: () for name in snapshots.PARTS if name not in ("project_id", "gaps")}
    assert there_and_back(offer(**empty, gaps={})) == offer(**empty, gaps={})


def test_every_field_of_an_offer_but_site_and_time_is_a_part():
    # Volumes are listed for a deployment alone that is to have one, never by a collector.
    others = {"site", "collected_at", "volumes"}
    assert set(snapshots.PARTS) == set(offer().__dataclass_fields__) - others


def test_the_time_is_no_change():
    assert changed(offer(), offer(collected_at=START + timedelta(hours=1))) == set()


def test_the_order_of_a_listing_is_no_change():
    turned = replace(
        offer(),
        flavors=offer().flavors[::-1],
        networks=(replace(network(), tags=("a", "b")), offer().networks[1])[::-1],
    )
    assert changed(offer(), turned) == set()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("project_id", "p2"),
        ("networks", (network(mtu=1500),)),
        ("flavors", (flavor(), flavor("g1", extra_specs={"Accelerator:Type": "FPGA"}))),
        ("images", (image(status="deactivated"),)),
        ("gaps", {}),
    ],
)
def test_a_change_is_seen_in_its_part_alone(part, value):
    assert changed(offer(), offer(**{part: value})) == {part}


def test_a_field_that_is_no_more_is_passed_over():
    text = snapshots.to_parts(offer())["flavors"].replace('"disabled"', '"withdrawn"', 1)
    first, second = snapshots.read_part("flavors", text)
    assert (first.name, second.name) == ("m1", "g1")
