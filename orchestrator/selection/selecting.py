"""All choices of a deployment at once: pure, so the same offer gives the same answer."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model import Need, Offer, Selection, Site
from orchestrator.selection.flavors import choose_flavor
from orchestrator.selection.images import choose_image
from orchestrator.selection.networks import choose_network
from orchestrator.selection.overrides import Override, effective


def select(
    offer: Offer,
    need: Need,
    *,
    site: Site,
    nodes: int = 1,
    overrides: Mapping[str, Override] | None = None,
) -> Selection:
    """Choose image, flavor and public network; what cannot be told apart is an error."""
    fixed = effective(overrides or {}, site)
    image = choose_image(offer, need.image, site=site, override=fixed.get("image"))
    flavor = choose_flavor(offer, need, image.image, nodes=nodes, override=fixed.get("flavor"))
    network = choose_network(offer, site=site, override=fixed.get("public_network"))
    return Selection(
        flavor=flavor.choice,
        image=image.choice,
        public_network=network,
        boot_volume_gb=flavor.boot_volume_gb,
    )
