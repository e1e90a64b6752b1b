"""Service accounts, catalog, and the federation with Check-in as EGI documents it."""

import re
from collections.abc import Callable
from typing import Any

from keystoneauth1 import exceptions

from sandbox.realm import entitlement
from sandbox.vos import NAMES, USUAL, VOS, Vo

PROVIDER, PROTOCOL, DOMAIN = "egi.eu", "openid", "egi.eu"
TYPES = {
    "keystone": "identity",
    "glance": "image",
    "placement": "placement",
    "nova": "compute",
    "neutron": "network",
    # The name that sites use and that every client knows.
    "cinder": "volumev3",
}
# Cinder's clients expect the project in the address.
BY_PROJECT = {"cinder": "/%(project_id)s"}


def seed_catalog(cloud: Any, facts: dict[str, Any]) -> None:
    """Make the account of the services and their entries in the catalog."""
    identity = cloud.identity
    project = identity.find_project("service") or identity.create_project(
        name="service", domain_id="default"
    )
    user = identity.find_user("services") or identity.create_user(
        name="services", password=facts["service_password"], domain_id="default"
    )
    for name in ("admin", "service"):
        role = identity.find_role(name) or identity.create_role(name=name)
        identity.assign_project_role_to_user(project, user, role)
    for name, address in facts["catalog"].items():
        _endpoints(identity, name, address)


def _endpoints(identity: Any, name: str, address: str) -> None:
    service = identity.find_service(name) or identity.create_service(name=name, type=TYPES[name])
    there = {endpoint.interface for endpoint in identity.endpoints(service_id=service.id)}
    for interface in {"public", "internal"} - there:
        identity.create_endpoint(
            service_id=service.id,
            interface=interface,
            region_id="RegionOne",
            url=address + BY_PROJECT.get(name, ""),
        )


def seed_projects(cloud: Any, facts: dict[str, Any]) -> None:
    """Make a project for each VO."""
    identity = cloud.identity
    domain = identity.find_domain(DOMAIN) or identity.create_domain(name=DOMAIN)
    there = {project.name for project in identity.projects(domain_id=domain.id)}
    for vo in VOS:
        if vo.project not in there:
            own = {"egi.VO": vo.name}
            identity.create_project(name=vo.project, domain_id=domain.id, **own)


def seed_federation(cloud: Any, facts: dict[str, Any]) -> None:
    """Make a group for each VO, and map Check-in's entitlements to them."""
    identity = cloud.identity
    domain, role = identity.find_domain(DOMAIN), identity.find_role("member")
    groups = {group.name: group for group in identity.groups(domain_id=domain.id)}
    for vo, project in projects(cloud):
        group = groups.get(vo.name) or identity.create_group(name=vo.name, domain_id=domain.id)
        identity.assign_project_role_to_group(project, group, role)
    _provider(cloud.session, facts, domain.id)


def projects(cloud: Any) -> list[tuple[Vo, str]]:
    """Return each VO with the id of its project."""
    domain = cloud.identity.find_domain(DOMAIN)
    ids = {project.name: project.id for project in cloud.identity.projects(domain_id=domain.id)}
    return [(vo, ids[vo.project]) for vo in VOS]


def unusual(cloud: Any, quota: Callable[[Vo], dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    """Return the projects whose limits the services do not know from their configuration."""
    found = [(project, quota(vo)) for vo, project in projects(cloud)]
    return [(project, limits) for project, limits in found if limits != quota(USUAL)]


def _provider(session: Any, facts: dict[str, Any], domain_id: str) -> None:
    base = f"{facts['catalog']['keystone']}/OS-FEDERATION"
    provider = f"{base}/identity_providers/{PROVIDER}"
    described = {"remote_ids": [facts["issuer"]], "enabled": True, "domain_id": domain_id}
    _put(session, provider, {"identity_provider": described})
    _put(session, f"{base}/mappings/egi", {"mapping": {"rules": rules(facts["issuer"])}})
    _put(session, f"{provider}/protocols/{PROTOCOL}", {"protocol": {"mapping_id": "egi"}})


def rules(issuer: str) -> list[dict[str, Any]]:
    """Return the mapping: who operates VMs of a VO joins the group of that VO."""
    return [
        {
            "local": [{"user": {"name": "{0}"}, "group": {"name": vo, "domain": {"name": DOMAIN}}}],
            "remote": [
                {"type": "HTTP_OIDC_SUB"},
                {"type": "HTTP_OIDC_ISS", "any_one_of": [issuer]},
                {
                    "type": "HTTP_OIDC_EDUPERSON_ENTITLEMENT",
                    "regex": True,
                    "any_one_of": [f"^{re.escape(entitlement(vo, 'vm_operator'))}$"],
                },
            ],
        }
        for vo in NAMES
    ]


def _put(session: Any, address: str, body: dict[str, Any]) -> None:
    try:
        session.put(address, json=body)
    except exceptions.http.Conflict:
        # The domain of a provider is fixed at its creation.
        changes = {
            kind: {name: value for name, value in entry.items() if name != "domain_id"}
            for kind, entry in body.items()
        }
        session.patch(address, json=changes)
