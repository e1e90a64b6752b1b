"""The flavor: the smallest that fits, always the same one, and never a GPU by accident."""

import random

import pytest

from orchestrator.errors import RequestError, SiteError
from orchestrator.model import Quota
from orchestrator.selection import accelerators
from orchestrator.selection.flavors import choose_flavor, order
from orchestrator.selection.overrides import Override
from tests.unit.selection import offers
from tests.unit.selection.offers import flavor, image, need, offer

SITES = offers.read("flavors.yaml")["sites"]
CESGA = offers.flavors_of(offers.read("cesga-2020-appdb.json"))


def choose(*flavors, override=None, picture=None, nodes=1, quotas=(), **needed):
    beaten = (("sites/S.yaml", "a"),)
    asked = override and Override(value=override, origin="the command line", beaten=beaten)
    return choose_flavor(
        offer(flavors=flavors, quotas=quotas),
        need(**needed),
        picture or image(),
        nodes=nodes,
        override=asked,
    )


@pytest.mark.parametrize("name", SITES)
def test_every_real_site_gives_an_explained_choice_or_a_refusal(name):
    listed = offers.flavors_of(SITES[name])
    found = offers.outcome(lambda: choose(*listed))
    if isinstance(found, SiteError):
        assert found.facts
        return
    assert found.choice.reason
    assert accelerators.of(found.flavor).gpus == 0


@pytest.mark.parametrize(
    ("needed", "size"),
    [
        ({}, (2, 4096, 20)),
        ({"disk_gb": 21}, (2, 4096, 51)),
        ({"disk_gb": 52}, (2, 4096, 237)),
        ({"vcpus": 3}, (4, 4096, 40)),
        ({"ram_mb": 4097}, (2, 8192, 50)),
        ({"vcpus": 24, "ram_mb": 60000}, (24, 61440, 18)),
    ],
)
def test_cesgas_equal_sizes_are_told_apart_by_disk(needed, size):
    found = choose(*CESGA, **needed).flavor
    assert (found.vcpus, found.ram_mb, found.disk_gb) == size


def test_the_order_of_the_listing_changes_nothing():
    mixed = list(CESGA)
    random.Random(1).shuffle(mixed)
    assert choose(*mixed).choice == choose(*CESGA).choice
    assert len({order(one) for one in CESGA}) == len(CESGA)


def test_true_equals_are_decided_by_name_and_said_so():
    found = choose(flavor("b"), flavor("a"), flavor("big", vcpus=8))
    assert found.choice.name == "a"
    assert found.choice.reason == (
        "smallest of 3 that fit; 2 are of this size and the name decides"
    )


def test_the_reason_and_the_label_are_for_people():
    found = choose(flavor("m1.medium", disk_gb=12), flavor("m1.tiny", vcpus=1, ram_mb=512))
    assert found.choice.label == "m1.medium (2 vCPU, 4 GB, 12 GB)"
    assert found.choice.reason == "the only one that fits"
    assert found.choice.rivals[0].why_not == "1 vCPU of 2"


def test_the_image_has_a_say():
    small, large = flavor("a", disk_gb=10), flavor("b", disk_gb=40, ram_mb=8192)
    assert choose(small, large, picture=image(min_disk_gb=20)).choice.name == "b"
    assert choose(small, large, picture=image(min_ram_mb=5000)).choice.name == "b"
    assert choose(small, large, picture=image(size_bytes=11 * 1024**3)).choice.name == "b"


def test_disabled_flavors_are_skipped():
    assert choose(flavor("a", disabled=True), flavor("b", vcpus=4)).choice.name == "b"


VOLUMES = (Quota(name="volumes", used=0, limit=4), Quota(name="volume_gb", used=0, limit=40))


def test_a_flavor_without_disk_boots_from_a_volume_only_if_nothing_else_fits():
    diskless = flavor("a", disk_gb=0)
    plain = choose(diskless, flavor("b", vcpus=8), quotas=VOLUMES).choice
    assert (plain.name, plain.rivals[0].why_not) == ("b", "no disk of its own")
    found = choose(diskless, flavor("c", disk_gb=5), quotas=VOLUMES)
    assert (found.choice.name, found.boot_volume_gb) == ("a", 10)
    assert found.choice.reason == "the only one that fits; boots from a volume of 10 GB"
    assert found.choice.confidence == "certain"


def test_where_nothing_is_told_of_volumes_the_reason_says_so():
    found = choose(flavor("a", disk_gb=0)).choice
    assert found.reason.endswith("whether the project may have volumes is not told")
    assert found.confidence == "likely"


@pytest.mark.parametrize(("nodes", "size"), [(5, 1), (1, 41), (3, 14)])
def test_without_room_for_the_volumes_a_flavor_without_disk_does_not_fit(nodes, size):
    with pytest.raises(SiteError, match="has no flavor") as caught:
        choose(flavor("a", disk_gb=0), quotas=VOLUMES, nodes=nodes, disk_gb=size)
    assert caught.value.facts == {
        "a (2 vCPU, 4 GB, no disk)": "no disk of its own",
        "boot volumes": f"the quota has no room for one of {size} GB for each node",
    }


def test_an_image_of_unknown_size_still_gets_a_volume():
    found = choose(flavor("a", disk_gb=0), quotas=VOLUMES, disk_gb=0)
    assert found.boot_volume_gb == 1


def test_the_next_in_size_are_the_rivals():
    sizes = [flavor(f"f{vcpus:02}", vcpus=vcpus) for vcpus in range(1, 31)]
    found = choose(*sizes, vcpus=15).choice
    assert found.name == "f15"
    assert [one.label[:3] for one in found.rivals] == [
        f"f{vcpus:02}" for vcpus in range(9, 22) if vcpus != 15
    ]


def test_twins_are_decided_by_their_ids_and_said_so():
    for listed in (
        (flavor("a", id="1"), flavor("a", id="2")),
        (flavor("a", id="2"), flavor("a", id="1")),
    ):
        found = choose(*listed).choice
        assert (found.value, found.reason) == (
            "1",
            "smallest of 2 that fit; 2 are of this size and the id decides",
        )


def test_what_the_quota_cannot_hold_is_passed_over():
    quotas = (Quota(name="ram_mb", used=0, limit=16384),)
    fat, slim = flavor("fat", ram_mb=65536), flavor("slim", vcpus=4, ram_mb=8192)
    assert choose(fat, slim, quotas=quotas).choice.name == "slim"
    assert choose(fat, slim, quotas=quotas, nodes=3).choice.name == "fat"


GPUS = [
    (flavor("x", extra_specs={"Accelerator:Type": "GPU", "Accelerator:Number": "1.0"}), 1),
    (flavor("x", extra_specs={"Accelerator:Type": "GPU", "Accelerator:Number": "0.5"}), 1),
    (flavor("x", extra_specs={"Accelerator:Type": "gpu", "Accelerator:Number": "10"}), 10),
    (flavor("x", extra_specs={"pci_passthrough:alias": "GPU:2"}), 2),
    (flavor("x", extra_specs={"pci_passthrough:alias": "a100:1,a100b:1"}), 2),
    (flavor("x", extra_specs={"resources:VGPU": "1"}), 1),
    (flavor("x", extra_specs={"resources:CUSTOM_GPU_T4": "1"}), 1),
    (flavor("x", extra_specs={"accel:device_profile": "gpu-a40"}), 1),
    (flavor("x", extra_specs={"gpu_count": "2"}), 2),
    (flavor("g1.c08r30-K20m"), 1),
    (flavor("g1.c16r60-2xK20m"), 2),
    (flavor("hpc.8core-64ram-nvidia-1080-glados"), 1),
    (flavor("hpc.64core-238ram-nvidia-t4"), 1),
    (flavor("meta-hdm.64core-485ram-nvidia-a40-quad"), 4),
    (flavor("gpu1cpu2"), 1),
]


@pytest.mark.parametrize(("one", "count"), GPUS)
def test_every_known_sign_of_a_gpu_is_read(one, count):
    assert accelerators.of(one).gpus == count
    with pytest.raises(SiteError):
        choose(one)
    assert choose(one, flavor("plain", vcpus=9), gpus=1).choice.name == one.name


@pytest.mark.parametrize(
    "one",
    [
        flavor("g2.2core-4ram"),
        flavor("a1.2c4m"),
        flavor("c3.30core-128ram-ssd-ephem-500"),
        flavor("hpc.hdh"),
        flavor("svc1.m"),
        flavor("x", extra_specs={"hw:cpu_policy": "dedicated", "quota:disk_read_iops_sec": "9"}),
        flavor("x", extra_specs={"gpu": "false"}),
        flavor("x", extra_specs={"Accelerator:Type": "GPU", "Accelerator:Number": "0"}),
        flavor("x", extra_specs={"trait:CUSTOM_SSD": "required"}),
    ],
)
def test_what_is_no_gpu_is_taken_for_none(one):
    assert accelerators.of(one) == accelerators.Accelerators()


def test_other_accelerators_are_never_taken():
    fpga = flavor("a", extra_specs={"Accelerator:Type": "FPGA", "Accelerator:Number": "1"})
    metal = flavor("b", extra_specs={"resources:CUSTOM_BAREMETAL": "1"})
    assert choose(fpga, metal, flavor("c", vcpus=16)).choice.name == "c"


@pytest.mark.parametrize(
    "one",
    [
        flavor("x", extra_specs={"pci_passthrough:alias": "nic-25g:1"}),
        flavor("x", extra_specs={"pci_passthrough:alias": "nvme:1"}),
        flavor("x", extra_specs={"pci_passthrough:alias": "mlx5_vf:1"}),
        flavor("x", extra_specs={"accel:device_profile": "fpga-u280"}),
    ],
)
def test_a_device_that_is_no_gpu_is_not_taken_for_one(one):
    assert (accelerators.of(one).gpus, accelerators.of(one).others) == (0, 1)


def test_a_declared_number_of_none_beats_the_name():
    told = {"Accelerator:Type": "GPU", "Accelerator:Number": "0.0"}
    assert accelerators.of(flavor("gpu-old", extra_specs=told)) == accelerators.Accelerators()


def test_a_number_that_is_none_still_says_that_there_is_one():
    told = {"accelerator:type": "gpu", "Accelerator:Number": "one"}
    assert accelerators.of(flavor("x", extra_specs=told)).gpus == 1


@pytest.mark.parametrize(
    ("one", "confidence", "sign"),
    [
        (flavor("x", extra_specs={"Accelerator:Type": "GPU"}), "certain", ""),
        (flavor("x", extra_specs={"resources:VGPU": "1"}), "certain", ""),
        (flavor("x", extra_specs={"pci_passthrough:alias": "a100:1"}), "certain", ""),
        (flavor("gpu1cpu2"), "likely", "its GPU is known by its name only"),
        (
            flavor("x", extra_specs={"pci_passthrough:alias": "p1:1"}),
            "likely",
            "its GPU is known by pci_passthrough:alias only",
        ),
        (
            flavor("x", extra_specs={"Accelerator:Number": "1.0"}),
            "likely",
            "its GPU is known by Accelerator:Number only",
        ),
    ],
)
def test_a_gpu_is_as_sure_as_its_sign(one, confidence, sign):
    found = choose(one, flavor("plain"), gpus=1).choice
    assert found.confidence == confidence
    assert sign in found.reason


def test_an_override_is_taken_even_with_a_gpu_and_keeps_what_it_beats():
    gpu = flavor("big", vcpus=8, extra_specs={"resources:VGPU": "1"})
    found = choose(gpu, flavor("a"), override="big").choice
    assert (found.name, found.reason) == ("big", "asked for in the command line")
    assert (found.confidence, found.beaten) == ("fixed", (("sites/S.yaml", "a"),))


def test_an_override_that_is_too_small_or_unknown_is_refused():
    with pytest.raises(RequestError, match="1 vCPU of 2"):
        choose(flavor("tiny", vcpus=1), flavor("a"), override="tiny")
    with pytest.raises(RequestError) as caught:
        choose(flavor("m1.small"), flavor("a"), override="m1.smal")
    assert caught.value.facts["did you mean"] == "m1.small"


def test_nothing_that_fits_shows_what_there_is():
    with pytest.raises(SiteError, match="16 vCPU") as caught:
        choose(flavor("a"), vcpus=16)
    assert caught.value.facts == {"a (2 vCPU, 4 GB, 20 GB)": "2 vCPU of 16"}
