"""Extras of a use case: which are switched on, what they add, and what their plays may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.auth.roles import read_mappings
from orchestrator.errors import RequestError
from orchestrator.model import Check, Deployment, Extra, Node, Publishing, Site, Tunnel, UseCase
from orchestrator.names import in_url
from orchestrator.verifying import node_of

_HTTPS = 443


def switched_on(use_case: UseCase, parameters: Mapping[str, Any]) -> tuple[Extra, ...]:
    """Return the extras that these parameters ask for."""
    return tuple(extra for extra in use_case.extras if parameters.get(extra.name))


def with_extras(use_case: UseCase, parameters: Mapping[str, Any]) -> UseCase:
    """Return a use case with what its extras open, tell and check, as far as they are on."""
    on = switched_on(use_case, parameters)
    checks = [*use_case.checks, *(one for extra in on for one in extra.checks)]
    if published := publishing(use_case, parameters):
        checks = [_but_for(check, published.ports) for check in checks]
        checks += _checks_of_page(use_case)
    return replace(
        use_case,
        tunnels=(*use_case.tunnels, *(one for extra in on for one in extra.tunnels)),
        status=(*use_case.status, *(one for extra in on for one in extra.status)),
        checks=tuple(checks),
    )


def publishing(use_case: UseCase, parameters: Mapping[str, Any]) -> Publishing | None:
    """Return how the use case's page is shown to everybody, None where it is not."""
    on = switched_on(use_case, parameters)
    return next((extra.publishes for extra in on if extra.publishes), None)


def public_name(use_case: UseCase, parameters: Mapping[str, Any]) -> str:
    """Return the name at which the page is to be met, empty where it has none."""
    published = publishing(use_case, parameters)
    return str(parameters.get(published.name_from) or "") if published else ""


def page_node(deployment: Deployment, use_case: UseCase) -> Node:
    """Return the node that has the page: the one that the use case's first tunnel leads to."""
    return node_of(use_case.tunnels[0].node, deployment, use_case)


def page_of(deployment: Deployment, use_case: UseCase) -> str | None:
    """Return where everybody meets the page of a deployment, None where nobody does."""
    if not deployment.nodes or publishing(use_case, deployment.parameters) is None:
        return None
    name = public_name(use_case, deployment.parameters)
    host = name or page_node(deployment, use_case).address
    return f"https://{in_url(host)}{use_case.tunnels[0].path}"


def page_facts(deployment: Deployment, use_case: UseCase) -> dict[str, Any]:
    """Return what the play of an extra may know of the page: where it is, on which node."""
    if not use_case.tunnels:
        return {}
    page = use_case.tunnels[0]
    return {
        "orchestrator_page_node": page_node(deployment, use_case).name,
        "orchestrator_page_port": page.port,
        "orchestrator_page_scheme": page.scheme,
    }


def _but_for(check: Check, ports: tuple[int, ...]) -> Check:
    """Return a check of closed ports that lets the ports of the page be open."""
    if check.kind != "closed_ports":
        return check
    allowed = sorted({*check.settings.get("allowed", [22]), *ports})
    title = f"{check.title}, but for the page on {', '.join(map(str, ports))}"
    return replace(check, title=title, settings={**check.settings, "allowed": allowed})


def _checks_of_page(use_case: UseCase) -> list[Check]:
    """Return that the page answers over TLS as it does through its tunnel, and as guarded as there."""
    page = use_case.tunnels[0]
    over_tls = replace(page, port=_HTTPS, scheme="https")
    asked = [c for c in use_case.checks if c.kind == "tunnel" and c.settings["tunnel"] == page]
    checks = [
        replace(one, title=f"{one.title}, and so over TLS", settings=_asked(one, over_tls))
        for one in asked
    ]
    if page.login:
        checks.append(
            Check(
                kind="tunnel",
                title="nobody sees the page over TLS without the password",
                settings={"tunnel": replace(over_tls, login=None), "status": 401, "seconds": 60},
                after_reboot=all(one.after_reboot for one in asked),
            )
        )
    return checks


def _asked(check: Check, tunnel: Tunnel) -> Mapping[str, Any]:
    return {**check.settings, "tunnel": tunnel}


def facts_of(site: Site, vo: str) -> dict[str, Any]:
    """Return what the play of an extra may know of a deployment, as variables."""
    return {
        "orchestrator_vo": vo,
        # What sites ask of who makes machines there; empty where EGI's table lacks the VO.
        "orchestrator_entitlement": "".join(read_mappings().get(vo, "").split()),
        "orchestrator_issuer": site.issuer,
        "orchestrator_authorities": _authorities(site),
    }


def _authorities(site: Site) -> str:
    if site.ca_bundle is None:
        return ""
    try:
        return site.ca_bundle.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(
            f"the certificates of {site.name} cannot be read: {error}",
            facts={"named by": site.origin},
            way_out=["correct ca_bundle in the site's file"],
        ) from error
