"""Offers as no site would make them, by hypothesis: few names for many things, and hostile ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import offers
from hypothesis import strategies as st
from offers import DAY

from orchestrator.model import (
    Flavor,
    FloatingIp,
    Image,
    Network,
    Offer,
    Port,
    Quota,
    Router,
    Subnet,
)
from orchestrator.model import Proof as _Proof
from orchestrator.selection.overrides import KEYS, Override

NAMES = st.one_of(
    st.sampled_from(
        ("", "public", "ext", "lan", "id-1", " ", "2083", "null", "it's; $(x)", "a\nb")
    ),
    st.text(max_size=5),
)
CIDRS = st.sampled_from(
    (
        "147.251.1.0/24",
        "198.51.100.0/24",
        "10.16.0.0/20",
        "192.168.0.0/24",
        "0.0.0.0/0",
        "2001:718:801::/64",
        "fd00::/64",
        "",
        "x",
        "1.2.3.4/99",
    )
)
ADDRESSES = st.sampled_from(("147.251.1.7", "10.16.1.2", "192.168.0.1", "2001:718:801::7", "", "x"))
IDS = st.integers(0, 6).map(lambda number: f"id-{number}")
PROPERTIES = st.sampled_from(
    (
        {},
        {"os_distro": "debian", "os_version": "12"},
        {"os_distro": "debian", "os_version": "12.4"},
        {"os_distro": "debian", "os_version": "²"},
        {"os_distro": "ubuntu", "os_version": "22.04"},
        {"APPLIANCE_ATTRIBUTES": "{", "ad:appid": "7", "sl:osname": "Debian", "sl:osversion": "12"},
        {"os_distro": "debian", "os_version": "12", "image_list": "egi_vm_images"},
    )
)
SPECS = st.sampled_from(
    (
        {},
        {"Accelerator:Type": "GPU", "Accelerator:Number": "1.0"},
        {"Accelerator:Number": "nan"},
        {"pci_passthrough:alias": "a:1,b:inf"},
        {"resources:VGPU": "-1"},
        {"gpu": "no"},
    )
)


@st.composite
def networks(draw: Any, number: int) -> Network:
    made = Network(
        id=f"id-{number}",
        name=draw(NAMES),
        external=draw(st.booleans()),
        shared=draw(st.booleans()),
        owned=draw(st.booleans()),
        is_default=draw(st.booleans()),
        active=draw(st.sampled_from((True, True, True, True, False))),
        tags=tuple(draw(st.lists(st.sampled_from(("default", "x", "y")), max_size=2))),
        hidden_subnets=draw(st.integers(0, 2)),
        made_by=draw(st.sampled_from((None, None, "0f3a"))),
    )
    cidrs = draw(st.lists(CIDRS, max_size=2))
    return replace(
        made,
        subnets=tuple(
            Subnet(
                id=f"subnet-{number}-{place}",
                network_id=made.id,
                cidr=cidr,
                ip_version=6 if ":" in cidr else 4,
            )
            for place, cidr in enumerate(cidrs)
        ),
    )


@st.composite
def routers(draw: Any, number: int) -> Router:
    return Router(
        id=f"router-{number}",
        name=draw(NAMES),
        external_network_id=draw(st.none() | IDS),
        external_addresses=tuple(draw(st.lists(ADDRESSES, max_size=1))),
        made_by=draw(st.sampled_from((None, None, "0f3a"))),
    )


PORTS = st.builds(
    Port,
    network_id=IDS,
    subnet_id=st.integers(0, 6).map(lambda number: f"subnet-{number}-0"),
    address=ADDRESSES,
    device_id=st.sampled_from(("router-0", "router-1", "router-9", "vm-1", "vm-2")),
    use=st.sampled_from(("router", "server", "other")),
)


@st.composite
def floating_ips(draw: Any, number: int) -> FloatingIp:
    return FloatingIp(
        id=f"address-{number}",
        address=f"{draw(st.sampled_from(('147.251.1', '10.16.1')))}.{number}",
        network_id=draw(IDS),
        attached=draw(st.booleans()),
    )


@st.composite
def flavors(draw: Any, number: int) -> Flavor:
    return Flavor(
        id=f"flavor-{number}",
        name=draw(NAMES | st.just("gpu.2xa100")),
        vcpus=draw(st.sampled_from((0, 1, 2, 4))),
        ram_mb=draw(st.sampled_from((0, 2048, 4096, 8192))),
        disk_gb=draw(st.sampled_from((0, 5, 20, 20))),
        disabled=draw(st.sampled_from((False, False, False, True))),
        extra_specs=draw(SPECS),
    )


@st.composite
def images(draw: Any, number: int) -> Image:
    return Image(
        id=f"image-{number}",
        name=draw(NAMES | st.sampled_from(("debian-12", "debian-12-20260101", "registry.x a/b:1"))),
        status=draw(st.sampled_from(("active", "active", "active", "queued", ""))),
        visibility=draw(st.sampled_from(("public", "shared", "community", "private"))),
        created_at=DAY - timedelta(days=draw(st.integers(0, 2))),
        min_disk_gb=draw(st.sampled_from((0, 0, 15))),
        min_ram_mb=draw(st.sampled_from((0, 0, 6000))),
        hidden=draw(st.sampled_from((False, False, True))),
        properties=draw(PROPERTIES),
    )


QUOTAS = st.dictionaries(
    st.sampled_from(("cores", "ram_mb", "floating_ips", "volumes", "volume_gb", "routers", "x")),
    st.tuples(st.integers(0, 3), st.none() | st.integers(0, 8)),
).map(
    lambda told: tuple(
        Quota(name=name, used=used, limit=limit) for name, (used, limit) in told.items()
    )
)
PROOFS = st.lists(
    st.builds(
        _Proof,
        network_id=IDS,
        topology=st.sampled_from(("floating", "bastion", "direct", "jump")),
        at=st.integers(0, 3).map(lambda days: DAY - timedelta(days=days)),
    ),
    max_size=3,
)


def _several(draw: Any, one: Any, most: int) -> tuple[Any, ...]:
    return tuple(draw(one(number)) for number in range(draw(st.integers(0, most))))


# Without these most offers would fail for want of an image, and say nothing of the rest.
_IMAGE = offers.egi_image("debian", "12", "debian", id="image-egi")
_FLAVOR = offers.flavor("m1.large", 4, 8192, 40, id="flavor-large")
_NETWORKS = (
    offers.network("wan", ["203.0.113.0/25"], id="id-5"),
    offers.network("wan-too", ["203.0.113.128/25"], id="id-6"),
)


@st.composite
def listings(draw: Any) -> Offer:
    """Return any offer at all; three of four hold something plain among what is odd."""
    plain = draw(st.integers(0, 3)) > 0
    wan = draw(st.integers(0, 2))
    return offers.offer(
        networks=(*_several(draw, networks, 4), *_NETWORKS[:wan]),
        routers=_several(draw, routers, 2),
        ports=tuple(draw(st.lists(PORTS, max_size=4))),
        floating_ips=_several(draw, floating_ips, 2),
        flavors=(*_several(draw, flavors, 4), *((_FLAVOR,) if plain else ())),
        images=(*_several(draw, images, 4), *((_IMAGE,) if plain else ())),
        quotas=draw(QUOTAS),
    )


@st.composite
def overrides_of(draw: Any, offer: Offer) -> dict[str, Override]:
    """Return what a person may fix, mostly by names and ids that the offer has."""
    listed: dict[str, tuple[Any, ...]] = {
        "flavor": offer.flavors,
        "image": offer.images,
        "public_network": offer.networks,
        "private_network": offer.networks,
        "floating_ip": offer.floating_ips,
    }
    plain = {
        "topology": ("floating", "bastion", "direct", "jump"),
        "proxy_jump": ("me@host", "host:22", "-oX"),
        "ssh_config": ("/etc/ssh/x",),
    }
    fixed = {}
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=2)):
        values = plain.get(key) or (
            *(one.id for one in listed[key]),
            *(getattr(one, "name", "") or one.id for one in listed[key]),
            *(() if listed[key] else ("gone",)),
        )
        fixed[key] = Override(value=draw(st.sampled_from(values)), origin="--set")
    return fixed
