"""Extras of a use case: which are switched on, what they add, and what their plays may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.auth.roles import read_mappings
from orchestrator.errors import RequestError
from orchestrator.model import Extra, Site, UseCase


def switched_on(use_case: UseCase, parameters: Mapping[str, Any]) -> tuple[Extra, ...]:
    """Return the extras that these parameters ask for."""
    return tuple(extra for extra in use_case.extras if parameters.get(extra.name))


def with_extras(use_case: UseCase, parameters: Mapping[str, Any]) -> UseCase:
    """Return a use case with what its extras open, tell and check, as far as they are on."""
    on = switched_on(use_case, parameters)
    return replace(
        use_case,
        tunnels=(*use_case.tunnels, *(one for extra in on for one in extra.tunnels)),
        status=(*use_case.status, *(one for extra in on for one in extra.status)),
        checks=(*use_case.checks, *(one for extra in on for one in extra.checks)),
    )


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
