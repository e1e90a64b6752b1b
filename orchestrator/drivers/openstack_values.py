"""openstacksdk's objects as our own values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.drivers.openstack_marks import maker_of
from orchestrator.model import (
    Flavor,
    FloatingIp,
    Image,
    Network,
    Port,
    Quota,
    Router,
    Subnet,
    Volume,
)


def subnet(found: Any) -> Subnet:
    """Return a subnet."""
    return Subnet(
        id=found.id,
        network_id=found.network_id,
        cidr=found.cidr or "",
        ip_version=found.ip_version or 4,
        name=found.name or "",
        gateway_ip=found.gateway_ip,
    )


def network(found: Any, project_id: str, subnets: tuple[Subnet, ...]) -> Network:
    """Return a network with those of its subnets that may be seen."""
    return Network(
        id=found.id,
        name=found.name or "",
        external=bool(found.is_router_external),
        shared=bool(found.is_shared),
        owned=found.project_id == project_id,
        is_default=bool(found.is_default),
        active=found.status in (None, "ACTIVE") and found.is_admin_state_up is not False,
        mtu=found.mtu,
        tags=tuple(found.tags or ()),
        subnets=subnets,
        # Their ids are told also where the subnets themselves are hidden.
        hidden_subnets=len(set(found.subnet_ids or ()) - {one.id for one in subnets}),
        made_by=maker_of(found.description),
    )


def router(found: Any) -> Router:
    """Return a router with the network behind it."""
    gateway = found.external_gateway_info or {}
    addresses = (fixed.get("ip_address") for fixed in gateway.get("external_fixed_ips", ()))
    return Router(
        id=found.id,
        name=found.name or "",
        external_network_id=gateway.get("network_id"),
        external_addresses=tuple(address for address in addresses if address),
        made_by=maker_of(found.description),
    )


def ports(found: Any) -> tuple[Port, ...]:
    """Return a port as one value per address."""
    owner = found.device_owner or ""
    # Distributed and highly available routers name their interfaces otherwise.
    legs = "router" in owner and "interface" in owner
    use = "server" if owner.startswith("compute:") else "router" if legs else "other"
    return tuple(
        Port(
            network_id=found.network_id,
            subnet_id=fixed["subnet_id"],
            address=fixed["ip_address"],
            device_id=found.device_id or "",
            use=use,
        )
        for fixed in found.fixed_ips or ()
    )


def floating_ip(found: Any) -> FloatingIp:
    """Return a floating IP."""
    return FloatingIp(
        id=found.id,
        address=found.floating_ip_address,
        network_id=found.floating_network_id,
        attached=bool(found.port_id),
    )


def flavor(found: Any) -> Flavor:
    """Return a flavor with its extra specs."""
    return Flavor(
        id=found.id,
        name=found.name or "",
        vcpus=found.vcpus or 0,
        ram_mb=found.ram or 0,
        disk_gb=found.disk or 0,
        ephemeral_gb=found.ephemeral or 0,
        disabled=bool(found.is_disabled),
        extra_specs=_texts(found.extra_specs),
    )


# Known to openstacksdk as attributes, and told by us as the properties that they are.
_ATTRIBUTES = {
    "os_distro": "os_distro",
    "os_version": "os_version",
    "os_admin_user": "os_admin_user",
    "architecture": "architecture",
    "disk_format": "disk_format",
    "container_format": "container_format",
    "owner_id": "owner",
}


def image(found: Any) -> Image:
    """Return an image with all its properties."""
    known = {name: getattr(found, key, None) for key, name in _ATTRIBUTES.items()}
    return Image(
        id=found.id,
        name=found.name or "",
        status=found.status or "",
        visibility=found.visibility or "",
        created_at=_moment(found.created_at),
        min_disk_gb=found.min_disk or 0,
        min_ram_mb=found.min_ram or 0,
        size_bytes=found.virtual_size or found.size or 0,
        hidden=bool(found.is_hidden),
        tags=tuple(found.tags or ()),
        properties=_texts({**(found.properties or {}), **known}),
    )


def volume(found: Any) -> Volume:
    """Return a volume."""
    return Volume(
        id=found.id,
        name=found.name or "",
        size_gb=found.size or 0,
        status=found.status or "",
        # Cinder writes a word.
        bootable=str(found.bootable).lower() == "true",
        made_by=maker_of(found.description),
    )


def _texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: str(value) for key, value in (values or {}).items() if value is not None}


def _moment(text: str | None) -> datetime:
    if not text:
        return datetime.fromtimestamp(0, UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# name -> the keys of its use and its limit
COMPUTE_QUOTAS = {
    "cores": ("totalCoresUsed", "maxTotalCores"),
    "ram_mb": ("totalRAMUsed", "maxTotalRAMSize"),
    "instances": ("totalInstancesUsed", "maxTotalInstances"),
}
NETWORK_QUOTAS = {
    "floatingip": "floating_ips",
    "network": "networks",
    "subnet": "subnets",
    "router": "routers",
    "port": "ports",
    "security_group": "security_groups",
    "security_group_rule": "security_group_rules",
}
VOLUME_QUOTAS = {"volumes": "volumes", "gigabytes": "volume_gb"}


def quota(name: str, used: int | None, limit: int | None) -> Quota:
    """Return a limit and its use; the site says -1 for unlimited."""
    unlimited = limit is None or limit < 0
    return Quota(name=name, used=used or 0, limit=None if unlimited else limit)
