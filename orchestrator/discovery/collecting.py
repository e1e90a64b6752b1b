"""All listings of a project at once: a silent service costs its own time and no other's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any, Protocol

from orchestrator.errors import SiteError
from orchestrator.model import Flavor, FloatingIp, Image, Network, Offer, Quota, Router

# The HTTP time-out ends a silent connection; this one also ends a trickle.
PATIENCE = 90.0


class Listings(Protocol):
    """What can be listed at a site; drivers.openstack.Cloud does it."""

    def networks(self, project_id: str) -> tuple[Network, ...]: ...
    def routers(self) -> tuple[Router, ...]: ...
    def floating_ips(self) -> tuple[FloatingIp, ...]: ...
    def flavors(self) -> tuple[Flavor, ...]: ...
    def images(self) -> tuple[Image, ...]: ...
    def compute_quotas(self) -> tuple[Quota, ...]: ...
    def network_quotas(self, project_id: str) -> tuple[Quota, ...]: ...


def collect(cloud: Listings, *, site: str, project_id: str, patience: float = PATIENCE) -> Offer:
    """List everything that a choice may need and return it as one value."""
    started = datetime.now(UTC)
    listed = _all_at_once(
        {
            "networks": lambda: cloud.networks(project_id),
            "routers": cloud.routers,
            "floating_ips": cloud.floating_ips,
            "flavors": cloud.flavors,
            "images": cloud.images,
            "compute_quotas": cloud.compute_quotas,
            "network_quotas": lambda: cloud.network_quotas(project_id),
        },
        site=site,
        patience=patience,
    )
    quotas = (*listed.pop("compute_quotas"), *listed.pop("network_quotas"))
    return Offer(site=site, project_id=project_id, collected_at=started, quotas=quotas, **listed)


def _all_at_once(
    listings: Mapping[str, Callable[[], Any]], *, site: str, patience: float
) -> dict[str, Any]:
    pool = ThreadPoolExecutor(max_workers=len(listings), thread_name_prefix="discover")
    try:
        asked = {name: pool.submit(listing) for name, listing in listings.items()}
        wait(asked.values(), timeout=patience)
        return {name: _answer(name, future, site, patience) for name, future in asked.items()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(name: str, future: Future[Any], site: str, patience: float) -> Any:
    if not future.done():
        raise SiteError(
            f"{site} did not list its {name.replace('_', ' ')} within {patience:g} s.",
            way_out=["try again in a while", "orchestrator sites        shows the other sites"],
        )
    return future.result()
