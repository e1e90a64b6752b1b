"""The mark that every resource of a deployment carries: finding by it, removing what has it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MARK = "eu.egi.cloud.orchestrator.id"
# Only at its start: what a person writes about a deployment is not the deployment's.
_MARKED = re.compile(r"orchestrator deployment ([\w-]+)")
_PATIENCE = 120  # seconds until a deleted server or volume is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something that exists in the project."""

    kind: str  # server, volume, keypair, network, subnet, router, router_interface, port, ...
    id: str
    name: str
    parent_id: str | None = None  # a router interface's router, a floating IP's port


def find(cloud: Any, deployment_id: str) -> Iterator[Resource]:
    """Yield every resource of the project that carries the deployment's mark, once."""
    yield from _compute(cloud, deployment_id)
    yield from _network(cloud.network, _marker(deployment_id))
    yield from _volumes(cloud, deployment_id)


def find_server(cloud: Any, name: str, deployment_id: str) -> Resource | None:
    """Return the deployment's server of this name, or None where there is none."""
    servers = (server for server in _compute(cloud, deployment_id) if server.kind == "server")
    return next((server for server in servers if server.name == name), None)


def remove(cloud: Any, resource: Resource) -> None:
    """Delete one resource and wait until it is gone; one that is gone already is no error."""
    try:
        _REMOVALS.get(resource.kind, _remove_network_part)(cloud, resource)
    except Exception as error:
        # openstacksdk's own class of it cannot be named here: this module does not import it.
        if getattr(error, "status_code", None) != 404:
            raise


def _compute(cloud: Any, deployment_id: str) -> Iterator[Resource]:
    for server in cloud.compute.servers():
        if (server.metadata or {}).get(MARK) == deployment_id:
            yield _resource("server", server)
    for pair in cloud.compute.keypairs():
        if pair.name == f"orchestrator-{deployment_id}":
            yield Resource(kind="keypair", id=pair.name, name=pair.name)


def _network(network: Any, marked: Callable[[Any], bool]) -> Iterator[Resource]:
    routers = [router for router in network.routers() if marked(router)]
    ports = list(network.ports())
    for kind, listed in (
        ("network", network.networks()),
        ("subnet", network.subnets()),
        ("security_group", network.security_groups()),
    ):
        yield from (_resource(kind, one) for one in listed if marked(one))
    yield from (_resource("router", router) for router in routers)
    yield from (_resource("port", port) for port in ports if marked(port))
    yield from _interfaces(ports, {router.id for router in routers})
    for ip in network.ips():
        # One that the project held before and our port only uses is no resource of ours.
        if marked(ip):
            yield Resource(
                kind="floating_ip", id=ip.id, name=ip.floating_ip_address, parent_id=ip.port_id
            )


def _interfaces(ports: list[Any], routers: set[str]) -> Iterator[Resource]:
    # Distributed and highly available routers name their interfaces otherwise.
    for port in ports:
        owner = port.device_owner or ""
        if port.device_id in routers and "router" in owner and "interface" in owner:
            yield Resource(
                kind="router_interface", id=port.id, name=port.name or "", parent_id=port.device_id
            )


def _volumes(cloud: Any, deployment_id: str) -> Iterator[Resource]:
    if not cloud.has_service("block-storage"):
        return
    marked = _marker(deployment_id)
    for volume in cloud.block_storage.volumes():
        if marked(volume) or (volume.metadata or {}).get(MARK) == deployment_id:
            yield _resource("volume", volume)


def maker_of(description: str | None) -> str | None:
    """Return the id of the deployment whose mark a description carries, or None."""
    found = _MARKED.match(description or "")
    return found[1] if found else None


def _marker(deployment_id: str) -> Callable[[Any], bool]:
    return lambda found: maker_of(found.description) == deployment_id


def _resource(kind: str, found: Any) -> Resource:
    return Resource(kind=kind, id=found.id, name=found.name or "")


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


def _remove_network_part(cloud: Any, resource: Resource) -> None:
    kind = {"floating_ip": "ip"}.get(resource.kind, resource.kind)
    getattr(cloud.network, f"delete_{kind}")(resource.id)


_REMOVALS: dict[str, Callable[[Any, Resource], None]] = {
    "server": _remove_server,
    "volume": _remove_volume,
    "keypair": _remove_keypair,
    "router_interface": _remove_interface,
}
