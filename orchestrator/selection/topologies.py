"""How the world reaches the nodes: floating IPs, one bastion, addresses of their own, or a jump host."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.errors import RequestError, SiteError
from orchestrator.model import Attachment, Choice, JumpHost, Offer, Proof, Rival, Site
from orchestrator.selection import attaching, networks, overrides
from orchestrator.selection.attaching import Attached
from orchestrator.selection.overrides import Override

KEY = "topology"
FLOATING, BASTION, DIRECT, JUMP = "floating", "bastion", "direct", "jump"
_LABELS = {
    FLOATING: "floating IPs",
    BASTION: "one floating IP, the other nodes behind it",
    DIRECT: "addresses of the nodes' own",
    JUMP: "no public address",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """All that was chosen about the nodes' network."""

    topology: Choice
    public_network: Choice | None = None
    private_network: Choice | None = None
    floating_ip: Choice | None = None
    attachment: Attachment | None = None
    ip_version: int = 4
    jump_host: JumpHost | None = None


def connect(
    offer: Offer,
    *,
    site: Site,
    public_nodes: int = 1,
    fixed: Mapping[str, Override] | None = None,
    proofs: Sequence[Proof] = (),
) -> Connection:
    """Choose the topology and its networks; raise where nothing fits or nothing tells apart."""
    fixed = fixed or {}
    topology = _topology(offer, public_nodes, fixed, proofs)
    if topology.value == DIRECT:
        attached = attaching.direct(
            offer, site=site, override=fixed.get(networks.KEY), proofs=proofs
        )
        return Connection(
            topology=topology,
            public_network=attached.choice,
            attachment=attached.attachment,
            ip_version=attached.ip_version,
        )
    if topology.value == JUMP:
        return _jump(offer, topology, site=site, fixed=fixed, proofs=proofs)
    return _floating(offer, topology, site=site, fixed=fixed, proofs=proofs)


def floating_ips_left(offer: Offer) -> int | None:
    """Return how many floating IPs the quota has left; None without a limit or where it is not told."""
    quota = next((one for one in offer.quotas if one.name == "floating_ips"), None)
    return None if quota is None or quota.limit is None else max(0, quota.limit - quota.used)


def _topology(
    offer: Offer,
    public_nodes: int,
    fixed: Mapping[str, Override],
    proofs: Sequence[Proof],
) -> Choice:
    override = fixed.get(KEY)
    if override is not None:
        return _named(override)
    host = fixed.get("proxy_jump")
    if host is not None:
        reason = f"reached through {host.value}, as {host.origin} says"
        return _made(JUMP, reason, "fixed", override=host)
    return _found(offer, public_nodes, fixed, proofs)


def _named(override: Override) -> Choice:
    if override.value not in _LABELS:
        near = difflib.get_close_matches(override.value, _LABELS, n=1)
        raise RequestError(
            f"{override.value} is no topology.",
            facts={
                "asked for in": override.origin,
                "did you mean" if near else "there are": ", ".join(near or _LABELS),
            },
        )
    return _made(override.value, f"asked for in {override.origin}", "fixed", override=override)


def _found(
    offer: Offer,
    public_nodes: int,
    fixed: Mapping[str, Override],
    proofs: Sequence[Proof],
) -> Choice:
    """Choose by what the site has: floating IPs where there are any to be had."""
    pool = _pool(offer, fixed, proofs)
    own = [one.name for one in attaching.direct_candidates(offer, proofs)]
    if not pool:
        return _without_pool(offer, own, fixed, proofs)
    left = None if "floating_ip" in fixed else floating_ips_left(offer)
    if left == 0 and own and networks.KEY not in fixed:
        reason = f"no floating IP is left of the quota, and {own[0]} gives addresses of its own"
        return _made(
            DIRECT,
            reason,
            "certain",
            Rival(value=FLOATING, label=_LABELS[FLOATING], why_not="none is left"),
        )
    if _proven_direct(offer, proofs, own):
        return _made(DIRECT, "as a machine of yours was reached before", "proven")
    rivals = [Rival(value=DIRECT, label=f"addresses on {name}", why_not="floating IPs are there")
              for name in own]  # fmt: skip
    if left is not None and 0 < left < public_nodes:
        reason = f"{left} floating IPs are left for {public_nodes} nodes: one leads to the others"
        return _made(BASTION, reason, "certain", *rivals)
    return _made(FLOATING, "an external network gives them out", "certain", *rivals)


def _pool(offer: Offer, fixed: Mapping[str, Override], proofs: Sequence[Proof]) -> bool:
    """Tell whether floating IPs can be had, of the network that a person named where they did."""
    override = fixed.get(networks.KEY)
    if override is not None:
        named = overrides.find(offer.networks, override, key=networks.KEY, site=offer.site)
        return named.external
    return any(networks.why_not(one) is None for one in networks.external(offer, proofs))


def _without_pool(
    offer: Offer, own: Sequence[str], fixed: Mapping[str, Override], proofs: Sequence[Proof]
) -> Choice:
    override = fixed.get(networks.KEY)
    if override is not None:
        reason = f"{override.value} is not external: nodes get addresses on it themselves"
        return _made(DIRECT, reason, "fixed", override=override)
    if not own:
        raise networks.none_usable(offer, networks.external(offer, proofs))
    return _made(DIRECT, "no network here gives out floating IPs", "certain")


def _proven_direct(offer: Offer, proofs: Sequence[Proof], own: Sequence[str]) -> bool:
    """Tell whether the last machine that was reached here had an address of its own."""
    there = {network.id for network in offer.networks}
    known = [proof for proof in proofs if proof.network_id in there]
    newest = max(known, key=lambda proof: (proof.at, proof.network_id), default=None)
    return bool(own) and newest is not None and newest.topology == DIRECT


def _made(
    value: str, reason: str, confidence: str, *rivals: Rival, override: Override | None = None
) -> Choice:
    return Choice(
        key=KEY,
        value=value,
        name=value,
        label=_LABELS[value],
        reason=reason,
        candidates=1 + len(rivals),
        rivals=rivals,
        confidence=confidence,
        **overrides.marks(override),
    )


# --- the shapes


def _floating(
    offer: Offer,
    topology: Choice,
    *,
    site: Site,
    fixed: Mapping[str, Override],
    proofs: Sequence[Proof],
) -> Connection:
    wanted = fixed.get(attaching.PRIVATE)
    private = attaching.named(offer, wanted) if wanted else None
    override = fixed.get(networks.KEY)
    public = networks.choose_network(
        offer,
        site=site,
        override=override,
        proofs=proofs,
        among=private.gateways if private else None,
    )
    if private is None:
        private = attaching.behind(offer, public, proofs=proofs)
    else:
        _require_behind(offer, private, public)
    address = _address(offer, public, fixed["floating_ip"]) if "floating_ip" in fixed else None
    if address is None:
        _require_own_name(offer, public)
    return Connection(
        topology=topology,
        public_network=public,
        private_network=private.choice,
        floating_ip=address,
        attachment=private.attachment,
    )


def _require_behind(offer: Offer, private: Attached, public: Choice) -> None:
    """Refuse a pool that is not the one behind the router of the private network."""
    name = private.choice.name if private.choice else ""
    if private.gateways is not None and public.value not in private.gateways:
        behind = [one.name for one in offer.networks if one.id in private.gateways]
        raise RequestError(
            f"no router leads from {name} to {public.name} at {offer.site},"
            " so no floating IP of it would reach a VM there.",
            facts={f"behind {name}": ", ".join(behind) or ", ".join(private.gateways)},
            way_out=[f"leave {networks.KEY} out to have the one behind {name} taken"],
        )


def _require_own_name(offer: Offer, public: Choice) -> None:
    # Terraform's provider asks for floating IPs by the network's name and takes the first.
    same = [one.id for one in offer.networks if one.name == public.name]
    if len(same) > 1 or not public.name:
        raise SiteError(
            f"{offer.site} has {len(same)} networks named {public.name!r}: floating IPs are asked for"
            " by name, and might come from the wrong one.",
            facts={"chosen": public.value, "all": ", ".join(sorted(same))},
            way_out=[
                "ask the site to rename one",
                "or use an address that the project holds: --set floating_ip=ADDRESS",
            ],
        )


def _address(offer: Offer, public: Choice, override: Override) -> Choice:
    """Return a floating IP that the project holds and nobody uses."""
    held = {one.address: one for one in offer.floating_ips} | {
        one.id: one for one in offer.floating_ips
    }
    found = held.get(override.value)
    free = sorted(
        one.address
        for one in offer.floating_ips
        if not one.attached and one.network_id == public.value
    )
    facts = {"asked for in": override.origin, "free are": ", ".join(free) or "none"}
    if found is None:
        raise RequestError(
            f"the project has no floating IP {override.value} at {offer.site}.", facts=facts
        )
    if found.attached:
        raise RequestError(f"the floating IP {found.address} is in use already.", facts=facts)
    if found.network_id != public.value:
        raise RequestError(f"the floating IP {found.address} is not of {public.name}.", facts=facts)
    return Choice(
        key="floating_ip",
        value=found.id,
        name=found.address,
        label=found.address,
        reason=f"asked for in {override.origin}; the project holds it, and keeps it",
        candidates=len(free),
        confidence="fixed",
        **overrides.marks(override),
    )


def _jump(
    offer: Offer,
    topology: Choice,
    *,
    site: Site,
    fixed: Mapping[str, Override],
    proofs: Sequence[Proof],
) -> Connection:
    host = fixed.get("proxy_jump")
    if host is None:
        raise RequestError(
            "the topology jump needs a host through which to reach the nodes.",
            facts={"asked for in": topology.origin},
            way_out=[
                "--set proxy_jump=user@host",
                f"or for good, in sites/{site.name}.yaml: proxy_jump: user@host",
            ],
        )
    config = fixed.get("ssh_config")
    attached = attaching.jumped(
        offer, site=site, override=fixed.get(attaching.PRIVATE), proofs=proofs
    )
    return Connection(
        topology=topology,
        private_network=attached.choice,
        attachment=attached.attachment,
        ip_version=attached.ip_version,
        jump_host=JumpHost(host=host.value, ssh_config=config.value if config else None),
    )
