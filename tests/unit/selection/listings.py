"""Offers as no site would make them, by hypothesis: few names for many things, and hostile ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

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
    Volume,
)
from orchestrator.model import Proof as _Proof
from orchestrator.selection.overrides import KEYS, Override
from tests.unit.selection import offers
from tests.unit.selection.offers import DAY

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
PROPERTIES = st.sampled_from(
    (
        {},
        {"os_distro": "debian", "os_version": "12"},
        {"os_distro": "debian", "os_version": "12.4"},
        {"os_distro": "debian", "os_version": "²"},
        {"os_distro": "ubuntu", "os_version": "22.04"},
        {"APPLIANCE_ATTRIBUTES": "{", "ad:appid": "7", "sl:osname": "Debian", "sl:osversion": "12"},
        {"os_distro": "debian", "os_version": "12", "image_list": "egi_vm_images"},
        {"os_distro": "debian", "os_version": "12"},
        {"os_distro": "debian", "os_version": "12"},
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


# Shapes as sites have them; the last is any at all.
_KINDS: tuple[Mapping[str, Any], ...] = (
    {"external": True, "hidden_subnets": 1},
    {"external": True, "cidrs": ["198.51.100.0/25", "198.51.100.128/25"]},
    {"external": True, "cidrs": ["10.16.0.0/20"]},
    {"external": False, "owned": True, "cidrs": ["192.168.0.0/24", "10.2.0.0/24"]},
    {"external": False, "owned": True, "cidrs": ["192.168.0.0/24"], "made_by": "0f3a"},
    {"external": False, "shared": True, "cidrs": ["203.0.113.0/24"]},
    {"external": False, "shared": True, "cidrs": ["10.3.0.0/24"]},
    {"external": True, "shared": True, "cidrs": ["2001:718:801::/64"]},
    {},
)


@st.composite
def networks(draw: Any, number: int, kinds: Sequence[Mapping[str, Any]]) -> Network:
    told = dict(draw(st.sampled_from(kinds))) or draw(
        st.fixed_dictionaries(
            {
                "external": st.booleans(),
                "shared": st.booleans(),
                "owned": st.booleans(),
                "active": st.booleans(),
                "hidden_subnets": st.integers(0, 2),
                "cidrs": st.lists(CIDRS, max_size=3),
            }
        )
    )
    cidrs = told.pop("cidrs", ())
    made = offers.network(
        draw(st.sampled_from(("wan", "lan", "public", "dmz", "campus")) | NAMES),
        id=f"id-{number}",
        is_default=draw(st.integers(0, 4)) == 0,
        tags=draw(st.sampled_from(((), (), ("b", "a"), ("default",)))),
        **told,
    )
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
def routers(draw: Any, number: int, listed: Sequence[Network]) -> Router:
    external = [one.id for one in listed if one.external]
    return Router(
        id=f"router-{number}",
        name=draw(st.sampled_from(("router", "r1", "r2", ""))),
        external_network_id=draw(st.sampled_from((*external, *external, None, "id-gone"))),
        external_addresses=draw(st.sampled_from(((), ("147.251.1.7",), ("10.16.1.2",), ("x",)))),
        made_by=draw(st.sampled_from((None, None, None, "0f3a"))),
    )


@st.composite
def ports(draw: Any, listed: Sequence[Network]) -> Port:
    network = draw(st.sampled_from(listed))
    subnets = [one.id for one in network.subnets] or ["subnet-gone"]
    use = draw(st.sampled_from(("router", "router", "router", "server", "other")))
    device = (
        ("router-0", "router-0", "router-1", "router-9") if use == "router" else ("vm-1", "vm-2")
    )
    return Port(
        network_id=network.id,
        subnet_id=draw(st.sampled_from(subnets)),
        address=draw(st.sampled_from(("10.1.0.1", "10.1.0.1", "147.251.1.7", "2001:718::7", "x"))),
        device_id=draw(st.sampled_from(device)),
        use=use,
    )


@st.composite
def floating_ips(draw: Any, number: int, listed: Sequence[Network]) -> FloatingIp:
    return FloatingIp(
        id=f"address-{number}",
        address=f"{draw(st.sampled_from(('147.251.1', '147.251.1', '10.16.1')))}.{number}",
        network_id=draw(st.sampled_from([one.id for one in listed])),
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
        name=draw(
            st.sampled_from(("debian-12", "debian-12-20260101", "Debian 12", "registry.x a/b:1"))
            | NAMES
        ),
        status=draw(st.sampled_from(("active", "active", "active", "queued", ""))),
        visibility=draw(st.sampled_from(("public", "shared", "community", "private"))),
        created_at=DAY - timedelta(days=draw(st.integers(0, 2))),
        min_disk_gb=draw(st.sampled_from((0, 0, 15))),
        min_ram_mb=draw(st.sampled_from((0, 0, 6000))),
        hidden=draw(st.sampled_from((False, False, False, True))),
        properties=draw(PROPERTIES),
    )


@st.composite
def volumes(draw: Any, number: int) -> Volume:
    return Volume(
        id=f"volume-{number}",
        name=draw(st.sampled_from(("data", "sky-vm-data")) | NAMES),
        size_gb=draw(st.sampled_from((1, 20, 100))),
        status=draw(st.sampled_from(("available", "available", "in-use", "error"))),
        bootable=draw(st.sampled_from((False, False, True))),
        made_by=draw(st.none() | st.just("0f3c")),
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
        network_id=st.integers(0, 5).map(lambda number: f"id-{number}"),
        topology=st.sampled_from(("floating", "bastion", "direct", "jump")),
        at=st.integers(0, 3).map(lambda days: DAY - timedelta(days=days)),
    ),
    max_size=3,
)


# Without these most offers would fail for want of an image, and say nothing of the rest.
_IMAGE = offers.egi_image("debian", "12", "debian", id="image-egi")
_FLAVOR = offers.flavor("m1.large", 4, 8192, 40, id="flavor-large")


def _several(draw: Any, one: Callable[..., Any], most: int, *given: Any) -> tuple[Any, ...]:
    return tuple(draw(one(number, *given)) for number in range(draw(st.integers(0, most))))


@st.composite
def clouds(draw: Any) -> Offer:
    """Return networks and all that leads to them, without flavors or images."""
    # Of few kinds, so that many are equal but for their names.
    kinds = draw(st.lists(st.sampled_from(_KINDS), min_size=1, max_size=3))
    listed = _several(draw, networks, 6, kinds)
    if not listed:
        return offers.offer(quotas=draw(QUOTAS))
    return offers.offer(
        networks=listed,
        routers=_several(draw, routers, 2, listed),
        ports=tuple(draw(st.lists(ports(listed), max_size=4))),
        floating_ips=_several(draw, floating_ips, 3, listed),
        quotas=draw(QUOTAS),
    )


@st.composite
def listings(draw: Any) -> Offer:
    """Return any offer at all; three of four hold something plain among what is odd."""
    plain = draw(st.integers(0, 3)) > 0
    return replace(
        draw(clouds()),
        flavors=(*_several(draw, flavors, 4), *((_FLAVOR,) if plain else ())),
        images=(*_several(draw, images, 5), *((_IMAGE,) if plain else ())),
        volumes=_several(draw, volumes, 3),
    )


@st.composite
def overrides_of(draw: Any, offer: Offer, keys: Sequence[str] = KEYS) -> dict[str, Override]:
    """Return what a person may fix, mostly by names and ids that the offer has."""
    listed: dict[str, tuple[Any, ...]] = {
        "flavor": offer.flavors,
        "image": offer.images,
        "public_network": offer.networks,
        "private_network": offer.networks,
        "floating_ip": offer.floating_ips,
        "volume": offer.volumes,
    }
    plain = {
        "topology": ("floating", "bastion", "direct", "jump"),
        "proxy_jump": ("me@host", "host:22", "-oX"),
        "ssh_config": ("/etc/ssh/x",),
    }
    fixed = {}
    for key in draw(st.lists(st.sampled_from(keys), unique=True, max_size=3)):
        values = plain.get(key) or (
            *(one.id for one in listed[key]),
            *(getattr(one, "name", "") or one.id for one in listed[key]),
            *(() if listed[key] else ("gone",)),
        )
        fixed[key] = Override(value=draw(st.sampled_from(values)), origin="--set")
    return fixed
