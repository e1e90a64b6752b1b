"""Offers made of the listings that EGI's sites really showed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import yaml

from orchestrator.errors import OrchestratorError
from orchestrator.model import (
    Flavor,
    Image,
    ImageNeed,
    Need,
    Network,
    Offer,
    Site,
    Subnet,
)

DATA = Path(__file__).parents[2] / "data" / "egi"
DAY = datetime(2026, 11, 20, tzinfo=UTC)
UBUNTU = ImageNeed(distribution="ubuntu", version="22.04")
DEBIAN = ImageNeed(distribution="debian", version="12")


def outcome(call):
    """Return what a call chose, or the error with which it refused."""
    try:
        return call()
    except OrchestratorError as error:
        return error


def read(name):
    text = (DATA / name).read_text()
    return json.loads(text) if name.endswith("json") else yaml.safe_load(text)


def site(**given):
    return Site(name="S", endpoint="https://s.eu/v3", shares=(), origin="sites/S.yaml", **given)


def offer(**given):
    empty = {
        name: () for name in ("networks", "routers", "floating_ips", "flavors", "images", "quotas")
    }
    return Offer(site="S", project_id="mine", collected_at=DAY, **{**empty, **given})


def need(**given):
    return Need(**{"vcpus": 2, "ram_mb": 4096, "disk_gb": 10, "image": DEBIAN, **given})


def flavor(name="m1", vcpus=2, ram_mb=4096, disk_gb=20, **given):
    return Flavor(
        id=given.pop("id", f"id-{name}"),
        name=name,
        vcpus=vcpus,
        ram_mb=ram_mb,
        disk_gb=disk_gb,
        **given,
    )


def image(name="Debian 12", **given):
    plain = {"id": f"id-{name}", "status": "active", "visibility": "public", "created_at": DAY}
    return Image(name=name, **{**plain, **given})


def network(name="ext", cidrs=(), **given):
    subnets = tuple(
        Subnet(
            id=f"{name}-{cidr}",
            network_id=f"id-{name}",
            cidr=cidr,
            ip_version=6 if ":" in cidr else 4,
        )
        for cidr in cidrs
    )
    plain = {"id": f"id-{name}", "external": True, "shared": False, "owned": False}
    return Network(name=name, subnets=subnets, **{**plain, **given})


def egi_image(repository, tag, distribution, **given):
    properties = {
        "image_list": "egi_vm_images",
        "os_distro": distribution,
        "os_version": tag,
        "APPLIANCE_ATTRIBUTES": json.dumps(
            {
                "eu.egi.cloud.image_ref": f"egi_vm_images/{repository}:{tag}",
                "org.openstack.glance.os_admin_user": distribution,
            }
        ),
    }
    name = f"registry.egi.eu egi_vm_images/{repository}:{tag}"
    return image(name, **{"visibility": "shared", "properties": properties, **given})


def flavors_of(block):
    """Return the flavors of one site; what its source does not say is filled in, small."""
    made = []
    for listed in block["flavors"]:
        name = listed["name"] or listed.get("id", "")
        made.append(
            flavor(
                name,
                vcpus=listed.get("vcpus") or 2,
                ram_mb=listed.get("ram_mb") or 4096,
                disk_gb=listed.get("disk_gb") or 20,
                id=listed.get("id") or f"id-{name}",
                extra_specs=listed.get("extra_specs", {}),
            )
        )
    return tuple(made)


def networks_of(name):
    """Return the networks of one site as a project of it would see them."""
    found = {}
    for entry in read("networks.yaml")["networks"]:
        if entry["site"] == name:
            found[entry["name"]] = network(
                entry["name"],
                entry.get("cidrs", ()),
                external=entry["role"] in ("public", "ext-private"),
                shared=bool(entry.get("shared")),
                owned=entry["role"] == "private",
            )
    return tuple(found.values())
