"""The pure selection of the largest listing: 1 000 flavors, 2 000 images, 100 networks."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from orchestrator.model import (
    Flavor,
    FloatingIp,
    Image,
    ImageNeed,
    Need,
    Network,
    Offer,
    Port,
    Quota,
    Router,
    Site,
    Subnet,
)
from orchestrator.selection import evidence, systems
from orchestrator.selection.selecting import select

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NEED = Need(
    vcpus=2,
    ram_mb=4096,
    disk_gb=20,
    image=ImageNeed(distribution="ubuntu", version="22.04"),
)
SITE = Site(name="LARGE", endpoint="https://large.eu/v3", shares=(), origin="bench")
ROUNDS = 15
_REMEMBERED = (evidence._block, systems._parsed, systems._number, systems.distribution)


def main() -> dict[str, float]:
    """Return milliseconds of one selection and of reading the same listing as JSON, best of many."""
    offer = largest()
    text = json.dumps(asdict(offer), default=str)
    chosen, read = [], []
    for _ in range(ROUNDS):
        # What is remembered from one call to the next would flatter a process that makes one.
        for remembered in _REMEMBERED:
            remembered.cache_clear()
        chosen.append(milliseconds(lambda: select(offer, NEED, site=SITE)))
        read.append(milliseconds(lambda: json.loads(text)))
    # The rest of the machine can only add to a time.
    ours, others = min(chosen), min(read)
    return {
        "select: 1 000 flavors, 2 000 images, ms": ours,
        "json.loads of the same listing, ms": others,
        "select / json.loads": ours / others,
    }


def milliseconds(call: Callable[[], object]) -> float:
    """Return how long a call took."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def largest() -> Offer:
    """Return an offer larger than any site's, the same one each time."""
    chance = random.Random(20261120)
    networks = tuple(_network(number, chance) for number in range(100))
    routers = tuple(_router(number, networks[0]) for number in range(20))
    return Offer(
        site="LARGE",
        project_id="mine",
        collected_at=NOW,
        networks=networks,
        routers=routers,
        ports=tuple(_port(number, networks, routers) for number in range(400)),
        floating_ips=tuple(_address(number, networks[0]) for number in range(100)),
        flavors=tuple(_flavor(number, chance) for number in range(1000)),
        images=tuple(_image(number, chance) for number in range(2000)),
        quotas=tuple(Quota(name=name, used=3, limit=5000) for name in ("cores", "volumes")),
    )


def _network(number: int, chance: random.Random) -> Network:
    external = number < 10
    first = f"147.251.{number}" if number == 0 else f"10.{number}.{chance.randrange(256)}"
    subnet = Subnet(id=f"s{number}", network_id=f"n{number}", cidr=f"{first}.0/24", ip_version=4)
    return Network(
        id=f"n{number}",
        name=f"net-{number}",
        external=external,
        shared=number % 7 == 0,
        owned=not external,
        subnets=() if external and number % 2 else (subnet,),
        hidden_subnets=number % 2 if external else 0,
    )


def _router(number: int, gateway: Network) -> Router:
    return Router(id=f"r{number}", name=f"router-{number}", external_network_id=gateway.id)


def _port(number: int, networks: tuple[Network, ...], routers: tuple[Router, ...]) -> Port:
    inside = networks[10 + number % 90]
    leg = number < len(routers)
    return Port(
        network_id=inside.id,
        subnet_id=f"s{10 + number % 90}",
        address=f"10.{10 + number % 90}.0.{number % 250 + 1}",
        device_id=routers[number].id if leg else f"vm{number}",
        use="router" if leg else "server",
    )


def _address(number: int, pool: Network) -> FloatingIp:
    return FloatingIp(
        id=f"f{number}", address=f"147.251.0.{number + 1}", network_id=pool.id, attached=True
    )


def _flavor(number: int, chance: random.Random) -> Flavor:
    vcpus = chance.choice((1, 2, 4, 8, 16, 32, 64))
    specs = {"hw:cpu_policy": "shared", "quota:disk_read_iops_sec": "2000"}
    if number % 10 == 0:
        specs |= {"Accelerator:Type": "GPU", "Accelerator:Number": "1.0"}
    if number % 10 == 1:
        specs |= {"pci_passthrough:alias": "a100:1"}
    return Flavor(
        id=f"flavor-{chance.getrandbits(64):016x}",
        name=f"hpc.{vcpus}core-{number}",
        vcpus=vcpus,
        ram_mb=1024 * vcpus * chance.choice((1, 2, 4, 8)),
        disk_gb=chance.choice((0, 10, 20, 40, 80)),
        extra_specs=specs,
    )


def _image(number: int, chance: random.Random) -> Image:
    system, version = chance.choice(
        (("ubuntu", "22.04"), ("ubuntu", "24.04"), ("alma", "9"), ("debian", "12"))
    )
    properties = {"architecture": "x86_64", "hw_disk_bus": "virtio"}
    name = f"{system}-{version}-{number}"
    if number % 2:
        annotations = {
            "eu.egi.cloud.image_ref": f"egi_vm_images/{system}:{version}",
            "eu.egi.cloud.description": f"EGI {system} image number {number}",
            "org.openstack.glance.os_distro": system,
            "org.openstack.glance.os_version": version,
            "org.openstack.glance.os_admin_user": system,
        }
        properties |= {
            "image_list": "egi_vm_images",
            "APPLIANCE_ATTRIBUTES": json.dumps(annotations),
        }
        name = f"registry.egi.eu egi_vm_images/{system}:{version}"
    if number % 3:
        properties |= {"os_distro": system, "os_version": version}
    return Image(
        id=f"image-{chance.getrandbits(64):016x}",
        name=name,
        status="active",
        visibility=chance.choice(("public", "shared", "community")),
        created_at=NOW - timedelta(hours=number),
        min_disk_gb=8,
        size_bytes=700_000_000,
        properties=properties,
    )


if __name__ == "__main__":
    for what, value in main().items():
        print(f"{what:<45} {value:>9.2f}")
