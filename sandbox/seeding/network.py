"""The external network of the site; projects start without any network of their own."""

from typing import Any

from sandbox.layout import EXTERNAL_CIDR, EXTERNAL_GATEWAY
from sandbox.seeding.identity import DOMAIN, PROJECTS

NAME = "ext-2083"
POOL = {"start": "198.51.100.10", "end": "198.51.100.200"}
QUOTA = {"floatingip": 5}


def seed(cloud: Any, facts: dict[str, Any]) -> None:
    """Make the external network with its pool and set the quotas."""
    network = cloud.network.find_network(NAME) or cloud.network.create_network(
        name=NAME,
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="ext",
    )
    cloud.network.find_subnet(NAME) or cloud.network.create_subnet(
        name=NAME,
        network_id=network.id,
        ip_version=4,
        cidr=EXTERNAL_CIDR,
        gateway_ip=EXTERNAL_GATEWAY,
        allocation_pools=[POOL],
        is_dhcp_enabled=False,
    )
    domain = cloud.identity.find_domain(DOMAIN)
    for name in PROJECTS.values():
        project = cloud.identity.find_project(name, domain_id=domain.id)
        cloud.set_network_quotas(project.id, **QUOTA)
