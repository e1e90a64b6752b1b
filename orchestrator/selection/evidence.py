"""What an offer shows about a network: addresses, routers, flags, and whether it was reached before."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from orchestrator.model import Network, Offer, Proof

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
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_NO_ROUTER = "no router of this project uses it"
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about one network."""

    network: Network
    addresses: tuple[str, ...]  # IPv4 ranges, else all addresses seen
    addresses6: tuple[str, ...]  # the same of IPv6
    routers: tuple[str, ...]  # of the project, with their gateway on it
    servers: int  # the project's own, with an address on it
    reached: str | None  # how long ago a machine of ours was reached over it

    @property
    def public(self) -> bool | None:
        """Whether it has addresses of the Internet; None where nobody shows one."""
        return any(map(is_public, self.addresses)) if self.addresses else None

    @property
    def wholly_public(self) -> bool:
        """Whether every address that it shows is one of the Internet: any of them leads in."""
        return bool(self.addresses) and all(map(is_public, self.addresses))

    @property
    def public6(self) -> bool:
        """Whether it shows IPv6 addresses of the Internet."""
        return any(map(is_public6, self.addresses6))

    @property
    def is_default(self) -> bool:
        """Whether the site marks it as the one to take."""
        return self.network.is_default or "default" in self.network.tags

    @property
    def name(self) -> str:
        """Its name, or its id where it has none."""
        return self.network.name or self.network.id

    @property
    def text(self) -> str:
        """The evidence in one line."""
        kind = "external" if self.network.external else "internal"
        whose = "owned by this project" if self.network.owned else ""
        shared = "shared" if self.network.shared else "shared by no one"
        default = "default" if self.is_default else "not default"
        used = f"gateway of {', '.join(self.routers)}" if self.routers else _NO_ROUTER
        servers = f"servers of this project on it: {self.servers}" if self.servers else ""
        reached = f"reached {self.reached}" if self.reached else ""
        tags = f"tags {', '.join(sorted(self.network.tags))}" if self.network.tags else ""
        parts = (whose or shared, self.seen, tags)
        more = (default, used if self.network.external else "", servers, reached)
        return f"{_joined(kind, *parts)}    {_joined(*more)}"

    @property
    def seen(self) -> str:
        """The addresses, or that they are hidden."""
        hidden = self.network.hidden_subnets
        told = ", ".join((*_few(self.addresses), *_few(self.addresses6))) or "addresses not shown"
        return f"{told} ({hidden} subnets hidden)" if hidden > 1 else told


def gather(network: Network, offer: Offer, proofs: Iterable[Proof] = ()) -> Evidence:
    """Gather what the offer shows about a network."""
    routers = [router for router in offer.routers if router.external_network_id == network.id]
    # A router that we made proves what we chose once, not what the project uses.
    own = [router.name or router.id for router in routers if router.made_by is None]
    ranges = [subnet.cidr for subnet in network.subnets]
    ports = [port for port in offer.ports if port.network_id == network.id]
    held = [ip.address for ip in offer.floating_ips if ip.network_id == network.id]
    behind = [address for router in routers for address in router.external_addresses]
    single = [*behind, *held, *(port.address for port in ports if port.use == "server")]
    return Evidence(
        network=network,
        addresses=_ranges_or_single(ranges, single, version=4),
        addresses6=_ranges_or_single(ranges, single, version=6),
        routers=tuple(sorted(own)),
        servers=len({port.device_id for port in ports if port.use == "server"}),
        reached=_age(network, proofs, offer.collected_at),
    )


def labelled(found: Iterable[Evidence]) -> list[tuple[str, Evidence]]:
    """Return each by a name that no other has, in an order that the listing has no part in."""
    listed = sorted(found, key=lambda one: (one.name, one.network.id))
    count = Counter(one.name for one in listed)
    return [
        (f"{one.name} ({one.network.id})" if count[one.name] > 1 else one.name, one)
        for one in listed
    ]


def is_public(address: str) -> bool:
    """Tell whether an IPv4 address or range belongs to the Internet."""
    block = _block(address)
    if not isinstance(block, ipaddress.IPv4Network):
        return False
    return not any(block.overlaps(private) for private in _NOT_PUBLIC)


def is_public6(address: str) -> bool:
    """Tell whether an IPv6 address or range is one of the Internet's global unicast ones."""
    block = _block(address)
    if not isinstance(block, ipaddress.IPv6Network):
        return False
    return block.subnet_of(_GLOBAL_IPV6)


def ago(moment: datetime, now: datetime) -> str:
    """Say how long ago something was: in days, hours or minutes."""
    spent = max(now - moment, timedelta())
    for size, word in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours")):
        if spent >= 2 * size:
            return f"{spent // size} {word} ago"
    minutes = spent // timedelta(minutes=1)
    return "1 minute ago" if minutes == 1 else f"{minutes} minutes ago"


@lru_cache(maxsize=4096)
def _block(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(address, strict=False)
    except ValueError:
        return None


def _ranges_or_single(
    ranges: Iterable[str], single: Iterable[str], *, version: int
) -> tuple[str, ...]:
    """Return the ranges, else the addresses seen, each once and in an order of their own."""
    told = _of_version(ranges, version) or _of_version(single, version)
    return tuple(sorted(told))


def _of_version(addresses: Iterable[str], version: int) -> set[str]:
    return {one for one in addresses if (block := _block(one)) and block.version == version}


def _few(addresses: Sequence[str]) -> Sequence[str]:
    more = len(addresses) - _SHOWN
    return (*addresses[:_SHOWN], f"{more} more") if more > 1 else addresses


def _age(network: Network, proofs: Iterable[Proof], now: datetime) -> str | None:
    moments = [proof.at for proof in proofs if proof.network_id == network.id]
    return ago(max(moments), now) if moments else None


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
