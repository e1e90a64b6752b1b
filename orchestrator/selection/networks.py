"""Which network leads to the Internet: the strongest evidence decides, never a name."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.errors import AmbiguousChoiceError, RequestError, SiteError
from orchestrator.model import Choice, Network, Offer, Rival, Site
from orchestrator.selection import overrides
from orchestrator.selection.overrides import Override

KEY = "public_network"

# Python's is_global also leaves out the documentation ranges, with which the sandbox
# plays its Internet; no site would number a pool of addresses from them.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(cidr)
    for cidr in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/3",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about one external network."""

    network: Network
    addresses: tuple[str, ...]  # ranges and addresses seen, IPv4
    public: bool | None  # None: nobody shows an address of it
    routers: tuple[str, ...]
    ipv6_only: bool

    @property
    def why_not(self) -> str | None:
        """Why it can lead nobody in from the Internet, or None where it may."""
        if not self.network.active:
            return "not active"
        if self.ipv6_only:
            return "IPv6 only"
        if self.public is False:
            return f"external, but its addresses are private ({', '.join(self.addresses)})"
        return None

    @property
    def text(self) -> str:
        """The evidence in one line."""
        shared = "shared" if self.network.shared else "shared by no one"
        seen = ", ".join(self.addresses) or "addresses not shown"
        default = "default" if _is_default(self) else "not default"
        used = f"gateway of {', '.join(self.routers)}" if self.routers else _NO_ROUTER
        return f"external, {shared}, {seen}    {default}, {used}"


_NO_ROUTER = "no router of this project uses it"


def choose_network(offer: Offer, *, site: Site, override: Override | None = None) -> Choice:
    """Return the network for floating IPs and router gateways."""
    found = [evidence(network, offer) for network in offer.networks if network.external]
    if override is not None:
        return _overridden(offer, found, override)
    candidates = [one for one in found if one.why_not is None]
    if not candidates:
        raise _none(offer, found)
    chosen, reason = _decide(candidates, offer.site, site)
    return _choice(chosen, found, reason)


def evidence(network: Network, offer: Offer) -> Evidence:
    """Gather what the offer shows about an external network."""
    routers = [r for r in offer.routers if r.external_network_id == network.id]
    ranges = [subnet.cidr for subnet in network.subnets if subnet.ip_version == 4]
    held = [ip.address for ip in offer.floating_ips if ip.network_id == network.id]
    behind = [address for router in routers for address in router.external_addresses]
    seen = tuple(dict.fromkeys(ranges or _ipv4([*behind, *held])[:3]))
    return Evidence(
        network=network,
        addresses=seen,
        public=any(map(is_public, seen)) if seen else None,
        routers=tuple(router.name or router.id for router in routers),
        ipv6_only=bool(network.subnets) and not ranges,
    )


def is_public(address: str) -> bool:
    """Tell whether an IPv4 address or range belongs to the Internet."""
    try:
        block = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return False
    if not isinstance(block, ipaddress.IPv4Network):
        return False
    return not any(block.overlaps(private) for private in _NOT_PUBLIC)


def _ipv4(addresses: Sequence[str]) -> list[str]:
    return [address for address in addresses if "." in address]


def _is_default(one: Evidence) -> bool:
    return one.network.is_default or "default" in one.network.tags


# In the order of what they prove; each one narrows what the ones before it left.
_STEPS: tuple[tuple[Callable[[Evidence], bool], Callable[[Evidence], str]], ...] = (
    (lambda one: bool(one.routers), lambda one: f"gateway of this project's {one.routers[0]}"),
    (lambda one: one.public is True, lambda _: "the only one with global addresses"),
    (_is_default, lambda _: "the site's default"),
)


def _decide(candidates: list[Evidence], place: str, site: Site) -> tuple[Evidence, str]:
    if len(candidates) == 1:
        return candidates[0], _sole(candidates[0])
    for holds, reason in _STEPS:
        left = [one for one in candidates if holds(one)]
        if len(left) == 1:
            return left[0], reason(left[0])
        candidates = left or candidates
    raise _ambiguous(candidates, place, site)


def _sole(one: Evidence) -> str:
    if one.routers:
        return f"only external network, gateway of this project's {one.routers[0]}"
    seen = "global addresses seen" if one.public else "its addresses are not shown"
    return f"only external network, {seen}"


def _choice(
    chosen: Evidence, found: Sequence[Evidence], reason: str, origin: str = "discovered"
) -> Choice:
    rivals = tuple(
        Rival(
            value=one.network.id, label=one.network.name, why_not=one.why_not or "weaker evidence"
        )
        for one in found
        if one is not chosen
    )
    return Choice(
        key=KEY,
        value=chosen.network.id,
        name=chosen.network.name,
        label=chosen.network.name,
        reason=reason,
        candidates=len(found),
        origin=origin,
        rivals=rivals,
    )


def _overridden(offer: Offer, found: Sequence[Evidence], override: Override) -> Choice:
    network = overrides.find(offer.networks, override, key=KEY, site=offer.site)
    chosen = next((one for one in found if one.network.id == network.id), None)
    if chosen is None:
        raise RequestError(
            f"{network.name} at {offer.site} is not external: it gives out no floating IPs.",
            facts={
                "asked for in": override.origin,
                "external are": ", ".join(one.network.name for one in found) or "none",
            },
            way_out=["name an external network, or leave it out to have one chosen"],
        )
    if not network.active:
        raise SiteError(
            f"{network.name} at {offer.site} is not active.",
            facts={"asked for in": override.origin},
        )
    return _choice(chosen, found, f"asked for in {override.origin}", override.origin)


def _none(offer: Offer, found: Sequence[Evidence]) -> SiteError:
    direct = [
        network.name
        for network in offer.networks
        if not network.external and any(is_public(subnet.cidr) for subnet in network.subnets)
    ]
    facts = {one.network.name: one.why_not or "" for one in found}
    if direct:
        facts["attached directly"] = f"{', '.join(direct)}: public, but gives out no floating IPs"
    ways = ["ask the site which network has public floating IPs"]
    if found:
        name = found[0].network.name
        ways.append(f"if you can reach its addresses from here: --set {KEY}={name}")
    return SiteError(
        f"{offer.site} has no network through which the Internet reaches a VM of this project.",
        facts=facts or {"external networks": "none"},
        way_out=ways,
    )


def _ambiguous(candidates: Sequence[Evidence], place: str, site: Site) -> AmbiguousChoiceError:
    count = {2: "two", 3: "three"}.get(len(candidates), str(len(candidates)))
    name = candidates[0].network.name
    return AmbiguousChoiceError(
        f"{place} has {count} networks that could be the public one,"
        " and nothing tells them apart. Nothing was created.",
        facts={one.network.name or one.network.id: one.text for one in candidates},
        way_out=[
            f"say which, once for this run: --set {KEY}={name}",
            f"or for good, in sites/{site.name}.yaml: {KEY}: {name}",
        ],
    )
