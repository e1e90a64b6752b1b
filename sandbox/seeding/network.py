"""The networks of the site, and who may use which; most projects start without one of their own."""

from typing import Any

from openstack import exceptions

from sandbox.networks import EXTERNAL, NETWORKS, Network, Subnet
from sandbox.seeding.identity import projects, unusual
from sandbox.vos import Vo

OWN, OWN_CIDR = "routed", "10.81.0.0/24"


def seed(cloud: Any, facts: dict[str, Any]) -> None:
    """Make the networks, give each VO those that are its, and set the quotas."""
    shares = projects(cloud)
    # Projects name their networks as they like; the wire is ours.
    there = {own.provider_physical_network: own.id for own in cloud.network.networks()}
    for network in NETWORKS:
        own = there.get(network.wire) or _make(cloud, network)
        _complete(cloud, network, own)
        _share(cloud, own, rights(network.name, shares))
    for project, quota in unusual(cloud, lambda vo: {"floatingip": vo.floating_ips}):
        answer = cloud.network.put(f"/quotas/{project}", json={"quota": quota})
        exceptions.raise_from_response(answer)
    for vo, project in shares:
        if vo.owns_router:
            _own_network(cloud, project)


def rights(name: str, shares: list[tuple[Vo, str]]) -> set[tuple[str, str]]:
    """Return which right on a network goes to which project."""
    outward = {("access_as_external", project) for vo, project in shares if name in vo.external}
    return outward | {("access_as_shared", project) for vo, project in shares if name in vo.shared}


def _make(cloud: Any, network: Network) -> str:
    made = cloud.network.create_network(
        name=network.name,
        is_router_external=network.external,
        provider_network_type="flat",
        provider_physical_network=network.wire,
    )
    return str(made.id)


def _complete(cloud: Any, network: Network, own: str) -> None:
    """Make the subnets that are missing."""
    there = {subnet.cidr for subnet in cloud.network.subnets(network_id=own)}
    for subnet in network.subnets:
        if subnet.cidr not in there:
            described = _described(subnet)
            cloud.network.create_subnet(name=network.name, network_id=own, **described)


def _described(subnet: Subnet) -> dict[str, Any]:
    start, end = subnet.pool
    return {
        "ip_version": 6 if ":" in subnet.cidr else 4,
        "cidr": subnet.cidr,
        "gateway_ip": subnet.gateway,
        "allocation_pools": [{"start": start, "end": end}],
        "is_dhcp_enabled": subnet.dhcp,
    }


def _share(cloud: Any, network: str, wanted: set[tuple[str, str]]) -> None:
    """Give what is wanted and take the rest: Neutron shows an external network to everybody."""
    there = {
        (policy.action, policy.target_project_id): policy
        for policy in cloud.network.rbac_policies(object_id=network)
    }
    for action, project in wanted - set(there):
        cloud.network.create_rbac_policy(
            object_type="network", object_id=network, action=action, target_project_id=project
        )
    # After the others: a right that somebody's router needs cannot be taken.
    for right in set(there) - wanted:
        cloud.network.delete_rbac_policy(there[right])


def _own_network(cloud: Any, project: str) -> None:
    """Make what a site's administrators made for a project: network, subnet and router."""
    network, owner = cloud.network, {"project_id": project}
    own = network.find_network(OWN, **owner) or network.create_network(name=OWN, **owner)
    subnet = network.find_subnet(OWN, **owner) or network.create_subnet(
        name=OWN, network_id=own.id, ip_version=4, cidr=OWN_CIDR, **owner
    )
    outside = {"network_id": network.find_network(EXTERNAL).id}
    router = network.find_router(OWN, **owner) or network.create_router(
        name=OWN, external_gateway_info=outside, **owner
    )
    if not list(network.ports(device_id=router.id, network_id=own.id)):
        network.add_interface_to_router(router, subnet_id=subnet.id)
