"""Which floating IPs: new ones by the name of their network, or one that the project holds."""

from __future__ import annotations

from orchestrator.errors import RequestError, SiteError
from orchestrator.model import Choice, FloatingIp, Offer
from orchestrator.selection import networks, overrides
from orchestrator.selection.overrides import Override

KEY = "floating_ip"


def left(offer: Offer) -> int | None:
    """Return how many floating IPs the quota has left; None without a limit or where it is not told."""
    quota = next((one for one in offer.quotas if one.name == "floating_ips"), None)
    return None if quota is None or quota.limit is None else max(0, quota.limit - quota.used)


def require_own_name(offer: Offer, public: Choice) -> None:
    """Refuse a network for new floating IPs that its name does not tell from others."""
    # Terraform's provider asks for floating IPs by the network's name and takes the first.
    same = sorted(one.id for one in offer.networks if one.name == public.name)
    if len(same) == 1 and public.name:
        return
    named = (
        f"{len(same)} networks named {public.name!r}" if public.name else "a network without name"
    )
    raise SiteError(
        f"{offer.site} has {named}: floating IPs are asked for by name, and might come from the"
        " wrong one.",
        facts={"chosen": public.value, "all": ", ".join(same)},
        way_out=[
            "ask the site to rename one",
            f"or use an address that the project holds: --set {KEY}=ADDRESS",
        ],
    )


def held(offer: Offer, override: Override) -> FloatingIp:
    """Return the floating IP that a person named, which the project holds and nobody uses."""
    found = next(
        (one for one in offer.floating_ips if override.value in (one.id, one.address)), None
    )
    if found is None:
        problem = f"the project has no floating IP {override.value} at {offer.site}."
    elif found.attached:
        problem = f"the floating IP {found.address} is in use already."
    else:
        return found
    free = sorted(one.address for one in offer.floating_ips if not one.attached)
    raise RequestError(
        problem,
        facts={"asked for in": override.origin, "free are": ", ".join(free) or "none"},
        way_out=[f"name one that is free, or leave {KEY} out to have one made"],
    )


def reused(offer: Offer, held: FloatingIp, public: Choice, override: Override) -> Choice:
    """Return the choice of a floating IP that is there already; it has to be of the public network."""
    if held.network_id != public.value:
        raise RequestError(
            f"the floating IP {held.address} is not of {public.label}.",
            facts={"asked for in": override.origin, "the network": public.reason},
            way_out=[f"leave {networks.KEY} out to have the one of the address taken"],
        )
    free = [
        one for one in offer.floating_ips if not one.attached and one.network_id == public.value
    ]
    return Choice(
        key=KEY,
        value=held.id,
        name=held.address,
        label=held.address,
        reason=f"asked for in {override.origin}; the project holds it, and keeps it",
        candidates=len(free),
        confidence="fixed",
        **overrides.marks(override),
    )
