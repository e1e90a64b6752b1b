"""Which existing network the nodes are attached to: behind a router, directly, or behind a jump host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from orchestrator.errors import RequestError, SiteError
from orchestrator.model import Attachment, Choice, Network, Offer, Port, Proof, Site
from orchestrator.selection import networks, overrides
from orchestrator.selection.evidence import Evidence, gather
from orchestrator.selection.networks import Step, ambiguous, decide, rivals_of
from orchestrator.selection.overrides import Override

PRIVATE = "private_network"
DIRECT = networks.KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A choice of network, and how nodes get onto it; no attachment: it is made."""

    choice: Choice | None
    attachment: Attachment | None
    ip_version: int = 4
    gateways: frozenset[str] | None = None  # external networks behind it; None: not shown


_STEPS: tuple[Step, ...] = (
    (lambda one: one.reached is not None, lambda one: f"reached {one.reached}", "proven"),
    (
        lambda one: one.servers > 0,
        lambda one: f"{one.servers} servers of this project are on it",
        "certain",
    ),
    (lambda one: one.is_default, lambda _: "the site's default", "likely"),
    (lambda one: one.network.owned, lambda _: "the only one that the project owns", "likely"),
)


# --- behind a router: floating IPs lead to it


def behind(offer: Offer, public: Choice, *, proofs: Iterable[Proof] = ()) -> Attached:
    """Return the project's network behind a router to the public one; none is made anew.

    Several equal ones are no reason to stop: a network of the deployment's own is better than
    a guess between them.
    """
    legs = _legs(offer, public.value)
    found = [gather(one, offer, tuple(proofs)) for one in offer.networks if one.id in legs]
    usable = [one for one in found if _not_behind(one.network) is None]
    picked = decide(usable, _STEPS[:3], _sole_behind(legs)) if usable else None
    if picked is None:
        return Attached(choice=None, attachment=None)
    chosen, reason, confidence = picked
    choice = _choice(
        PRIVATE, chosen, found, reason, confidence, lambda one: _not_behind(one.network)
    )
    return Attached(choice=choice, attachment=_on_leg(legs[chosen.network.id]))


def named(offer: Offer, override: Override) -> Attached:
    """Return the private network that a person named, and the external ones behind its routers."""
    network = overrides.find(offer.networks, override, key=PRIVATE, site=offer.site)
    problem = _not_attachable(network, ours_too=True)
    if problem is not None:
        raise RequestError(
            f"no VM of this project can be put on {network.name} at {offer.site}: {problem}.",
            facts={"asked for in": override.origin},
            way_out=[f"name another one, or leave {PRIVATE} out to have one chosen"],
        )
    legs = [port for port in offer.ports if port.network_id == network.id and port.use == "router"]
    routers = [one for one in offer.routers if one.id in {leg.device_id for leg in legs}]
    gateways = frozenset(one.external_network_id for one in routers if one.external_network_id)
    leg = next((leg for leg in legs if ":" not in leg.address), None)
    one = gather(network, offer)
    choice = _choice(
        PRIVATE, one, [one], f"asked for in {override.origin}", "fixed", None, override
    )
    attachment = (
        _on_leg(leg) if leg else Attachment(network_id=network.id, subnet_id=_ipv4(network))
    )
    return Attached(
        choice=choice,
        attachment=attachment,
        ip_version=4 if _has_ipv4(one) else 6,
        gateways=gateways or None,
    )


# --- without a router: the nodes' own addresses


def direct_candidates(offer: Offer, proofs: Iterable[Proof] = ()) -> list[Evidence]:
    """Return the networks on which a VM gets an address of the Internet of its own."""
    proofs = tuple(proofs)
    found = [gather(one, offer, proofs) for one in offer.networks if _not_attachable(one) is None]
    ipv4 = [one for one in found if one.public is True]
    return ipv4 or [one for one in found if one.public6]


def direct(
    offer: Offer, *, site: Site, override: Override | None = None, proofs: Iterable[Proof] = ()
) -> Attached:
    """Return the network on which the nodes get public addresses themselves."""
    if override is not None:
        return _direct_named(offer, override)
    candidates = direct_candidates(offer, proofs)
    if not candidates:
        raise _none_direct(offer)
    picked = decide(candidates, _STEPS[:3], _sole_direct)
    if picked is None:
        raise ambiguous(candidates, offer.site, site, what="public one", key=DIRECT)
    chosen, reason, confidence = picked
    choice = _choice(DIRECT, chosen, candidates, reason, confidence)
    return Attached(
        choice=choice,
        attachment=Attachment(network_id=chosen.network.id, subnet_id=None),
        ip_version=4 if chosen.public else 6,
    )


def jumped(
    offer: Offer, *, site: Site, override: Override | None = None, proofs: Iterable[Proof] = ()
) -> Attached:
    """Return the network whose machines are reached through a given host."""
    if override is not None:
        return named(offer, override)
    every = [gather(one, offer, tuple(proofs)) for one in offer.networks]
    usable = [one for one in every if _not_attachable(one.network) is None]
    if not usable:
        raise SiteError(
            f"{offer.site} has no network of this project's on which a jump host could reach a VM.",
            facts={one.name: _not_attachable(one.network) or "" for one in every}
            or {"networks": "none"},
            way_out=["ask the site which network its jump host leads to"],
        )
    picked = decide(usable, _STEPS, _sole_jumped)
    if picked is None:
        raise ambiguous(usable, offer.site, site, what="one behind the jump host", key=PRIVATE)
    chosen, reason, confidence = picked
    choice = _choice(
        PRIVATE, chosen, every, reason, confidence, lambda one: _not_attachable(one.network)
    )
    return Attached(
        choice=choice,
        attachment=Attachment(network_id=chosen.network.id, subnet_id=None),
        ip_version=4 if _has_ipv4(chosen) else 6,
    )


# --- parts


def _legs(offer: Offer, public_id: str) -> dict[str, Port]:
    """Return the legs of the project's own routers to the public network, by private network."""
    routers = {
        one.id
        for one in offer.routers
        if one.external_network_id == public_id and one.made_by is None
    }
    legs = [one for one in offer.ports if one.use == "router" and one.device_id in routers]
    return {one.network_id: one for one in legs if ":" not in one.address}


def _on_leg(leg: Port) -> Attachment:
    return Attachment(network_id=leg.network_id, subnet_id=leg.subnet_id)


def _not_attachable(network: Network, *, ours_too: bool = False) -> str | None:
    """Return why no VM of the project can have a port on a network, or None where one can."""
    if not network.active:
        return "not active"
    if not (network.owned or network.shared):
        return (
            "external, and ports on it are the site's" if network.external else "not the project's"
        )
    if network.made_by is not None and not ours_too:
        return f"belongs to deployment {network.made_by} and goes with it"
    return None


def _not_behind(network: Network) -> str | None:
    return "external" if network.external else _not_attachable(network)


def _has_ipv4(one: Evidence) -> bool:
    return bool(one.addresses) or not one.addresses6


def _ipv4(network: Network) -> str | None:
    found = [subnet.id for subnet in network.subnets if subnet.ip_version == 4]
    return found[0] if len(found) == 1 else None


def _sole_behind(legs: dict[str, Port]) -> Callable[[Evidence], tuple[str, str]]:
    return lambda one: ("the project's network behind that router", "certain")


def _sole_direct(one: Evidence) -> tuple[str, str]:
    if one.reached:
        return f"only network with public addresses of its own, reached {one.reached}", "proven"
    kind = "addresses" if one.public else "IPv6 addresses"
    return f"only network on which a VM gets public {kind} of its own", "certain"


def _sole_jumped(one: Evidence) -> tuple[str, str]:
    if one.reached:
        return f"only network that the project may use, reached {one.reached}", "proven"
    return "only network that the project may use", "likely"


def _choice(
    key: str,
    chosen: Evidence,
    found: Sequence[Evidence],
    reason: str,
    confidence: str,
    why_not: Callable[[Evidence], str | None] | None = None,
    override: Override | None = None,
) -> Choice:
    return Choice(
        key=key,
        value=chosen.network.id,
        name=chosen.network.name,
        label=chosen.name,
        reason=reason,
        candidates=len(found),
        rivals=rivals_of(chosen, found, why_not or (lambda _: None)),
        confidence=confidence,
        **overrides.marks(override),
    )


def _direct_named(offer: Offer, override: Override) -> Attached:
    network = overrides.find(offer.networks, override, key=DIRECT, site=offer.site)
    problem = _not_attachable(network, ours_too=True)
    if problem is not None:
        raise RequestError(
            f"no VM of this project can be put on {network.name} at {offer.site}: {problem}.",
            facts={"asked for in": override.origin},
            way_out=[f"name another one, or leave {DIRECT} out to have one chosen"],
        )
    one = gather(network, offer)
    choice = _choice(DIRECT, one, [one], f"asked for in {override.origin}", "fixed", None, override)
    return Attached(
        choice=choice,
        attachment=Attachment(network_id=network.id, subnet_id=None),
        ip_version=6 if one.public6 and not one.public else 4,
    )


def _none_direct(offer: Offer) -> SiteError:
    facts = {
        network.name or network.id: _not_attachable(network) or "shows no public addresses"
        for network in offer.networks
    }
    return SiteError(
        f"{offer.site} has no network on which a VM of this project gets a public address itself.",
        facts=facts or {"networks": "none"},
        way_out=[
            f"if you know one, name it: --set {DIRECT}=<id or name>",
            "or leave topology out to have one chosen",
        ],
    )
