"""Whether the project has room for a deployment, line by line, before anything is created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.errors import SiteError
from orchestrator.model import Flavor, Offer, Quota, Selection

_WORDS = {
    "cores": "cores",
    "ram_mb": "MB of memory",
    "instances": "VMs",
    "volumes": "volumes",
    "volume_gb": "GB of volumes",
    "floating_ips": "floating IPs",
    "networks": "networks",
    "subnets": "subnets",
    "routers": "routers",
    "ports": "ports",
    "security_groups": "security groups",
    "security_group_rules": "rules of security groups",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaLine:
    """One limit beside what a deployment takes of it."""

    name: str
    needed: int
    used: int
    limit: int | None

    @property
    def fits(self) -> bool:
        """Tell whether there is room."""
        return self.limit is None or self.used + self.needed <= self.limit

    @property
    def word(self) -> str:
        """What the limit is on, in words."""
        return _WORDS.get(self.name, self.name)

    @property
    def text(self) -> str:
        """The line as a person reads it: what will be in use, of how much."""
        word = self.word
        if self.limit is None:
            return f"{self.used + self.needed} {word}, without limit"
        return f"{self.used + self.needed} of {self.limit} {word}"


def compare(
    offer: Offer,
    selection: Selection,
    *,
    nodes: int,
    floating_ips: int = 1,
    networks: int = 1,
    routers: int = 1,
    volume_gb: int = 0,
    open_ports: int = 0,
) -> tuple[QuotaLine, ...]:
    """Return one line per limit; ``volume_gb`` is the size of a data volume.

    ``open_ports`` counts the ports that are open to everybody beside SSH's.

    A limit that the site does not tell is left out, and so is what needs nothing.
    """
    flavor = next((f for f in offer.flavors if f.id == selection.flavor.value), None)
    volumes = nodes if selection.boot_volume_gb else 0
    needed = {
        "cores": flavor.vcpus * nodes if flavor else 0,
        "ram_mb": flavor.ram_mb * nodes if flavor else 0,
        "instances": nodes,
        "volumes": volumes + bool(volume_gb),
        "volume_gb": volumes * selection.boot_volume_gb + volume_gb,
        "floating_ips": floating_ips,
        "networks": networks,
        "subnets": networks,
        "routers": routers,
        # One per node, and the legs of a router of our own.
        "ports": nodes + routers,
        # Ours, with a rule for SSH beside the two that every group is made with; a port that is
        # open to everybody has one for IPv4 and one for IPv6.
        "security_groups": 1,
        "security_group_rules": 2 + (2 if selection.ip_version == 6 else 1) + 2 * open_ports,
    }
    return _lines(offer.quotas, needed)


def require_room(offer: Offer, lines: Sequence[QuotaLine]) -> None:
    """Raise SiteError where a limit is too small, naming each with what is needed and used."""
    short = [line for line in lines if not line.fits]
    if short:
        raise _too_small(offer, short)


def has_room(quotas: Sequence[Quota], flavor: Flavor, nodes: int) -> bool:
    """Tell whether so many VMs of a flavor fit into what is left."""
    needed = {"cores": flavor.vcpus * nodes, "ram_mb": flavor.ram_mb * nodes}
    return all(line.fits for line in _lines(quotas, needed))


def volumes_left(quotas: Sequence[Quota], size_gb: int, nodes: int) -> bool | None:
    """Tell whether each node may have a boot volume; None where nothing is told of volumes."""
    lines = _lines(quotas, {"volumes": nodes, "volume_gb": size_gb * nodes})
    return all(line.fits for line in lines) if lines else None


def _lines(quotas: Sequence[Quota], needed: Mapping[str, int]) -> tuple[QuotaLine, ...]:
    return tuple(
        QuotaLine(name=quota.name, needed=needed[quota.name], used=quota.used, limit=quota.limit)
        for quota in quotas
        if needed.get(quota.name, 0) > 0
    )


def _too_small(offer: Offer, short: Sequence[QuotaLine]) -> SiteError:
    words = ", ".join(line.word for line in short)
    ways = [
        "remove what is no longer needed: orchestrator list",
        f"or ask {offer.site} for more, or try another site: orchestrator sites",
    ]
    free = sorted(one.address for one in offer.floating_ips if not one.attached)
    if free and any(line.name == "floating_ips" for line in short):
        ways.insert(0, f"use one that the project holds already: --set floating_ip={free[0]}")
    return SiteError(
        f"the project at {offer.site} has no room left for this: {words}.",
        facts={
            line.word: f"{line.needed} needed, {line.used} of {line.limit} in use" for line in short
        },
        way_out=ways,
    )


def tightest(lines: Sequence[QuotaLine]) -> str:
    """Return the limits that a deployment comes nearest to, in words."""
    limited = [line for line in lines if line.limit]
    limited.sort(key=lambda line: (line.used + line.needed) / (line.limit or 1), reverse=True)
    return ", ".join(line.text for line in limited[:3]) or "the site tells none"
