"""Which network leads to the Internet: the strongest evidence decides, never a name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from orchestrator.errors import AmbiguousChoiceError, RequestError, SiteError
from orchestrator.model import Choice, Offer, Proof, Rival, Site
from orchestrator.selection import overrides
from orchestrator.selection.evidence import Evidence, gather, is_public
from orchestrator.selection.overrides import Override

KEY = "public_network"

Step = tuple[Callable[[Evidence], bool], Callable[[Evidence], str], str]

# In the order of what they prove; each one narrows what the ones before it left.
_STEPS: tuple[Step, ...] = (
    (lambda one: one.reached is not None, lambda one: f"reached {one.reached}", "proven"),
    (
        lambda one: bool(one.routers),
        lambda one: f"gateway of this project's {one.routers[0]}",
        "certain",
    ),
    (lambda one: one.public is True, lambda _: "the only one with global addresses", "certain"),
    (lambda one: one.is_default, lambda _: "the site's default", "likely"),
)


def choose_network(
    offer: Offer,
    *,
    site: Site,
    override: Override | None = None,
    proofs: Iterable[Proof] = (),
    among: Collection[str] | None = None,
) -> Choice:
    """Return the external network for floating IPs and router gateways.

    ``among`` holds the ids of those that a private network leads to, where one is given.
    """
    found = external(offer, proofs)
    if override is not None:
        return _overridden(offer, found, override)
    candidates = [one for one in found if why_not(one) is None]
    if among is not None:
        candidates = [one for one in candidates if one.network.id in among]
    if not candidates:
        raise none_usable(offer, found)
    chosen, reason, confidence = decide(candidates, _STEPS, _sole) or _stop(
        candidates, offer.site, site
    )
    return _choice(chosen, found, reason, confidence=confidence)


def external(offer: Offer, proofs: Iterable[Proof] = ()) -> list[Evidence]:
    """Return the evidence for every external network."""
    proofs = tuple(proofs)
    return [gather(network, offer, proofs) for network in offer.networks if network.external]


def why_not(one: Evidence) -> str | None:
    """Return why an external network can lead nobody in from the Internet, or None where it may."""
    if not one.network.active:
        return "not active"
    if one.network.subnets and not one.addresses:
        return "IPv6 only"
    if one.public is False:
        return f"external, but its addresses are private ({', '.join(one.addresses)})"
    return None


def decide(
    candidates: Sequence[Evidence],
    steps: Sequence[Step],
    sole: Callable[[Evidence], tuple[str, str]],
) -> tuple[Evidence, str, str] | None:
    """Return the candidate that evidence singles out, why and how sure; None where none is."""
    if len(candidates) == 1:
        return (candidates[0], *sole(candidates[0]))
    for holds, reason, confidence in steps:
        left = [one for one in candidates if holds(one)]
        if len(left) == 1:
            return left[0], reason(left[0]), confidence
        candidates = left or candidates
    return None


def ambiguous(
    candidates: Sequence[Evidence], place: str, site: Site, *, what: str, key: str
) -> AmbiguousChoiceError:
    """Return the error that shows equal candidates and the line that settles it."""
    listed = sorted(candidates, key=lambda one: (one.name, one.network.id))
    count = {2: "two", 3: "three"}.get(len(listed), str(len(listed)))
    names = [one.name for one in listed]
    twins = len(set(names)) < len(names)
    first = listed[0].network.id if twins else names[0]
    return AmbiguousChoiceError(
        f"{place} has {count} networks that could be the {what},"
        " and nothing tells them apart. Nothing was created.",
        facts={f"{one.name} ({one.network.id})" if twins else one.name: one.text for one in listed},
        way_out=[
            f"say which, once for this run: --set {key}={first}",
            f"or for good, in sites/{site.name}.yaml: {key}: {first}",
        ],
    )


def none_usable(offer: Offer, found: Sequence[Evidence]) -> SiteError:
    """Return the error that says of each network why it leads nobody in."""
    direct = [
        network.name
        for network in offer.networks
        if not network.external and any(is_public(subnet.cidr) for subnet in network.subnets)
    ]
    facts = {one.name: why_not(one) or "not behind the private network" for one in found}
    if direct:
        facts["attached directly"] = f"{', '.join(direct)}: public, but gives out no floating IPs"
    ways = ["ask the site which network has public floating IPs"]
    if found:
        ways.append(f"if you can reach its addresses from here: --set {KEY}={found[0].name}")
    ways.append("or reach the machines through a host of yours: --set proxy_jump=user@host")
    return SiteError(
        f"{offer.site} has no network through which the Internet reaches a VM of this project.",
        facts=facts or {"external networks": "none"},
        way_out=ways,
    )


def rivals_of(
    chosen: Evidence, found: Sequence[Evidence], reason: Callable[[Evidence], str | None]
) -> tuple[Rival, ...]:
    """Return the others with why they were not taken, by name."""
    others = sorted(
        (one for one in found if one is not chosen), key=lambda one: (one.name, one.network.id)
    )
    return tuple(
        Rival(value=one.network.id, label=one.name, why_not=reason(one) or "weaker evidence")
        for one in others
    )


def _sole(one: Evidence) -> tuple[str, str]:
    if one.reached:
        return f"only external network, reached {one.reached}", "proven"
    if one.routers:
        return f"only external network, gateway of this project's {one.routers[0]}", "certain"
    seen = "global addresses seen" if one.public else "its addresses are not shown"
    return f"only external network, {seen}", "certain" if one.public else "likely"


def _stop(candidates: Sequence[Evidence], place: str, site: Site) -> tuple[Evidence, str, str]:
    for holds, _, _ in _STEPS:
        candidates = [one for one in candidates if holds(one)] or candidates
    raise ambiguous(candidates, place, site, what="public one", key=KEY)


def _choice(
    chosen: Evidence,
    found: Sequence[Evidence],
    reason: str,
    *,
    confidence: str,
    override: Override | None = None,
) -> Choice:
    return Choice(
        key=KEY,
        value=chosen.network.id,
        name=chosen.network.name,
        label=chosen.name,
        reason=reason,
        candidates=len(found),
        rivals=rivals_of(chosen, found, why_not),
        confidence=confidence,
        **overrides.marks(override),
    )


def _overridden(offer: Offer, found: Sequence[Evidence], override: Override) -> Choice:
    network = overrides.find(offer.networks, override, key=KEY, site=offer.site)
    chosen = next((one for one in found if one.network.id == network.id), None)
    if chosen is None:
        raise RequestError(
            f"{network.name} at {offer.site} is not external: it gives out no floating IPs.",
            facts={
                "asked for in": override.origin,
                "external are": ", ".join(one.name for one in found) or "none",
            },
            way_out=["name an external network, or leave it out to have one chosen"],
        )
    if not network.active:
        raise SiteError(
            f"{network.name} at {offer.site} is not active.",
            facts={"asked for in": override.origin},
        )
    reason = f"asked for in {override.origin}"
    return _choice(chosen, found, reason, confidence="fixed", override=override)
