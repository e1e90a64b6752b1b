"""The mark that every resource of a deployment carries: finding by it, removing what has it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

MARK = "eu.egi.cloud.orchestrator.id"
KEPT = "eu.egi.cloud.orchestrator.kept"  # of a volume that outlives its deployment
_ADDRESS = "eu.egi.cloud.orchestrator.address"
_VOLUME = "eu.egi.cloud.orchestrator.volume"  # of a server: the volume of before that it is given
_KEYPAIR = "module.access.openstack_compute_keypair_v2.this"
# Only at its start: what a person writes about a deployment is not the deployment's.
_MARKED = re.compile(r"orchestrator deployment ([\w-]+)(?: at (\S+))?")
_PATIENCE = 120  # seconds until a deleted server or volume is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something that exists in the project."""

    kind: str  # server, volume, keypair, network, subnet, router, router_interface, port, ...
    id: str
    name: str
    parent_id: str | None = None  # a router interface's router, a floating IP's port
    address: str | None = None  # where it stands in the deployment's Terraform code
    status: str = ""  # a server's in Nova's word, a volume's in Cinder's, in capitals
    made_at: str = ""
    in_use: bool = False  # a server that runs; a port, an address or a volume that something has
    volumes: tuple[str, ...] = ()  # a server's: the deployment's, or the one that it was given
    size_gb: int = 0  # a volume's
    kept: bool = False  # a volume that is meant to outlive its deployment

    def __post_init__(self) -> None:
        """Raise TypeError for what a site told in place of texts."""
        texts = (self.id, self.name, self.parent_id, self.address, self.made_at, *self.volumes)
        if not all(isinstance(text, str | None) for text in texts) or not self.id:
            raise TypeError(f"a {self.kind} with the id {self.id!r} and the name {self.name!r}")


def moment(told: str) -> datetime | None:
    """Return a service's time, None where it is none; Cinder leaves the zone out, and means UTC."""
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def find(cloud: Any, deployment_id: str) -> Iterator[Resource]:
    """Yield every resource of the project that carries the deployment's mark, once."""
    volumes = list(find_volumes(cloud, deployment_id))
    yield from _compute(cloud, deployment_id, {one.id for one in volumes})
    yield from _network(cloud.network, _marker(deployment_id))
    yield from volumes


def find_server(cloud: Any, name: str, deployment_id: str) -> Resource | None:
    """Return the deployment's server of this name, or None where there is none."""
    servers = (server for server in _compute(cloud, deployment_id) if server.kind == "server")
    return next((server for server in servers if server.name == name), None)


def find_volumes(cloud: Any, deployment_id: str) -> Iterator[Resource]:
    """Yield the deployment's volumes; none where a site has no block storage."""
    if not cloud.has_service("block-storage"):
        return
    marked = _marker(deployment_id)
    for volume in cloud.block_storage.volumes():
        metadata = volume.metadata or {}
        if marked(volume) or metadata.get(MARK) == deployment_id:
            yield Resource(
                kind="volume",
                id=volume.id,
                name=volume.name or "",
                # A person may have written another description.
                address=address_of(volume.description) or metadata.get(_ADDRESS),
                status=str(volume.status or "").upper(),
                made_at=str(volume.created_at or ""),
                in_use=bool(volume.attachments),
                size_gb=int(volume.size or 0),
                kept=KEPT in metadata,
            )


def public_key(cloud: Any, deployment_id: str) -> str | None:
    """Return the public key of the deployment's key pair, None where there is no such pair."""
    found = cloud.compute.find_keypair(_keypair(deployment_id))
    return str(found.public_key) if found is not None else None


def other_user(cloud: Any, floating_ip_id: str, deployment_id: str) -> str | None:
    """Return the port that a floating IP leads to, None where it is the deployment's own or none."""
    used = {ip.port_id for ip in cloud.network.ips() if ip.id == floating_ip_id} - {None}
    marked = _marker(deployment_id)
    own = {port.id for port in cloud.network.ports() if marked(port)}
    return next((f"port {found}" for found in used - own), None)


def remove(cloud: Any, resource: Resource) -> None:
    """Delete one resource and wait until it is gone; one that is gone already is no error."""
    try:
        _REMOVALS.get(resource.kind, _remove_network_part)(cloud, resource)
    except Exception as error:
        # openstacksdk's own class of it cannot be named here: this module does not import it.
        if getattr(error, "status_code", None) != 404:
            raise


def _compute(cloud: Any, deployment_id: str, volumes: Collection[str] = ()) -> Iterator[Resource]:
    for server in cloud.compute.servers():
        metadata = server.metadata or {}
        if metadata.get(MARK) == deployment_id:
            yield Resource(
                kind="server",
                id=server.id,
                name=server.name or "",
                address=metadata.get(_ADDRESS),
                status=str(server.status or ""),
                made_at=str(server.created_at or ""),
                in_use=server.status == "ACTIVE",
                volumes=_data_volumes(server, metadata, volumes),
            )
    for pair in cloud.compute.keypairs():
        if pair.name == _keypair(deployment_id):
            yield Resource(kind="keypair", id=pair.name, name=pair.name, address=_KEYPAIR)


def _data_volumes(
    server: Any, metadata: Mapping[str, str], volumes: Collection[str]
) -> tuple[str, ...]:
    """Return which of the deployment's volumes, or the one that it was given, a server has."""
    ours = {*volumes, metadata.get(_VOLUME)}
    return tuple(one["id"] for one in server.attached_volumes or () if one["id"] in ours)


def _network(network: Any, marked: Callable[[Any], bool]) -> Iterator[Resource]:
    routers = [router for router in network.routers() if marked(router)]
    ports = list(network.ports())
    groups = list(network.security_groups())
    for kind, listed in (
        ("network", network.networks()),
        ("subnet", network.subnets()),
        ("security_group", groups),
        ("security_group_rule", _rules(groups)),
    ):
        yield from (_resource(kind, one) for one in listed if marked(one))
    yield from (_resource("router", router) for router in routers)
    yield from (
        replace(_resource("port", port), in_use=bool(port.device_id))
        for port in ports
        if marked(port)
    )
    yield from _interfaces(ports, routers)
    yield from _floating_ips(network, {port.id: port for port in ports if marked(port)}, marked)


def _rules(groups: Iterable[Any]) -> list[Any]:
    """Return the rules that the groups were listed with."""
    told = (rule for group in groups for rule in group.security_group_rules or ())
    return [
        SimpleNamespace(id=rule["id"], name="", description=rule.get("description"))
        for rule in told
    ]


def _interfaces(ports: list[Any], routers: list[Any]) -> Iterator[Resource]:
    # Distributed and highly available routers name their interfaces otherwise.
    own = {router.id: address_of(router.description) for router in routers}
    for port in ports:
        owner = port.device_owner or ""
        if port.device_id in own and "router" in owner and "interface" in owner:
            yield Resource(
                kind="router_interface",
                id=port.id,
                name=port.name or "",
                parent_id=port.device_id,
                address=_beside(own[port.device_id], "router", "router_interface"),
            )


def _floating_ips(
    network: Any, own_ports: Mapping[str, Any], marked: Callable[[Any], bool]
) -> Iterator[Resource]:
    """Yield the deployment's floating IPs, and which address leads to which of its ports."""
    for ip in network.ips():
        name, port = ip.floating_ip_address, own_ports.get(ip.port_id)
        # One that the project held before and our port only uses is no resource of ours.
        if marked(ip):
            yield Resource(
                kind="floating_ip",
                id=ip.id,
                name=name,
                parent_id=ip.port_id,
                address=address_of(ip.description),
                in_use=bool(ip.port_id),
            )
        if port is not None:
            yield Resource(
                kind="floating_ip_association",
                id=ip.id,
                name=name,
                parent_id=port.id,
                address=_beside(address_of(port.description), "port", "floatingip_associate"),
            )


def _beside(address: str | None, kind: str, other: str) -> str | None:
    """Return the address of what belongs to something and carries no mark of its own."""
    names = f"openstack_networking_{kind}_v2", f"openstack_networking_{other}_v2"
    return address.replace(*names, 1) if address else None


def _keypair(deployment_id: str) -> str:
    return f"orchestrator-{deployment_id}"


def maker_of(description: str | None) -> str | None:
    """Return the id of the deployment whose mark a description carries, or None."""
    found = _MARKED.match(description or "")
    return found[1] if found else None


def address_of(description: str | None) -> str | None:
    """Return the address in the deployment's Terraform code that a description tells, or None."""
    found = _MARKED.match(description or "")
    return found[2] if found else None


def _marker(deployment_id: str) -> Callable[[Any], bool]:
    return lambda found: maker_of(found.description) == deployment_id


def _resource(kind: str, found: Any) -> Resource:
    return Resource(
        kind=kind, id=found.id, name=found.name or "", address=address_of(found.description)
    )


def _remove_server(cloud: Any, resource: Resource) -> None:
    # Its ports and volumes are free only when it is gone.
    cloud.compute.delete_server(resource.id)
    server = cloud.compute.find_server(resource.id)
    if server is not None:
        cloud.compute.wait_for_delete(server, wait=_PATIENCE)


def _remove_volume(cloud: Any, resource: Resource) -> None:
    cloud.block_storage.delete_volume(resource.id)
    volume = cloud.block_storage.find_volume(resource.id)
    if volume is not None:
        cloud.block_storage.wait_for_delete(volume, wait=_PATIENCE)


def _remove_keypair(cloud: Any, resource: Resource) -> None:
    cloud.compute.delete_keypair(resource.id)


def _remove_interface(cloud: Any, resource: Resource) -> None:
    cloud.network.remove_interface_from_router(resource.parent_id, port_id=resource.id)


def _remove_association(cloud: Any, resource: Resource) -> None:
    # The address is the project's own and stays.
    cloud.network.update_ip(resource.id, port_id=None)


def _remove_network_part(cloud: Any, resource: Resource) -> None:
    kind = {"floating_ip": "ip"}.get(resource.kind, resource.kind)
    getattr(cloud.network, f"delete_{kind}")(resource.id)


_REMOVALS: dict[str, Callable[[Any, Resource], None]] = {
    "server": _remove_server,
    "volume": _remove_volume,
    "keypair": _remove_keypair,
    "router_interface": _remove_interface,
    "floating_ip_association": _remove_association,
}
