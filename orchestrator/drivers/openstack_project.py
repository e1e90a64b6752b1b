"""All that carries a mark of ours in one project, deployment by deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.drivers import openstack_marks
from orchestrator.drivers.openstack_marks import MARK, Resource, maker_of

_NAME = f"{MARK.removesuffix('.id')}.name"
_USE_CASE = f"{MARK.removesuffix('.id')}.use_case"
_KEYPAIR = "orchestrator-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What the site has of one deployment, and what it says of who made it and what it takes."""

    deployment_id: str
    name: str  # as its servers tell it; empty where none is left
    use_case: str
    resources: tuple[Resource, ...]
    makers: frozenset[str]  # Keystone's ids of the users, as far as the site tells them
    has_own_keypair: bool  # Nova lists nobody else's
    costs: Mapping[str, str]  # by a resource's id: what it takes of the project
    made_at: Mapping[str, str]  # by a resource's id
    kept: frozenset[str] = (
        frozenset()
    )  # ids of volumes that somebody keeps; not among the resources


def find_all(cloud: Any) -> list[Marked]:
    """Return every deployment of which the project has something, sorted by id."""
    listed = _Listed(cloud)
    servers = {server.id: server for server in listed.compute.servers()}
    volumes = {volume.id: volume for volume in _volumes(listed)}
    addresses = {ip.id: ip for ip in listed.network.ips()}
    told = {**servers, **volumes, **addresses, **_parts(listed.network)}
    return [
        _marked(
            deployment_id,
            tuple(openstack_marks.find(listed, deployment_id)),
            servers,
            volumes,
            told,
        )
        for deployment_id in sorted(_ids(listed))
    ]


def _marked(
    deployment_id: str,
    resources: tuple[Resource, ...],
    servers: Mapping[str, Any],
    volumes: Mapping[str, Any],
    told: Mapping[str, Any],
) -> Marked:
    kept = {one.id for one in resources if one.kept}
    resources = tuple(one for one in resources if one.id not in kept)
    own = [servers[one.id] for one in resources if one.kind == "server"]
    held = [volumes[one.id] for one in resources if one.kind == "volume"]
    first: Mapping[str, str] = next((server.metadata for server in own), {})
    makers = {str(one.user_id) for one in (*own, *held) if getattr(one, "user_id", None)}
    return Marked(
        deployment_id=deployment_id,
        name=str(first.get(_NAME, "")),
        use_case=str(first.get(_USE_CASE, "")),
        resources=resources,
        makers=frozenset(makers),
        has_own_keypair=any(one.kind == "keypair" for one in resources),
        costs={one.id: _cost(one, servers, volumes) for one in resources},
        made_at={
            one.id: str(getattr(told[one.id], "created_at", None) or "")
            for one in resources
            if one.id in told
        },
        kept=frozenset(kept),
    )


def _cost(one: Resource, servers: Mapping[str, Any], volumes: Mapping[str, Any]) -> str:
    """Return what a resource takes of the project's limits, in words; nothing where it is nothing much."""
    if one.kind == "server":
        # Sites older than 2017 tell the flavor's id alone.
        flavor = servers[one.id].flavor
        vcpus, ram = getattr(flavor, "vcpus", None), getattr(flavor, "ram", None)
        return f"{vcpus} vCPU, {int(ram) / 1024:g} GB" if vcpus and ram else ""
    if one.kind == "volume":
        return f"{volumes[one.id].size} GB of volume"
    return "1 address" if one.kind == "floating_ip" else ""


def _ids(listed: _Listed) -> set[str]:
    """Return the id of every deployment whose mark something carries."""
    servers = ((server.metadata or {}).get(MARK) for server in listed.compute.servers())
    pairs = (
        pair.name.removeprefix(_KEYPAIR)
        for pair in listed.compute.keypairs()
        if str(pair.name).startswith(_KEYPAIR)
    )
    volumes = ((volume.metadata or {}).get(MARK) for volume in _volumes(listed))
    described = (
        maker_of(one.description) for one in (*_parts(listed.network).values(), *_volumes(listed))
    )
    addresses = (maker_of(ip.description) for ip in listed.network.ips())
    return {found for found in (*servers, *pairs, *volumes, *described, *addresses) if found}


def _parts(network: Any) -> dict[str, Any]:
    lists: tuple[Callable[[], list[Any]], ...] = (
        network.networks,
        network.subnets,
        network.routers,
        network.ports,
        network.security_groups,
    )
    return {one.id: one for listing in lists for one in listing()}


def _volumes(listed: _Listed) -> list[Any]:
    if not listed.has_service("block-storage"):
        return []
    found: list[Any] = listed.block_storage.volumes()
    return found


class _Listed:
    """A project whose lists are each fetched once, however often they are asked for."""

    def __init__(self, cloud: Any) -> None:
        self.has_service: Callable[[str], bool] = cloud.has_service
        self.compute = _Once(cloud.compute)
        self.network = _Once(cloud.network)
        self._cloud = cloud
        self._volumes: _Once | None = None

    @property
    def block_storage(self) -> _Once:
        """Its volumes; a site without any is not asked."""
        self._volumes = self._volumes or _Once(self._cloud.block_storage)
        return self._volumes


class _Once:
    """A service of which only lists are asked, each fetched once."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self._kept: dict[str, list[Any]] = {}

    def __getattr__(self, name: str) -> Callable[..., list[Any]]:
        def listed(**query: Any) -> list[Any]:
            key = f"{name} {sorted(query.items())}"
            if key not in self._kept:
                self._kept[key] = list(getattr(self._service, name)(**query))
            return self._kept[key]

        return listed
