"""A record made from a site's listing alone: what was chosen, and where the nodes are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator import rendering
from orchestrator.auth.token import AccessToken
from orchestrator.catalogue.parameters import read_parameters
from orchestrator.discovery.collecting import collect
from orchestrator.drivers.openstack_marks import Resource, moment
from orchestrator.drivers.openstack_traces import NodeTrace, Traces
from orchestrator.entering import enter
from orchestrator.errors import RequestError
from orchestrator.lifecycle import Phase
from orchestrator.model import (
    Attachment,
    Choice,
    Deployment,
    Node,
    Offer,
    Selection,
    Share,
    Site,
    UseCase,
)
from orchestrator.names import check_name
from orchestrator.planning import PAGE
from orchestrator.selection import flavors
from orchestrator.takingback import Recovered

UNKNOWN_USE_CASE = "unknown"
_ORIGIN = "the site's listing"
_ID = re.compile(r"[\w-]{1,36}")
# What the modules append to the deployment's name, where no server is left to tell it.
_SUFFIXES = {"network": "-network", "subnet": "-subnet", "router": "-router", "security_group": "-ssh"}  # fmt: skip
_LABELS = {
    "floating": "floating IPs",
    "bastion": "one floating IP, the other nodes behind it",
    "direct": "addresses of the nodes' own",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found at the site, and what else the project has there."""

    traces: Traces
    offer: Offer  # gives names to ids
    site: str
    vo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A deployment that was taken over, and what could not be."""

    deployment: Deployment
    recovered: Recovered | None  # None: no state could be made, the listing has to do
    unknown: Mapping[str, str]  # what the listing does not tell, and what that means


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a site's listing tells of a deployment, in our own words."""

    name: str
    selection: Selection | None  # None: no server is left that tells what was chosen
    nodes: tuple[Node, ...]
    made_at: datetime | None
    has_page: bool = False  # ports are open for one: a name may lead there
    unknown: Mapping[str, str] = field(default_factory=dict)  # what the listing does not tell


def check_id(deployment_id: str) -> str:
    """Return an id that could be a deployment's, or raise RequestError."""
    if not _ID.fullmatch(deployment_id):
        raise RequestError(
            f"{deployment_id!r} cannot be the id of a deployment",
            way_out=["orchestrator sweep SITE --vo VO        lists the ids of yours there"],
        )
    return deployment_id


def require_unknown(record: Deployment | None, deployment_id: str) -> None:
    """Raise RequestError for a deployment that the store knows already."""
    if record is None:
        return
    if record.phase is Phase.DESTROYED:
        raise RequestError(
            f"{deployment_id} is {record.name}, which your record says was removed",
            way_out=[f"orchestrator sweep {record.site} --vo {record.vo} --only {deployment_id}"],
        )
    raise RequestError(
        f"{deployment_id} has a record here already: it is {record.name}",
        way_out=[f"orchestrator recover {record.name}", f"orchestrator status {record.name}"],
    )


def name_taken(taken: Deployment, deployment_id: str) -> RequestError:
    """Return the error that says that a name, which is part of every resource's, is another's here."""
    return RequestError(
        f"{deployment_id} is called {taken.name} at its site, and you have another deployment"
        " of that name here",
        facts={"yours": f"{taken.id} on {taken.site}"},
        way_out=[
            f"make destroy NAME={taken.name}        frees the name",
            "or take it over with another store: ORCHESTRATOR_HOME=FOLDER orchestrator adopt ...",
        ],
    )


def look(site: Site, share: Share, token: AccessToken, deployment_id: str) -> Seen:
    """Log in and see what a site has of a deployment; RequestError where that is nothing."""
    login, cloud = enter(site, share, token)
    traces = cloud.traces_of(deployment_id)
    if not traces.resources:
        raise RequestError(
            f"{site.name} has nothing for {share.vo} that carries the mark of {deployment_id}",
            way_out=[f"orchestrator sweep {site.name} --vo {share.vo}        lists the ids there"],
        )
    has_volume = any(one.volumes for one in traces.resources)
    offer = collect(cloud, site=site.name, project_id=login.project_id, volumes=has_volume)
    return Seen(traces=traces, offer=offer, site=site.name, vo=share.vo)


def record(
    told: Told,
    seen: Seen,
    *,
    owner: str,
    use_case: UseCase | None,
    now: datetime,
    expires_at: datetime,
) -> Deployment:
    """Return the record of what is taken over; until its state is made it is as one cut short."""
    return Deployment(
        id=seen.traces.deployment_id,
        name=told.name,
        owner=owner,
        site=seen.site,
        vo=seen.vo,
        project_id=seen.offer.project_id,
        use_case=use_case.name if use_case else seen.traces.use_case[:63] or UNKNOWN_USE_CASE,
        use_case_version=use_case.version if use_case else "",
        phase=Phase.APPLYING,
        created_at=told.made_at or now,
        updated_at=now,
        expires_at=expires_at,
        parameters=read_parameters(use_case, {}) if use_case else {},
        selection=told.selection,
        nodes=told.nodes,
    )


def read(seen: Seen, use_case: UseCase | None) -> Told:
    """Return what the traces of a deployment say of it."""
    traces, offer = seen.traces, seen.offer
    name = _name(traces)
    nodes = _ordered(traces, name, use_case)
    unknown = {"parameters": "those of the use case itself are taken"}
    if use_case is None:
        what = traces.use_case or "no server is left that tells it"
        unknown["use case"] = f"{what}: it is not on this computer"
    return Told(
        name=name,
        selection=_selection(traces, nodes, offer) if nodes and use_case else None,
        nodes=_nodes(nodes, name, use_case),
        has_page=any((one.address or "").startswith(PAGE) for one in traces.resources),
        made_at=min((at for node in nodes if (at := moment(node.made_at))), default=None),
        unknown=unknown,
    )


def _name(traces: Traces) -> str:
    """Return the deployment's name, as its servers or the names of its network parts tell it."""
    beginnings = (
        one.name.removesuffix(_SUFFIXES[one.kind])
        for one in traces.resources
        if one.kind in _SUFFIXES and one.name.endswith(_SUFFIXES[one.kind])
    )
    for name in (traces.name, *beginnings):
        try:
            return check_name(name)
        except RequestError:
            # Anybody in the project can write what stands there.
            continue
    return check_name(f"adopted-{traces.deployment_id.lower().replace('_', '-')}"[:40].rstrip("-"))


def _ordered(traces: Traces, name: str, use_case: UseCase | None) -> tuple[NodeTrace, ...]:
    """Return the nodes in the use case's order: the first one is the door to the others."""
    order = [f"{name}-{group.name}" for group in use_case.nodes] if use_case else []
    return tuple(
        sorted(
            traces.nodes,
            key=lambda one: (order.index(one.name) if one.name in order else len(order), one.name),
        )
    )


# --- the choices


def _selection(traces: Traces, nodes: Sequence[NodeTrace], offer: Offer) -> Selection:
    first = nodes[0]
    topology = _topology(nodes, traces)
    direct = topology.value == "direct"
    public = first.network_id if direct else _leading_out(nodes, traces)
    names = {one.id: one.name for one in offer.networks}
    attachment = _attachment(first, traces, direct=direct)
    private = first.network_id if attachment and not direct else None
    data, given = _data_volume(traces.resources, offer)
    return Selection(
        volume=given,
        volume_gb=data,
        flavor=_flavor(first, offer),
        image=_image(first, offer),
        topology=topology,
        public_network=_network("public_network", public, names),
        private_network=_network("private_network", private, names),
        floating_ip=_reused(nodes),
        boot_volume_gb=first.boot_volume_gb,
        attachment=attachment,
        ip_version=_ip_version(traces.resources),
    )


def _leading_out(nodes: Sequence[NodeTrace], traces: Traces) -> str | None:
    """Return the network that the addresses are of, or that is behind the router."""
    floating = (one.floating_network_id for one in nodes if one.floating_network_id)
    return next(floating, traces.gateway_network_id)


def _attachment(first: NodeTrace, traces: Traces, *, direct: bool) -> Attachment | None:
    """Return the network that was there before; None where one was made."""
    if any(one.kind == "network" for one in traces.resources):
        return None
    return Attachment(network_id=first.network_id, subnet_id=None if direct else first.subnet_id)


def _data_volume(resources: Sequence[Resource], offer: Offer) -> tuple[int, Choice | None]:
    """Return the size of the data volume, 0 for none, and the choice of one that was there before."""
    made = next((one for one in resources if one.kind == "volume"), None)
    if made is not None:
        return made.size_gb, None
    used = {volume for one in resources for volume in one.volumes}
    for one in offer.volumes:
        if one.id in used:
            return one.size_gb, _choice("volume", one.id, one.name, f"{one.name}, {one.size_gb} GB")
    return 0, None


def _topology(nodes: Sequence[NodeTrace], traces: Traces) -> Choice:
    with_address = [one for one in nodes if one.floating_ip]
    if not with_address and traces.gateway_network_id is None:
        return _choice("topology", "direct", "direct", _LABELS["direct"])
    # A use case may have nodes that are never public: one address of several is a bastion's.
    value = "bastion" if len(with_address) == 1 < len(nodes) else "floating"
    return _choice("topology", value, value, _LABELS[value])


def _ip_version(resources: Sequence[Resource]) -> int:
    """Return by which family the nodes are reached: SSH is let in from it."""
    rules = (one.address or "" for one in resources if one.kind == "security_group_rule")
    return 6 if any('"::/0"' in address for address in rules) else 4


def _flavor(node: NodeTrace, offer: Offer) -> Choice:
    found = next((one for one in offer.flavors if node.flavor in (one.name, one.id)), None)
    if found is None:
        return _choice(
            "flavor", node.flavor, node.flavor, f"{node.flavor}, which is no longer listed"
        )
    return _choice("flavor", found.id, found.name, flavors.label(found))


def _image(node: NodeTrace, offer: Offer) -> Choice:
    if node.image_id is None:
        return _choice("image", "", "", "on the volume that it boots from")
    found = next((one for one in offer.images if one.id == node.image_id), None)
    name = found.name if found else node.image_id
    return _choice("image", node.image_id, name, name if found else f"{name}, no longer listed")


def _network(key: str, network_id: str | None, names: Mapping[str, str]) -> Choice | None:
    if not network_id:
        return None
    name = names.get(network_id) or network_id
    return _choice(key, network_id, name, name)


def _reused(nodes: Sequence[NodeTrace]) -> Choice | None:
    """Return an address of the project that a node was given, and that is not ours."""
    for node in nodes:
        if node.floating_ip and not node.floating_ip_is_ours:
            address = str(node.floating_ip)
            return _choice("floating_ip", str(node.floating_ip_id), address, address)
    return None


def _choice(key: str, value: str, name: str, label: str) -> Choice:
    return Choice(
        key=key,
        value=value,
        name=name,
        label=label,
        reason="as the machine at the site has it",
        candidates=1,
        origin=_ORIGIN,
    )


# --- the nodes


def _nodes(traced: Sequence[NodeTrace], name: str, use_case: UseCase | None) -> tuple[Node, ...]:
    groups = {f"{name}-{one.name}": list(one.groups) for one in use_case.nodes} if use_case else {}
    door = next((one.name for one in traced if one.floating_ip), None)
    told: dict[str, Any] = {
        one.name: {
            "address": one.floating_ip or one.addresses[0],
            "port": 22,
            "user": rendering.LOGIN_USER,
            "groups": groups.get(one.name, []),
            "private_ip": one.addresses[0],
            "volumes": [],
            "via": None if one.floating_ip or door is None else door,
            "id": one.server_id,
        }
        for one in traced
        if one.addresses
    }
    return rendering.read_nodes({"nodes": told})
