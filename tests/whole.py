"""An offer that has something in every field of every part."""

from datetime import UTC, datetime

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

START = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


def subnet(id="s1", **given):
    plain = {"network_id": "n1", "cidr": "193.1.2.0/24", "ip_version": 4}
    return Subnet(id=id, name="sub", gateway_ip="193.1.2.1", **(plain | given))


def network(name="ext", **given):
    plain = {
        "id": f"id-{name}",
        "external": True,
        "shared": False,
        "owned": False,
        "is_default": True,
        "mtu": 1442,
        "tags": ("b", "a"),
        "subnets": (subnet(),),
        "hidden_subnets": 1,
    }
    return Network(name=name, **(plain | given))


def flavor(name="m1", **given):
    plain = {"id": f"id-{name}", "vcpus": 2, "ram_mb": 4096, "disk_gb": 20}
    return Flavor(name=name, **(plain | given))


def image(name="Debian 12", **given):
    plain = {
        "id": f"id-{name}",
        "status": "active",
        "visibility": "public",
        "created_at": datetime(2026, 11, 18, 1, 2, 3, tzinfo=UTC),
        "size_bytes": 2**33,
        "tags": ("t",),
        "properties": {"os_distro": "debian", "os_version": "12"},
    }
    return Image(name=name, **(plain | given))


def offer(**given):
    """Return an offer with something in every part, unless told otherwise."""
    plain = {
        "site": "S",
        "project_id": "p1",
        "collected_at": START,
        "networks": (network(), network("int", external=False, owned=True)),
        "routers": (
            Router(
                id="r1",
                name="r",
                external_network_id="id-ext",
                external_addresses=("193.1.2.9",),
                made_by="0f3c",
            ),
        ),
        "ports": (
            Port(network_id="n1", subnet_id="s1", address="10.0.0.5", device_id="d", use="server"),
        ),
        "floating_ips": (
            FloatingIp(id="f1", address="193.1.2.7", network_id="id-ext", attached=False),
        ),
        "flavors": (flavor(), flavor("g1", extra_specs={"Accelerator:Type": "GPU"})),
        "images": (image(),),
        "quotas": (Quota(name="cores", used=2, limit=20), Quota(name="ports", used=1, limit=None)),
        "gaps": {"volume quotas": "HTTP 403"},
    }
    return Offer(**(plain | given))
