"""All choices of a deployment at once: pure, so the same offer gives the same answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.model import Need, Offer, Proof, Selection, Site
from orchestrator.selection.flavors import choose_flavor
from orchestrator.selection.images import choose_image
from orchestrator.selection.overrides import Override
from orchestrator.selection.topologies import connect
from orchestrator.selection.volumes import choose_volume


def select(
    offer: Offer,
    need: Need,
    *,
    site: Site,
    nodes: int = 1,
    public_nodes: int = 1,
    fixed: Mapping[str, Override] | None = None,
    proofs: Sequence[Proof] = (),
) -> Selection:
    """Choose image, flavor, topology and networks; what cannot be told apart is an error.

    ``fixed`` are the overrides that hold (overrides.effective), ``proofs`` what was reached here before.
    """
    fixed = fixed or {}
    image = choose_image(offer, need.image, site=site, override=fixed.get("image"))
    flavor = choose_flavor(offer, need, image.image, nodes=nodes, override=fixed.get("flavor"))
    volume = choose_volume(offer, need, override=fixed.get("volume"))
    network = connect(offer, site=site, public_nodes=public_nodes, fixed=fixed, proofs=proofs)
    return Selection(
        flavor=flavor.choice,
        image=image.choice,
        topology=network.topology,
        public_network=network.public_network,
        private_network=network.private_network,
        floating_ip=network.floating_ip,
        volume=volume.choice,
        volume_gb=volume.size_gb,
        boot_volume_gb=flavor.boot_volume_gb,
        attachment=network.attachment,
        ip_version=network.ip_version,
        jump_host=network.jump_host,
    )
