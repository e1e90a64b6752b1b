"""What one project may use at a site, as listed there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """A subnet as the project may see it."""

    id: str
    network_id: str
    cidr: str
    ip_version: int
    name: str = ""
    gateway_ip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network as the project may see it; ``subnets`` lacks those that are hidden from it."""

    id: str
    name: str
    external: bool
    shared: bool
    owned: bool
    is_default: bool = False
    active: bool = True
    mtu: int | None = None
    tags: tuple[str, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    hidden_subnets: int = 0
    made_by: str | None = None  # the deployment of ours that made it, and will remove it


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """A router of the project and the external network behind it."""

    id: str
    name: str
    external_network_id: str | None
    external_addresses: tuple[str, ...] = ()
    made_by: str | None = None  # the deployment of ours that made it, and will remove it


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of the project: one address on one network, and what has it."""

    network_id: str
    subnet_id: str
    address: str
    device_id: str
    use: str  # server, router, other


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatingIp:
    """A floating IP that the project holds."""

    id: str
    address: str
    network_id: str
    attached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """A flavor: whole vCPUs, memory in MB, disks in GB."""

    id: str
    name: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    ephemeral_gb: int = 0
    disabled: bool = False
    extra_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image with its Glance properties."""

    id: str
    name: str
    status: str
    visibility: str
    created_at: datetime
    min_disk_gb: int = 0
    min_ram_mb: int = 0
    size_bytes: int = 0
    hidden: bool = False
    tags: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One limit of the project; a limit of None means unlimited."""

    name: str  # cores, ram_mb, instances, volumes, volume_gb, floating_ips, networks, routers, ...
    used: int
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A network over which a machine of ours was reached from here, and when last."""

    network_id: str
    topology: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume that the project holds."""

    id: str
    name: str
    size_gb: int
    status: str  # Cinder's word: available, in-use, error, ...
    bootable: bool = False
    made_by: str | None = None  # the deployment of ours that made it


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one project may use at one site, as listed at one moment."""

    site: str
    project_id: str
    collected_at: datetime
    networks: tuple[Network, ...]
    routers: tuple[Router, ...]
    floating_ips: tuple[FloatingIp, ...]
    flavors: tuple[Flavor, ...]
    images: tuple[Image, ...]
    quotas: tuple[Quota, ...]
    ports: tuple[Port, ...] = ()
    volumes: tuple[Volume, ...] = ()  # listed where a deployment is to have one, and not else
    gaps: Mapping[str, str] = field(default_factory=dict)  # what could not be listed, and why
