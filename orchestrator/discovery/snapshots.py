"""What was collected: an offer in parts of plain JSON and back, and the digest that knows a change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.model import (
    Flavor,
    FloatingIp,
    Image,
    Network,
    Offer,
    Port,
    Quota,
    Router,
    Subnet,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A site that could not be listed for a VO: from when, until when, and why."""

    site: str
    vo: str
    since: datetime
    at: datetime  # the last time
    kind: str  # the name of the error
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The last offer of a site to a VO, and from when each of its parts has been like that."""

    vo: str
    offer: Offer
    since: Mapping[str, datetime] = field(default_factory=dict)
    failure: Failure | None = None  # what has happened instead since then


def to_parts(offer: Offer) -> dict[str, str]:
    """Return the offer as JSON texts, one for each part that changes by itself; the time is left out."""
    return {name: json.dumps(_plain(getattr(offer, name))) for name in PARTS}


def from_parts(parts: Mapping[str, Any], *, site: str, collected_at: datetime) -> Offer:
    """Return the offer that the parts make; ``read_part`` has read each of them."""
    return Offer(site=site, collected_at=collected_at, **parts)


def read_part(name: str, text: str) -> Any:
    """Return one part of an offer from its JSON text."""
    return PARTS[name](json.loads(text))


def digest(text: str) -> str:
    """Return the digest of a part; the order in which a site lists things does not count."""
    canonical = _dumped(_sorted(json.loads(text)))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(part: Any) -> Any:
    if isinstance(part, tuple):
        return [_with_text_times(asdict(one)) for one in part]
    return dict(part) if isinstance(part, Mapping) else part


def _with_text_times(values: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(one) for key, one in value.items()}
    return (
        sorted((_sorted(one) for one in value), key=_dumped) if isinstance(value, list) else value
    )


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _made(kind: Callable[..., Any], stored: Mapping[str, Any]) -> Any:
    # What an older version of this program kept may have fields that are no more.
    known: Mapping[str, Any] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    given = {key: value for key, value in stored.items() if key in known}
    return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in given.items()})


def _network(stored: Mapping[str, Any]) -> Network:
    subnets = [_made(Subnet, subnet) for subnet in stored["subnets"]]
    network: Network = _made(Network, {**stored, "subnets": subnets})
    return network


def _image(stored: Mapping[str, Any]) -> Image:
    created_at = datetime.fromisoformat(stored["created_at"])
    image: Image = _made(Image, {**stored, "created_at": created_at})
    return image


def _each(make: Callable[[Mapping[str, Any]], Any]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda stored: tuple(make(one) for one in stored)


def _listed(kind: Callable[..., Any]) -> Callable[[Any], tuple[Any, ...]]:
    return _each(lambda stored: _made(kind, stored))


# What an offer is made of, beside the site and the time, and how each part is read.
PARTS: Mapping[str, Callable[[Any], Any]] = {
    "project_id": str,
    "networks": _each(_network),
    "routers": _listed(Router),
    "ports": _listed(Port),
    "floating_ips": _listed(FloatingIp),
    "flavors": _listed(Flavor),
    "images": _each(_image),
    "quotas": _listed(Quota),
    "gaps": dict,
}
