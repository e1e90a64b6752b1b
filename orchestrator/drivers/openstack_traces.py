"""What a site tells of how one deployment was made, for somebody who has no record of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.drivers import openstack_marks
from orchestrator.drivers.openstack_listings import content_of
from orchestrator.drivers.openstack_marks import MARK, Resource

_WORDS = MARK.removesuffix(".id")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTrace:
    """One server with the port and the address by which it is reached."""

    name: str
    server_id: str
    made_at: str
    flavor: str  # its name; on sites older than 2017 its id
    image_id: str | None  # None: it boots from a volume
    boot_volume_gb: int
    network_id: str
    subnet_id: str | None
    addresses: tuple[str, ...]  # its own, as its port has them
    floating_ip: str | None = None
    floating_ip_id: str | None = None
    floating_network_id: str | None = None
    floating_ip_is_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """All that the site tells of one deployment."""

    deployment_id: str
    name: str  # empty where no server is left to tell it
    use_case: str
    resources: tuple[Resource, ...]
    nodes: tuple[NodeTrace, ...]
    gateway_network_id: str | None  # behind its own router


def find(cloud: Any, deployment_id: str) -> Traces:
    """Read what the site tells of a deployment; all is empty where it has nothing of it."""
    resources = tuple(openstack_marks.find(cloud, deployment_id))
    ids = {kind: {one.id for one in resources if one.kind == kind} for kind in _READ}
    servers = _among(cloud.compute.servers(), ids["server"])
    ports = _among(cloud.network.ports(), ids["port"])
    routers = _among(cloud.network.routers(), ids["router"])
    addresses = {one.port_id: one for one in cloud.network.ips() if one.port_id in ids["port"]}
    words: Mapping[str, str] = servers[0].metadata if servers else {}
    gateways = [(one.external_gateway_info or {}).get("network_id") for one in routers]
    return Traces(
        deployment_id=deployment_id,
        name=str(words.get(f"{_WORDS}.name", "")),
        use_case=str(words.get(f"{_WORDS}.use_case", "")),
        resources=resources,
        nodes=tuple(
            _node(cloud, server, port, addresses.get(port.id), ids["floating_ip"])
            for server in sorted(servers, key=lambda one: str(one.name))
            for port in ports
            if port.device_id == server.id
        ),
        gateway_network_id=next((str(found) for found in gateways if found), None),
    )


def faults(cloud: Any, deployment_id: str) -> dict[str, str]:
    """Return what Nova notes of a deployment's broken servers, by whose words of what."""
    told = {
        f"{one.name}, in Nova's words": _novas_words(cloud.compute, one.id)
        for one in cloud.compute.servers()
        if one.status == "ERROR" and (one.metadata or {}).get(MARK) == deployment_id
    }
    return _told(told)


def volume_faults(cloud: Any, deployment_id: str) -> dict[str, str]:
    """Return what Cinder notes of a deployment's broken volumes, by whose words of what."""
    told = {
        f"{one.name}, in Cinder's words": _cinders_words(cloud.block_storage, one.id)
        for one in openstack_marks.find_volumes(cloud, deployment_id)
        if one.status == "ERROR"
    }
    return _told(told)


def _told(words: Mapping[str, str]) -> dict[str, str]:
    return {whose: " ".join(text.split()) for whose, text in words.items() if text}


def _novas_words(compute: Any, server_id: str) -> str:
    """Return the fault of one server, which is asked for.

    Nova's listing has the faults of one of its cells only, and a server that no host took is in
    another one than those that broke on a host.
    """
    return str((compute.get_server(server_id).fault or {}).get("message") or "")


def _cinders_words(storage: Any, volume_id: str) -> str:
    """Return what Cinder tells users of a volume; nothing where it is too old for that, or does not."""
    # 3.5 of Cinder's microversions is the first that tells the messages of one volume.
    answer = storage.get(
        f"/messages?resource_uuid={volume_id}", microversion="3.5", raise_exc=False
    )
    messages = content_of(answer).get("messages") if answer.ok else None
    return "; ".join(str(one["user_message"]) for one in messages or ())


_READ = ("server", "port", "router", "floating_ip")


def _among(listed: Iterable[Any], ids: set[str]) -> list[Any]:
    return [one for one in listed if one.id in ids]


def _node(cloud: Any, server: Any, port: Any, address: Any, ours: set[str]) -> NodeTrace:
    flavor = server.flavor
    image = str(getattr(server.image, "id", None) or "") or None
    fixed = list(port.fixed_ips or ())
    told: dict[str, Any] = {}
    if address is not None:
        told = {
            "floating_ip": str(address.floating_ip_address),
            "floating_ip_id": str(address.id),
            "floating_network_id": str(address.floating_network_id),
            "floating_ip_is_ours": address.id in ours,
        }
    return NodeTrace(
        name=str(server.name),
        server_id=str(server.id),
        made_at=str(server.created_at or ""),
        flavor=str(getattr(flavor, "original_name", None) or getattr(flavor, "id", "")),
        image_id=image,
        boot_volume_gb=0 if image else _boot_volume_gb(cloud, server),
        network_id=str(port.network_id),
        subnet_id=next((str(one["subnet_id"]) for one in fixed if one.get("subnet_id")), None),
        addresses=tuple(str(one["ip_address"]) for one in fixed),
        **told,
    )


def _boot_volume_gb(cloud: Any, server: Any) -> int:
    """Return the size of the volume that a server boots from."""
    attached = {one["id"] for one in server.attached_volumes or ()}
    volumes = (one for one in cloud.block_storage.volumes() if one.id in attached)
    return next((int(one.size) for one in volumes if str(one.is_bootable).lower() == "true"), 0)
