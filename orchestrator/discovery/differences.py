"""What has changed between two offers, and when: as a person would tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.discovery.snapshots import Collected
from orchestrator.model import Flavor, Image, Network, Offer, Quota

NEW, GONE, REPLACED, RETIRED, CHANGED = "new", "gone", "replaced", "retired", "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing of an offer that is not as it was, and from when it is like that."""

    kind: str  # network, flavor, image, quota
    what: str  # new, gone, replaced (another one of the same name), retired, changed
    name: str
    detail: str = ""
    at: datetime | None = None


def differences(old: Offer, new: Offer) -> tuple[Change, ...]:
    """Return how the second offer differs from the first, by kind and name.

    What could not be listed in one of them is left out: silence is no change. So is
    what a deployment of ours made, and the use of a quota, which changes all day.
    """
    if old is new:
        return ()
    found = [
        *_listed("network", old.networks, new.networks, _of_network, counts=_is_the_sites),
        *_listed("flavor", old.flavors, new.flavors, _of_flavor),
        *_listed("image", old.images, new.images, _of_image, retired=_is_retired),
        *_quotas(old, new),
    ]
    return tuple(sorted(found, key=lambda change: (change.kind, change.name, change.what)))


def changes(history: Sequence[Collected]) -> tuple[Change, ...]:
    """Return what differs between the first and the last offer, each with the time of its change."""
    if not history:
        return ()
    when: dict[tuple[str, str], datetime] = {}
    for before, after in zip(history, history[1:], strict=False):
        at = max(after.since.values())
        for change in differences(before.offer, after.offer):
            when[change.kind, change.name] = at
    net = differences(history[0].offer, history[-1].offer)
    return tuple(
        Change(
            kind=c.kind, what=c.what, name=c.name, detail=c.detail, at=when.get((c.kind, c.name))
        )
        for c in net
    )


def _listed(
    kind: str,
    old: Sequence[Any],
    new: Sequence[Any],
    facts: Callable[[Any], Mapping[str, str]],
    *,
    retired: Callable[[Any], bool] = lambda _: False,
    counts: Callable[[Any], bool] = lambda _: True,
) -> Iterable[Change]:
    if old is new:
        return
    old, new = list(filter(counts, old)), list(filter(counts, new))
    before, after = {one.id: one for one in old}, {one.id: one for one in new}
    gone = [one for one in old if one.id not in after]
    come = [one for one in new if one.id not in before]
    for lost, found in _pairs(gone, come):
        detail = _compared(facts(lost), facts(found)) or "the same in all that is listed"
        yield Change(kind=kind, what=REPLACED, name=found.name, detail=f"{detail} (id {found.id})")
        gone.remove(lost)
        come.remove(found)
    for what, ones in ((GONE, gone), (NEW, come)):
        for one in ones:
            yield Change(kind=kind, what=what, name=one.name, detail=_told(facts(one)))
    stayed = [(before[one.id], one) for one in new if one.id in before]
    yield from _altered(kind, stayed, facts, retired)


def _altered(
    kind: str,
    stayed: Iterable[tuple[Any, Any]],
    facts: Callable[[Any], Mapping[str, str]],
    retired: Callable[[Any], bool],
) -> Iterable[Change]:
    """Tell what differs in things that are in both offers."""
    for was, now in stayed:
        detail = _compared(facts(was), facts(now))
        if detail:
            what = RETIRED if retired(now) and not retired(was) else CHANGED
            yield Change(kind=kind, what=what, name=now.name, detail=detail)


def _pairs(gone: Sequence[Any], come: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Pair what went with what came under the same name, where the name says which."""
    return [
        (lost, found)
        for lost in gone
        for found in come
        if lost.name == found.name
        and sum(one.name == lost.name for one in gone) == 1
        and sum(one.name == lost.name for one in come) == 1
    ]


def _quotas(old: Offer, new: Offer) -> Iterable[Change]:
    before, after = _limits(old), _limits(new)
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        # What could not be listed has neither come nor gone.
        if was == now or _told_of(name) in {*old.gaps, *new.gaps}:
            continue
        what = NEW if was is None else GONE if now is None else CHANGED
        detail = " -> ".join(limit for limit in (was, now) if limit)
        yield Change(kind="quota", what=what, name=name, detail=detail)


def _limits(offer: Offer) -> dict[str, str]:
    return {quota.name: _limit(quota) for quota in offer.quotas}


def _told_of(name: str) -> str:
    """Return the gap that an offer has where a quota of this name could not be listed."""
    if name in ("cores", "ram_mb", "instances"):
        return "compute quotas"
    return "volume quotas" if name.startswith("volume") else "network quotas"


def _is_the_sites(network: Network) -> bool:
    return network.made_by is None


def _is_retired(image: Image) -> bool:
    return image.hidden or image.status != "active"


def _of_network(network: Network) -> dict[str, str]:
    kinds = {
        "external": network.external,
        "shared": network.shared,
        "own": network.owned,
        "default": network.is_default,
        "down": not network.active,
    }
    return {
        "": ", ".join(kind for kind, holds in kinds.items() if holds),
        "subnets": ", ".join(sorted(subnet.cidr for subnet in network.subnets)),
        "hidden subnets": str(network.hidden_subnets or ""),
        "MTU": str(network.mtu or ""),
        "tags": ", ".join(sorted(network.tags)),
        "name": network.name,
    }


def _of_flavor(flavor: Flavor) -> dict[str, str]:
    specs = ", ".join(f"{key}={value}" for key, value in sorted(flavor.extra_specs.items()))
    return {
        "vCPU": str(flavor.vcpus),
        "memory": f"{flavor.ram_mb} MB",
        "disk": f"{flavor.disk_gb} GB",
        "ephemeral disk": f"{flavor.ephemeral_gb} GB" if flavor.ephemeral_gb else "",
        "": "disabled" if flavor.disabled else "",
        "extra specs": specs,
        "name": flavor.name,
    }


def _of_image(image: Image) -> dict[str, str]:
    return {
        "of": f"{image.created_at:%Y-%m-%d}",
        "": ", ".join(filter(None, (image.status, image.visibility, "hidden" * image.hidden))),
        "name": image.name,
    }


def _told(facts: Mapping[str, str]) -> str:
    # The name is told already.
    return ", ".join(_fact(key, text) for key, text in facts.items() if text and key != "name")


def _fact(key: str, text: str) -> str:
    return f"{text} vCPU" if key == "vCPU" else f"{key} {text}".strip()


def _compared(was: Mapping[str, str], now: Mapping[str, str]) -> str:
    return ", ".join(
        f"{key} {was[key] or 'none'} -> {now[key] or 'none'}".strip()
        for key in now
        if was[key] != now[key]
    )


def _limit(quota: Quota) -> str:
    return "unlimited" if quota.limit is None else str(quota.limit)
