"""Which network leads to the Internet: the strongest evidence decides, never a name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from orchestrator.errors import AmbiguousChoiceError, RequestError, SiteError
from orchestrator.model import Choice, Offer, Proof, Rival, Site
from orchestrator.selection import overrides
from orchestrator.selection.evidence import Evidence, gather, is_public, labelled
from orchestrator.selection.overrides import Override

KEY = "public_network"

Picked = tuple[Evidence, str, str]  # the candidate, why and how sure
WhyNot = Callable[[Evidence], str | None]
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

    ``among`` holds the ids of those that the choices made before this one leave, where they do:
    the networks behind a private one, or the one of a floating IP.
    """
    found = external(offer, proofs)
    if override is not None:
        return _overridden(offer, found, override)

    def not_this(one: Evidence) -> str | None:
        left = among is None or one.network.id in among
        return why_not(one) or (None if left else "the other choices do not lead there")

    candidates = [one for one in found if not_this(one) is None]
    if not candidates:
        raise none_usable(offer, found, not_this)
    picked = decide(candidates, _STEPS, lambda one: _sole(one, len(found)))
    if picked is None:
        raise ambiguous(narrowed(candidates, _STEPS), offer, site, what="public one", key=KEY)
    chosen, reason, confidence = picked
    if confidence == "certain" and not chosen.wholly_public:
        confidence = "likely"
    rivals = rivals_of(chosen, found, not_this)
    return chosen_of(KEY, chosen, reason, confidence, candidates=len(found), rivals=rivals)


def external(offer: Offer, proofs: Iterable[Proof] = ()) -> list[Evidence]:
    """Return the evidence for every external network."""
    proofs = tuple(proofs)
    return [gather(network, offer, proofs) for network in offer.networks if network.external]


def why_not(one: Evidence) -> str | None:
    """Return why an external network can lead nobody in from the Internet, or None where it may."""
    if not one.network.active:
        return "not active"
    if one.network.subnets and not one.addresses and not one.network.hidden_subnets:
        return "IPv6 only" if one.addresses6 else "no addresses"
    if one.public is False:
        return f"external, but its addresses are private ({one.seen})"
    return None


def decide(
    candidates: Sequence[Evidence],
    steps: Sequence[Step],
    sole: Callable[[Evidence], tuple[str, str]],
) -> Picked | None:
    """Return the candidate that evidence singles out, why and how sure; None where none is."""
    if len(candidates) == 1:
        return (candidates[0], *sole(candidates[0]))
    equal = ""
    for holds, reason, confidence in steps:
        left = [one for one in candidates if holds(one)]
        if len(left) == 1:
            return left[0], reason(left[0]) + equal, confidence
        if left and len(left) < len(candidates):
            candidates = left
            equal = f"; {len(left)} were equal in all that weighs more"
    return None


def narrowed(candidates: Sequence[Evidence], steps: Sequence[Step]) -> Sequence[Evidence]:
    """Return the candidates that are left when no step singles one out."""
    for holds, _, _ in steps:
        candidates = [one for one in candidates if holds(one)] or candidates
    return candidates


def ambiguous(
    candidates: Sequence[Evidence], offer: Offer, site: Site, *, what: str, key: str
) -> AmbiguousChoiceError:
    """Return the error that shows equal candidates and the line that settles it."""
    listed = labelled(candidates)
    count = {2: "two", 3: "three"}.get(len(listed), str(len(listed)))
    first = overrides.reference(listed[0][1].network, offer.networks)
    return AmbiguousChoiceError(
        f"{offer.site} has {count} networks that could be the {what},"
        " and nothing tells them apart. Nothing was created.",
        facts={label: one.text for label, one in listed},
        way_out=[
            f"say which, once for this run: {overrides.option(key, first)}",
            f"or for good, in sites/{site.name}.yaml: {overrides.line(key, first)}",
        ],
    )


def none_usable(offer: Offer, found: Sequence[Evidence], reason: WhyNot = why_not) -> SiteError:
    """Return the error that says of each network why it leads nobody in."""
    direct = sorted(
        network.name or network.id
        for network in offer.networks
        if not network.external and any(is_public(subnet.cidr) for subnet in network.subnets)
    )
    facts = {label: reason(one) or "" for label, one in labelled(found)}
    if direct:
        facts["attached directly"] = f"{', '.join(direct)}: public, but gives out no floating IPs"
    ways = ["ask the site which network has public floating IPs"]
    private = [one for _, one in labelled(found) if one.network.active and one.public is False]
    if private:
        first = overrides.reference(private[0].network, offer.networks)
        ways.append(f"if you can reach its addresses from here: {overrides.option(KEY, first)}")
    ways.append("or reach the machines through a host of yours: --set proxy_jump=user@host")
    return SiteError(
        f"{offer.site} has no network through which the Internet reaches a VM of this project.",
        facts=facts or {"external networks": "none"},
        way_out=ways,
    )


def rivals_of(
    chosen: Evidence, found: Sequence[Evidence], reason: WhyNot = lambda _: None
) -> tuple[Rival, ...]:
    """Return the others with why they were not taken, by name."""
    return tuple(
        Rival(value=one.network.id, label=label, why_not=reason(one) or "weaker evidence")
        for label, one in labelled(found)
        if one is not chosen
    )


def chosen_of(
    key: str,
    chosen: Evidence,
    reason: str,
    confidence: str,
    *,
    candidates: int,
    rivals: tuple[Rival, ...] = (),
    override: Override | None = None,
) -> Choice:
    """Return the choice of a network."""
    return Choice(
        key=key,
        value=chosen.network.id,
        name=chosen.network.name,
        label=chosen.name,
        reason=reason,
        candidates=candidates,
        rivals=rivals,
        confidence=confidence,
        **overrides.marks(override),
    )


def _sole(one: Evidence, of: int) -> tuple[str, str]:
    only = "only external network" if of == 1 else f"the only one of {of} external networks left"
    if one.reached:
        return f"{only}, reached {one.reached}", "proven"
    if one.routers:
        return f"{only}, gateway of this project's {one.routers[0]}", "certain"
    return f"{only}, {'global addresses seen' if one.public else 'addresses not shown'}", "certain"


def _overridden(offer: Offer, found: Sequence[Evidence], override: Override) -> Choice:
    network = overrides.find(offer.networks, override, key=KEY, site=offer.site)
    chosen = next((one for one in found if one.network.id == network.id), None)
    if chosen is None:
        raise RequestError(
            f"{network.name or network.id} at {offer.site} is not external:"
            " it gives out no floating IPs.",
            facts={
                "asked for in": override.origin,
                "external are": ", ".join(label for label, _ in labelled(found)) or "none",
            },
            way_out=["name an external network, or leave it out to have one chosen"],
        )
    if not network.active:
        raise SiteError(
            f"{chosen.name} at {offer.site} is not active.",
            facts={"asked for in": override.origin},
            way_out=["name another network, or leave it out to have one chosen"],
        )
    reason = f"asked for in {override.origin}"
    rivals = rivals_of(chosen, found, why_not)
    return chosen_of(
        KEY, chosen, reason, "fixed", candidates=len(found), rivals=rivals, override=override
    )
