"""How the world reaches the nodes: floating IPs, one bastion, addresses of their own, or a jump host."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.errors import RequestError
from orchestrator.model import (
    Attachment,
    Choice,
    FloatingIp,
    JumpHost,
    Network,
    Offer,
    Proof,
    Rival,
    Site,
)
from orchestrator.selection import addresses, attaching, networks, overrides
from orchestrator.selection.evidence import Evidence
from orchestrator.selection.overrides import Override

KEY = "topology"
FLOATING, BASTION, DIRECT, JUMP = "floating", "bastion", "direct", "jump"
_LABELS = {
    FLOATING: "floating IPs",
    BASTION: "one floating IP, the other nodes behind it",
    DIRECT: "addresses of the nodes' own",
    JUMP: "no public address",
}
# The topologies in which something that can be fixed has a part; all else has one in each.
_PARTS = {
    networks.KEY: (FLOATING, BASTION, DIRECT),
    attaching.PRIVATE: (FLOATING, BASTION, JUMP),
    addresses.KEY: (FLOATING, BASTION),
    "proxy_jump": (JUMP,),
    "ssh_config": (JUMP,),
}
# The hosts travel to ssh as an argument of -J: nothing in them may read as an option.
_JUMP = r"([A-Za-z0-9_][\w.-]*@)?([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])(:\d{1,5})?"
_JUMPS = re.compile(rf"{_JUMP}(,{_JUMP})*", re.ASCII)


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
    _require_used(topology, fixed)
    if topology.value == DIRECT:
        return _direct(offer, topology, site=site, fixed=fixed, proofs=proofs)
    if topology.value == JUMP:
        return _jump(offer, topology, site=site, fixed=fixed, proofs=proofs)
    return _floating(
        offer, topology, site=site, public_nodes=public_nodes, fixed=fixed, proofs=proofs
    )


def _topology(
    offer: Offer,
    public_nodes: int,
    fixed: Mapping[str, Override],
    proofs: Sequence[Proof],
) -> Choice:
    override, host = fixed.get(KEY), fixed.get("proxy_jump")
    if host is not None and (override is None or host.layer < override.layer):
        reason = f"reached through {host.value}, as {host.origin} says"
        weaker = (*host.beaten, (override.origin, override.value)) if override else host.beaten
        return _made(JUMP, reason, "fixed", override=replace(host, beaten=weaker))
    if override is not None:
        return _named(override)
    return _found(offer, public_nodes, fixed, proofs)


def has_part(key: str, topology: str) -> bool:
    """Tell whether what can be fixed under this key has a part in a topology."""
    return topology in _PARTS.get(key, _LABELS)


def _require_used(topology: Choice, fixed: Mapping[str, Override]) -> None:
    """Refuse what was fixed and has no part in the topology: it would be passed over unseen.

    A file about a site speaks of every topology, and who fixes the topology alone for one run
    knows of it; so only what is as strong as that contradicts it.
    """
    settling = [fixed[key] for key in (KEY, "proxy_jump") if key in fixed]
    by = min(settling, key=lambda override: override.layer, default=None)
    for key, override in sorted(fixed.items()):
        if not has_part(key, topology.value) and _contradicts(override, by):
            raise RequestError(
                f"{key} {override.value} has no part in the topology {topology.value}.",
                facts={
                    "asked for in": override.origin,
                    "the topology": topology.reason,
                    f"{key} is for": ", ".join(_PARTS[key]),
                },
                way_out=[f"leave {key} out there", f"or fix another topology: --set {KEY}=..."],
            )


def _contradicts(override: Override, by: Override | None) -> bool:
    return by is None or (override.layer <= by.layer and override.layer < overrides.SITE)


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
    own = attaching.direct_candidates(offer, proofs)
    if not _pool(offer, fixed):
        return _without_pool(offer, fixed, found=bool(own))
    # Who names a network or an address has said how the nodes are reached.
    named = {networks.KEY, attaching.PRIVATE, addresses.KEY} & set(fixed)
    rather = None if named else _rather_direct(offer, own, proofs)
    if rather is not None:
        return rather
    rivals = [Rival(value=DIRECT, label=f"addresses on {one.name}", why_not="floating IPs are there")
              for one in own]  # fmt: skip
    left = addresses.left(offer)
    usable = None if left is None else left + (addresses.KEY in fixed)
    if usable is not None and 0 < usable < public_nodes:
        reason = f"{usable} floating IPs are left for {public_nodes} nodes: one leads to the others"
        return _made(BASTION, reason, "certain", *rivals)
    return _made(FLOATING, "an external network gives them out", "certain", *rivals)


def _rather_direct(offer: Offer, own: Sequence[Evidence], proofs: Sequence[Proof]) -> Choice | None:
    """Return why the nodes' own addresses are better although there are floating IPs, if they are."""
    if own and addresses.left(offer) == 0:
        names = ", ".join(one.name for one in own)
        reason = (
            f"no floating IP is left of the quota, and there are addresses of their own: {names}"
        )
        rival = Rival(value=FLOATING, label=_LABELS[FLOATING], why_not="none is left")
        return _made(DIRECT, reason, "certain", rival)
    if _proven_direct(offer, own, proofs):
        reason = "as a machine of yours was reached before"
        rival = Rival(value=FLOATING, label=_LABELS[FLOATING], why_not="weaker evidence")
        return _made(DIRECT, reason, "proven", rival)
    return None


def _pool(offer: Offer, fixed: Mapping[str, Override]) -> bool:
    """Tell whether floating IPs can be had, of the network that a person named where they did."""
    override = fixed.get(networks.KEY)
    if override is not None:
        named = overrides.find(offer.networks, override, key=networks.KEY, site=offer.site)
        return named.external
    return any(networks.why_not(one) is None for one in networks.external(offer))


def _without_pool(offer: Offer, fixed: Mapping[str, Override], *, found: bool) -> Choice:
    override = fixed.get(networks.KEY)
    if override is not None:
        reason = f"{override.value} is not external: nodes get addresses on it themselves"
        return _made(DIRECT, reason, "fixed", override=override)
    if not found:
        raise networks.none_usable(offer, networks.external(offer))
    return _made(DIRECT, "no network here gives out floating IPs", "certain")


def _proven_direct(offer: Offer, own: Sequence[Evidence], proofs: Sequence[Proof]) -> bool:
    """Tell whether the last machine that was reached here had an address of its own."""
    there = {network.id for network in offer.networks}
    known = [proof for proof in proofs if proof.network_id in there]
    newest = max((proof.at for proof in known), default=None)
    last = [proof for proof in known if proof.at == newest]
    ids = {one.network.id for one in own}
    return bool(last) and all(
        proof.topology == DIRECT and proof.network_id in ids for proof in last
    )


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


def _direct(
    offer: Offer,
    topology: Choice,
    *,
    site: Site,
    fixed: Mapping[str, Override],
    proofs: Sequence[Proof],
) -> Connection:
    attached = attaching.direct(
        offer, site=site, override=fixed.get(networks.KEY), proofs=_of(proofs, DIRECT)
    )
    return Connection(
        topology=topology,
        public_network=attached.choice,
        attachment=attached.attachment,
        ip_version=attached.ip_version,
    )


def _floating(
    offer: Offer,
    topology: Choice,
    *,
    site: Site,
    public_nodes: int,
    fixed: Mapping[str, Override],
    proofs: Sequence[Proof],
) -> Connection:
    wanted, reused = fixed.get(attaching.PRIVATE), fixed.get(addresses.KEY)
    private = attaching.private_named(offer, wanted) if wanted else None
    held = addresses.held(offer, reused) if reused else None
    public = networks.choose_network(
        offer,
        site=site,
        override=fixed.get(networks.KEY),
        proofs=_of(proofs, FLOATING, BASTION),
        among=_pools(offer, held, private),
    )
    if private is not None and wanted is not None:
        attached = attaching.beyond(offer, private, public, wanted)
    else:
        attached = attaching.behind(offer, public)
    if held is None or (topology.value == FLOATING and public_nodes > 1):
        addresses.require_own_name(offer, public)
    return Connection(
        topology=topology,
        public_network=public,
        private_network=attached.choice,
        floating_ip=addresses.reused(offer, held, public, reused) if held and reused else None,
        attachment=attached.attachment,
    )


def _pools(offer: Offer, held: FloatingIp | None, private: Network | None) -> frozenset[str] | None:
    """Return the external networks that what was fixed leaves to choose from; None leaves all."""
    if held is not None:
        return frozenset({held.network_id})
    return attaching.gateways_of(offer, private) or None if private else None


def _of(proofs: Sequence[Proof], *kinds: str) -> list[Proof]:
    """Return what was proven in the same way: a pool's addresses say nothing of a direct port's."""
    return [proof for proof in proofs if proof.topology in kinds]


def _jump(
    offer: Offer,
    topology: Choice,
    *,
    site: Site,
    fixed: Mapping[str, Override],
    proofs: Sequence[Proof],
) -> Connection:
    host, config = _host(topology, site, fixed.get("proxy_jump")), fixed.get("ssh_config")
    attached = attaching.jumped(
        offer, site=site, override=fixed.get(attaching.PRIVATE), proofs=_of(proofs, JUMP)
    )
    return Connection(
        topology=topology,
        private_network=attached.choice,
        attachment=attached.attachment,
        ip_version=attached.ip_version,
        jump_host=JumpHost(host=host, ssh_config=config.value if config else None),
    )


def _host(topology: Choice, site: Site, override: Override | None) -> str:
    if override is not None and _JUMPS.fullmatch(override.value):
        return override.value
    problem = (
        "the topology jump needs a host through which to reach the nodes."
        if override is None
        else f"{override.value!r} is no host that ssh could jump through."
    )
    raise RequestError(
        problem,
        facts={"asked for in": override.origin if override else topology.origin},
        way_out=[
            "--set proxy_jump=user@host",
            f"or for good, in sites/{site.name}.yaml: proxy_jump: user@host",
        ],
    )
