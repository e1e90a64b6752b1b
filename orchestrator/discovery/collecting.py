"""All listings of a project at once: a silent service costs its own time and no other's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from typing import Any, Protocol

from orchestrator.errors import SiteError
from orchestrator.model import (
    Flavor,
    FloatingIp,
    Image,
    Network,
    Offer,
    Port,
    Quota,
    Router,
    Volume,
)
from orchestrator.parallel import ask

# The HTTP time-out ends a silent connection; this one also ends a trickle.
PATIENCE = 90.0
# Good to know; a choice can be made without, and says so.
_SPARED = frozenset({"ports", "network_quotas", "volume_quotas"})
# Of a service that nothing else is asked of: when all else is there, it is waited for briefly.
_APART = frozenset({"volume_quotas"})
_GRACE = 10.0


class Listings(Protocol):
    """What can be listed at a site; drivers.openstack.Cloud does it."""

    def networks(self, project_id: str) -> tuple[Network, ...]: ...
    def routers(self) -> tuple[Router, ...]: ...
    def ports(self) -> tuple[Port, ...]: ...
    def floating_ips(self) -> tuple[FloatingIp, ...]: ...
    def flavors(self) -> tuple[Flavor, ...]: ...
    def images(self) -> tuple[Image, ...]: ...
    def compute_quotas(self) -> tuple[Quota, ...]: ...
    def network_quotas(self, project_id: str) -> tuple[Quota, ...]: ...
    def volume_quotas(self, project_id: str) -> tuple[Quota, ...]: ...
    def volumes(self) -> tuple[Volume, ...]: ...


def collect(
    cloud: Listings,
    *,
    site: str,
    project_id: str,
    patience: float = PATIENCE,
    volumes: bool = False,
) -> Offer:
    """List everything that a choice may need and return it as one value.

    ``volumes`` is for a deployment that is to have one: a site without any costs the others nothing.
    """
    started = datetime.now(UTC)
    listed, gaps = _all_at_once(
        {
            "networks": lambda: cloud.networks(project_id),
            "routers": cloud.routers,
            "ports": cloud.ports,
            "floating_ips": cloud.floating_ips,
            "flavors": cloud.flavors,
            "images": cloud.images,
            "compute_quotas": cloud.compute_quotas,
            "network_quotas": lambda: cloud.network_quotas(project_id),
            "volume_quotas": lambda: cloud.volume_quotas(project_id),
            **({"volumes": cloud.volumes} if volumes else {}),
        },
        site=site,
        patience=patience,
    )
    told = [listed.pop(f"{service}_quotas") for service in ("compute", "network", "volume")]
    quotas = tuple(quota for service in told for quota in service)
    return Offer(
        site=site,
        project_id=project_id,
        collected_at=started,
        quotas=quotas,
        gaps=gaps,
        **listed,
    )


def _all_at_once(
    listings: Mapping[str, Callable[[], Any]], *, site: str, patience: float
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what was listed, and for each listing that can be spared why it was not."""
    asked = {name: ask(listing, name=f"discover {name}") for name, listing in listings.items()}
    wait([asked[name] for name in asked if name not in _APART], timeout=patience)
    briefly = min(patience, _GRACE)
    wait(asked.values(), timeout=briefly)
    listed: dict[str, Any] = {}
    gaps: dict[str, str] = {}
    for name, future in asked.items():
        try:
            listed[name] = _answer(name, future, site, briefly if name in _APART else patience)
        except SiteError as error:
            if name not in _SPARED:
                raise
            listed[name], gaps[name.replace("_", " ")] = (), error.message
    return listed, gaps


def _answer(name: str, future: Future[Any], site: str, patience: float) -> Any:
    if not future.done():
        raise SiteError(
            f"{site} did not list its {name.replace('_', ' ')} within {patience:g} s.",
            way_out=["try again in a while", "orchestrator sites        shows the other sites"],
        )
    return future.result()
