"""What is found in collected offers, and what is said where it is not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.discovery.searching import Match, Miss, Wanted, gigabytes, search
from orchestrator.discovery.snapshots import Collected
from orchestrator.model import ImageNeed
from tests.whole import flavor, image, offer

SMALL = flavor("small")
LARGE = flavor("large", vcpus=8, ram_mb=16384)
LARGER = flavor("larger", vcpus=16, ram_mb=32768, disk_gb=0)
GPU = flavor("gpu", vcpus=8, ram_mb=16384, extra_specs={"Accelerator:Type": "GPU"})
DEBIAN = ImageNeed(distribution="debian", version="12")


def look(*flavors, images=(), **wanted):
    one = Collected(vo="v", offer=offer(flavors=flavors, images=images))
    (found,) = search([one], Wanted(**wanted))
    return found


def test_the_smallest_flavor_that_fits_is_named_and_the_others_counted():
    found = look(LARGER, LARGE, SMALL, vcpus=8, ram_mb=16384)
    assert isinstance(found, Match)
    assert (found.flavor.name, found.flavors) == ("large", 2)


@pytest.mark.parametrize(
    ("flavors", "wanted", "why"),
    [
        ((SMALL,), {"vcpus": 8}, "no such flavor, the largest is small (2 vCPU, 4 GB)"),
        ((LARGE,), {"ram_mb": 16385}, "no such flavor, the largest is large (8 vCPU, 16 GB)"),
        ((LARGE,), {"disk_gb": 21}, "no such flavor, the largest is large (8 vCPU, 16 GB)"),
        ((LARGE,), {"gpus": 1}, "no flavor with 1 GPU"),
        ((GPU,), {"gpus": 2}, "no flavor with 2 GPU, at most 1"),
        ((GPU,), {"vcpus": 2}, "no such flavor, the largest is gpu (8 vCPU, 16 GB)"),
        ((replace(LARGE, disabled=True),), {}, "no flavors at all"),
        ((), {}, "no flavors at all"),
        ((LARGE,), {"image": DEBIAN}, "no image of debian 12"),
        ((), {"image": DEBIAN}, "no flavors at all, no image of debian 12"),
    ],
)
def test_what_is_missing_is_said(flavors, wanted, why):
    found = look(*flavors, **wanted)
    assert isinstance(found, Miss)
    assert found.why == why


def test_a_flavor_without_a_disk_has_room_for_all():
    assert look(LARGER, disk_gb=500).flavor.name == "larger"


def test_a_gpu_is_found_when_asked_for():
    assert look(LARGE, GPU, gpus=1).flavor.name == "gpu"


def test_the_newest_image_that_can_be_booted_is_named():
    old, new = image(id="old"), image(id="new", created_at=datetime(2026, 11, 23, tzinfo=UTC))
    ended = image(id="ended", status="deactivated", created_at=datetime(2027, 1, 1, tzinfo=UTC))
    found = look(LARGE, images=(old, new, ended), image=DEBIAN)
    assert (found.image.id, found.images) == ("new", 2)


def test_an_image_of_egis_lists_goes_before_a_newer_one_of_somebody():
    egi = image(id="egi", properties={**image().properties, "image_list": "egi_vm_images"})
    newer = image(id="newer", created_at=datetime(2026, 11, 23, tzinfo=UTC))
    assert look(LARGE, images=(newer, egi), image=DEBIAN).image.id == "egi"


def test_a_flavor_with_a_disk_goes_before_a_smaller_one_without():
    diskless = flavor("diskless", vcpus=1, disk_gb=0)
    assert look(diskless, SMALL).flavor.name == "small"


def test_any_version_will_do_where_none_is_named():
    assert look(LARGE, images=(image(),), image=replace(DEBIAN, version="")).images == 1
    assert isinstance(look(LARGE, images=(image(),), image=replace(DEBIAN, version="11")), Miss)


def test_an_image_that_says_nothing_of_itself_is_passed_over():
    nameless = image("thing", properties={})
    assert isinstance(look(LARGE, images=(nameless,), image=replace(DEBIAN, version="")), Miss)


def test_memory_reads_as_a_person_says_it():
    assert [gigabytes(mb) for mb in (512, 4096, 4097)] == ["0.5 GB", "4 GB", "4097 MB"]
