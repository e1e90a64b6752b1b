"""What services list as our own values; StrangeAnswerError names what is not what it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from orchestrator.drivers.openstack_listings import Listed, StrangeAnswerError
from orchestrator.drivers.openstack_marks import maker_of, moment
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
from orchestrator.plaintext import one_line

# More than any site has of anything, and few enough to reckon with.
_MOST = 2**63


def subnet(found: Any) -> Subnet:
    """Return a subnet."""
    return Subnet(
        id=_id(found),
        network_id=_text(found, "network_id"),
        cidr=_text(found, "cidr"),
        ip_version=_number(found, "ip_version") or 4,
        name=_text(found, "name"),
        gateway_ip=_text(found, "gateway_ip") or None,
    )


def network(found: Any, project_id: str, subnets: tuple[Subnet, ...]) -> Network:
    """Return a network with those of its subnets that may be seen."""
    told = {str(one) for one in _list(found, "subnet_ids")}
    return Network(
        id=_id(found),
        name=_text(found, "name"),
        external=bool(found.is_router_external),
        shared=bool(found.is_shared),
        owned=found.project_id == project_id,
        is_default=bool(found.is_default),
        active=found.status in (None, "ACTIVE") and found.is_admin_state_up is not False,
        mtu=_number(found, "mtu") or None,
        tags=_texts_of(found, "tags"),
        subnets=subnets,
        # Their ids are told also where the subnets themselves are hidden.
        hidden_subnets=len(told - {one.id for one in subnets}),
        made_by=maker_of(_text(found, "description")),
    )


def router(found: Any) -> Router:
    """Return a router with the network behind it."""
    gateway = Listed({"id": found.id, **_mapping(found, "external_gateway_info")})
    addresses = (_text(fixed, "ip_address") for fixed in _parts(gateway, "external_fixed_ips"))
    return Router(
        id=_id(found),
        name=_text(found, "name"),
        external_network_id=_text(gateway, "network_id") or None,
        external_addresses=tuple(address for address in addresses if address),
        made_by=maker_of(_text(found, "description")),
    )


def ports(found: Any) -> tuple[Port, ...]:
    """Return a port as one value per address."""
    owner = _text(found, "device_owner")
    # Distributed and highly available routers name their interfaces otherwise.
    legs = "router" in owner and "interface" in owner
    use = "server" if owner.startswith("compute:") else "router" if legs else "other"
    return tuple(
        Port(
            network_id=_text(found, "network_id"),
            subnet_id=_text(fixed, "subnet_id"),
            address=_text(fixed, "ip_address"),
            device_id=_text(found, "device_id"),
            use=use,
        )
        for fixed in _parts(found, "fixed_ips")
    )


def floating_ip(found: Any) -> FloatingIp:
    """Return a floating IP."""
    return FloatingIp(
        id=_id(found),
        address=_text(found, "floating_ip_address"),
        network_id=_text(found, "floating_network_id"),
        attached=bool(found.port_id),
    )


def flavor(found: Any) -> Flavor:
    """Return a flavor with its extra specs."""
    return Flavor(
        id=_id(found),
        name=_text(found, "name"),
        vcpus=_number(found, "vcpus"),
        ram_mb=_number(found, "ram"),
        disk_gb=_number(found, "disk"),
        ephemeral_gb=_number(found, "ephemeral"),
        disabled=bool(found.is_disabled),
        extra_specs=_texts(_mapping(found, "extra_specs")),
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
        id=_id(found),
        name=_text(found, "name"),
        status=_text(found, "status"),
        visibility=_text(found, "visibility"),
        created_at=_moment(found, "created_at"),
        min_disk_gb=_number(found, "min_disk"),
        min_ram_mb=_number(found, "min_ram"),
        size_bytes=_number(found, "virtual_size") or _number(found, "size"),
        hidden=bool(found.is_hidden),
        tags=_texts_of(found, "tags"),
        properties=_texts({**_mapping(found, "properties"), **known}),
    )


def volume(found: Any) -> Volume:
    """Return a volume."""
    return Volume(
        id=_id(found),
        name=_text(found, "name"),
        size_gb=_number(found, "size"),
        status=_text(found, "status"),
        # Cinder writes a word.
        bootable=str(found.bootable).lower() == "true",
        made_by=maker_of(_text(found, "description")),
    )


def _told(found: Any, name: str, types: tuple[type, ...], otherwise: Any) -> Any:
    """Return what was told, of one of these types; something else where nothing was."""
    told = getattr(found, name)
    if told is None:
        return otherwise
    return told if isinstance(told, types) else _strange(found, name)


def _id(found: Any) -> str:
    return _text(found, "id") or _strange(found, "id")


def _text(found: Any, name: str) -> str:
    """Return a text, empty where none was told; a name of others may not act on a terminal."""
    return one_line(str(_told(found, name, (str, int, float), "")))


def _number(found: Any, name: str) -> int:
    """Return a whole number, 0 where none was told."""
    told = _told(found, name, (int, float, str), 0)
    try:
        # Some services write their numbers as texts.
        number = int(told)
    except (ValueError, OverflowError):
        _strange(found, name)
    return number if -_MOST < number < _MOST else _strange(found, name)


def _list(found: Any, name: str) -> Sequence[Any]:
    listed: Sequence[Any] = _told(found, name, (list, tuple), ())
    return listed


def _mapping(found: Any, name: str) -> Mapping[str, Any]:
    mapped: Mapping[str, Any] = _told(found, name, (Mapping,), {})
    return mapped


def _parts(found: Any, name: str) -> list[Listed]:
    """Return the parts of something, each to be read as a thing of its own."""
    told = _list(found, name)
    if not all(isinstance(one, Mapping) for one in told):
        _strange(found, name)
    return [Listed({"id": found.id, **one}) for one in told]


def _texts_of(found: Any, name: str) -> tuple[str, ...]:
    return tuple(one_line(str(one)) for one in _list(found, name))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        one_line(key): one_line(str(value)) for key, value in values.items() if value is not None
    }


def _moment(found: Any, name: str) -> datetime:
    told = getattr(found, name)
    if not told:
        return datetime.fromtimestamp(0, UTC)
    read = moment(told) if isinstance(told, str) else None
    return read or _strange(found, name)


def _strange(found: Any, name: str) -> NoReturn:
    told = one_line(repr(getattr(found, name)))
    raise StrangeAnswerError(f"the {name} of {one_line(str(found.id))[:60]} is {told[:60]}")


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


def quota(name: str, told: Any, *, used: str, limit: str) -> Quota:
    """Return a limit and its use, by their keys; the site says -1 for unlimited."""
    found = Listed({"id": name, **_mapping(Listed({"id": name, "quota": told}), "quota")})
    most = _number(found, limit)
    unlimited = getattr(found, limit) is None or most < 0
    return Quota(name=name, used=_number(found, used), limit=None if unlimited else most)
