"""Which existing network the nodes are attached to: behind a router, directly, or behind a jump host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.errors import RequestError, SiteError
from orchestrator.model import Attachment, Choice, Network, Offer, Port, Proof, Site
from orchestrator.selection import networks, overrides
from orchestrator.selection.evidence import Evidence, gather, labelled
from orchestrator.selection.networks import Step, ambiguous, chosen_of, decide, narrowed, rivals_of
from orchestrator.selection.overrides import Override

PRIVATE = "private_network"
DIRECT = networks.KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A choice of network, and how nodes get onto it; no attachment: it is made."""

    choice: Choice | None
    attachment: Attachment | None
    ip_version: int = 4


_STEPS: tuple[Step, ...] = (
    (lambda one: one.reached is not None, lambda one: f"reached {one.reached}", "proven"),
    (
        lambda one: one.servers > 0,
        lambda one: f"servers of this project are on it: {one.servers}",
        "certain",
    ),
    (lambda one: one.is_default, lambda _: "the site's default", "likely"),
    (lambda one: one.network.owned, lambda _: "the only one that the project owns", "likely"),
)


# --- behind a router: floating IPs lead to it


def behind(offer: Offer, public: Choice) -> Attached:
    """Return the project's network behind a router to the public one; none is made anew.

    Several equal ones are no reason to stop: a network of the deployment's own is better than
    a guess between them.
    """
    ours = {one.id for one in offer.routers if one.made_by is not None}
    legs = [
        leg
        for leg in _legs(offer)
        if _gateway(offer, leg) == public.value and leg.device_id not in ours
    ]
    there = {leg.network_id for leg in legs}
    found = [gather(one, offer) for one in offer.networks if one.id in there]
    usable = [one for one in found if _not_behind(one.network) is None]
    picked = decide(usable, _STEPS[1:3], _sole_behind) if usable else None
    if picked is None:
        return Attached(choice=None, attachment=None)
    chosen, reason, confidence = picked
    rivals = rivals_of(chosen, found, lambda one: _not_behind(one.network))
    choice = chosen_of(PRIVATE, chosen, reason, confidence, candidates=len(found), rivals=rivals)
    return Attached(choice=choice, attachment=_on_leg(chosen.network, legs))


def private_named(offer: Offer, override: Override) -> Network:
    """Return the network that a person named for nodes behind a router."""
    network = overrides.find(offer.networks, override, key=PRIVATE, site=offer.site)
    problem = _not_behind(network, ours_too=True)
    if problem is None and network.subnets and not _ipv4(network) and not network.hidden_subnets:
        problem = "it has no IPv4 addresses, to which a floating IP could lead"
    if problem is not None:
        raise _refused(offer, network, override, problem, key=PRIVATE)
    return network


def gateways_of(offer: Offer, network: Network) -> frozenset[str] | None:
    """Return the external networks behind a private one; None where that is not shown.

    The routers of a shared network are the site's. Of its own network the project sees all.
    """
    legs = [leg for leg in _legs(offer) if leg.network_id == network.id]
    known = {one.id for one in offer.routers}
    if any(leg.device_id not in known for leg in legs):
        return None
    if not legs and ("ports" in offer.gaps or not network.owned):
        return None
    return frozenset(gateway for leg in legs if (gateway := _gateway(offer, leg)))


def beyond(offer: Offer, network: Network, public: Choice, override: Override) -> Attached:
    """Return how nodes get onto the network that a person named, so that the public one leads there."""
    gateways = gateways_of(offer, network)
    name = network.name or network.id
    if gateways is not None and public.value not in gateways:
        behind = sorted(one.name or one.id for one in offer.networks if one.id in gateways)
        raise RequestError(
            f"no router leads from {name} to {public.label} at {offer.site},"
            " so no floating IP of it would reach a VM there.",
            facts={f"behind {name}": ", ".join(behind) or "no external network"},
            way_out=[
                f"leave {networks.KEY} out to have the one behind {name} taken"
                if gateways
                else f"leave {PRIVATE} out to have a network made"
            ],
        )
    legs = [leg for leg in _legs(offer) if _gateway(offer, leg) in (public.value, None)]
    choice = _named(PRIVATE, gather(network, offer), override)
    return Attached(choice=choice, attachment=_on_leg(network, legs))


# --- without a router: the nodes' own addresses


def direct_candidates(offer: Offer, proofs: Iterable[Proof] = ()) -> list[Evidence]:
    """Return the networks on which a VM gets an address of the Internet of its own, by name."""
    proofs = tuple(proofs)
    found = [gather(one, offer, proofs) for one in offer.networks if _not_attachable(one) is None]
    ipv4 = [one for one in found if one.public is True]
    return [one for _, one in labelled(ipv4 or [one for one in found if one.public6])]


def direct(
    offer: Offer, *, site: Site, override: Override | None = None, proofs: Iterable[Proof] = ()
) -> Attached:
    """Return the network on which the nodes get public addresses themselves."""
    if override is not None:
        return _attached_named(offer, override, key=DIRECT)
    candidates = direct_candidates(offer, proofs)
    if not candidates:
        raise _none_direct(offer)
    picked = decide(candidates, _STEPS[:3], _sole_direct)
    if picked is None:
        equal = narrowed(candidates, _STEPS[:3])
        raise ambiguous(equal, offer, site, what="public one", key=DIRECT)
    chosen, reason, confidence = picked
    # Anybody may number a network of their own with addresses that lead nowhere.
    if confidence == "certain" and chosen.network.owned:
        confidence = "likely"
    rivals = rivals_of(chosen, candidates)
    choice = chosen_of(
        DIRECT, chosen, reason, confidence, candidates=len(candidates), rivals=rivals
    )
    return _straight_onto(chosen, choice, ip_version=4 if chosen.public else 6)


def jumped(
    offer: Offer, *, site: Site, override: Override | None = None, proofs: Iterable[Proof] = ()
) -> Attached:
    """Return the network whose machines are reached through a given host."""
    if override is not None:
        return _attached_named(offer, override, key=PRIVATE)
    proofs = tuple(proofs)
    every = [gather(one, offer, proofs) for one in offer.networks]
    usable = [one for one in every if _not_attachable(one.network) is None]
    if not usable:
        raise _none_jumped(offer, every)
    picked = decide(usable, _STEPS, _sole_jumped)
    if picked is None:
        equal = narrowed(usable, _STEPS)
        raise ambiguous(equal, offer, site, what="one behind the jump host", key=PRIVATE)
    chosen, reason, confidence = picked
    rivals = rivals_of(chosen, every, lambda one: _not_attachable(one.network))
    choice = chosen_of(PRIVATE, chosen, reason, confidence, candidates=len(every), rivals=rivals)
    return _straight_onto(chosen, choice, ip_version=_version(chosen))


# --- parts


def _legs(offer: Offer) -> list[Port]:
    """Return the IPv4 addresses that routers have on the networks behind them."""
    return [one for one in offer.ports if one.use == "router" and ":" not in one.address]


def _gateway(offer: Offer, leg: Port) -> str | None:
    return next((one.external_network_id for one in offer.routers if one.id == leg.device_id), None)


def _on_leg(network: Network, legs: Sequence[Port]) -> Attachment:
    """Attach to a subnet that has a leg of the router; of several, to the lowest by its range."""
    cidrs = {subnet.id: subnet.cidr for subnet in network.subnets}
    mine = {leg.subnet_id for leg in legs if leg.network_id == network.id}
    if not mine and len(_ipv4(network)) == 1:
        mine = set(_ipv4(network))
    subnet = min(mine, key=lambda subnet: (cidrs.get(subnet, ""), subnet), default=None)
    return Attachment(network_id=network.id, subnet_id=subnet)


def _straight_onto(one: Evidence, choice: Choice, *, ip_version: int) -> Attached:
    attachment = Attachment(network_id=one.network.id, subnet_id=None)
    return Attached(choice=choice, attachment=attachment, ip_version=ip_version)


def _attached_named(offer: Offer, override: Override, *, key: str) -> Attached:
    network = overrides.find(offer.networks, override, key=key, site=offer.site)
    problem = _not_attachable(network, ours_too=True)
    if problem is not None:
        raise _refused(offer, network, override, problem, key=key)
    one = gather(network, offer)
    # What is reached from outside needs a public address, behind a jump host any will do.
    lonely = one.public6 and not one.public
    version = (6 if lonely else 4) if key == DIRECT else _version(one)
    return _straight_onto(one, _named(key, one, override), ip_version=version)


def _named(key: str, one: Evidence, override: Override) -> Choice:
    reason = f"asked for in {override.origin}"
    return chosen_of(key, one, reason, "fixed", candidates=1, override=override)


def _refused(
    offer: Offer, network: Network, override: Override, problem: str, *, key: str
) -> RequestError:
    return RequestError(
        f"no VM of this project can be put on {network.name or network.id} at {offer.site}:"
        f" {problem}.",
        facts={"asked for in": override.origin},
        way_out=[f"name another one, or leave {key} out to have one chosen"],
    )


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


def _not_behind(network: Network, *, ours_too: bool = False) -> str | None:
    return "external" if network.external else _not_attachable(network, ours_too=ours_too)


def _version(one: Evidence) -> int:
    return 6 if one.addresses6 and not one.addresses else 4


def _ipv4(network: Network) -> list[str]:
    return [subnet.id for subnet in network.subnets if subnet.ip_version == 4]


def _sole_behind(one: Evidence) -> tuple[str, str]:
    return "the project's network behind that router", "certain"


def _sole_direct(one: Evidence) -> tuple[str, str]:
    if one.reached:
        return f"only network with public addresses of its own, reached {one.reached}", "proven"
    kind = "addresses" if one.public else "IPv6 addresses"
    return f"only network on which a VM gets public {kind} of its own", "certain"


def _sole_jumped(one: Evidence) -> tuple[str, str]:
    if one.reached:
        return f"only network that the project may use, reached {one.reached}", "proven"
    return "only network that the project may use", "likely"


def _none_direct(offer: Offer) -> SiteError:
    every = labelled(gather(network, offer) for network in offer.networks)
    facts = {
        label: _not_attachable(one.network) or "shows no public addresses" for label, one in every
    }
    return SiteError(
        f"{offer.site} has no network on which a VM of this project gets a public address itself.",
        facts=facts or {"networks": "none"},
        way_out=[
            f"if you know one, name it: --set {DIRECT}=<id or name>",
            "or leave topology out to have one chosen",
        ],
    )


def _none_jumped(offer: Offer, every: Iterable[Evidence]) -> SiteError:
    facts = {label: _not_attachable(one.network) or "" for label, one in labelled(every)}
    return SiteError(
        f"{offer.site} has no network of this project's on which a jump host could reach a VM.",
        facts=facts or {"networks": "none"},
        way_out=["ask the site which network its jump host leads to"],
    )
