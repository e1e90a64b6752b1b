"""What a site really has of a deployment; the site's own listing has the last word."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.drivers.openstack_marks import Resource
from orchestrator.errors import BusyError, InterruptedRunError

# As Terraform orders a destroy: what is used by others goes last.
_REMOVAL_ORDER = (
    "server",
    "floating_ip_association",
    "floating_ip",
    "router_interface",
    "port",
    "router",
    "subnet",
    "network",
    "security_group_rule",
    "security_group",
    "volume",
    "keypair",
)
# Seconds between the rounds of a removal: what is in use is free once its users are gone, and
# a site may take a minute to notice.
PAUSES: tuple[float, ...] = (1, 2, 4, 8, 15, 30, 30, 30)

Wait = Callable[[float], bool]  # waits so many seconds; says True when asked to stop

# Gone with what they belong to, and nothing that a person counts.
_PARTS = frozenset({"floating_ip_association", "router_interface", "security_group_rule"})


class MarkedCloud(Protocol):
    """A site that can tell which of its resources carry a deployment's mark."""

    def find_marked(self, deployment_id: str) -> Sequence[Resource]:
        """List them."""
        ...

    def remove(self, resource: Resource) -> None:
        """Delete one; one that is gone already is no error."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the site has of a deployment beside what its state knows."""

    known: tuple[Resource, ...]
    missing: tuple[Resource, ...]  # at the site, not in the state: to be taken back
    strays: tuple[
        Resource, ...
    ]  # nobody's, and in the way: broken, doubled and unused, or unplaced
    doubled: tuple[Resource, ...]  # second ones in use: a person has to say which is right
    contradicted: bool  # the state names other ids: it is older than what the site has

    @property
    def imports(self) -> dict[str, str]:
        """What Terraform is told to take back: its id by its address."""
        return {one.address: one.id for one in self.missing if one.address is not None}


def compare(
    found: Sequence[Resource], known: Mapping[str, str], *, given: Collection[str] | None = ()
) -> Comparison:
    """Compare a site's listing with the ids that a state knows by address.

    ``given`` are the ids of servers that a person has been given, which are never strays; None
    says that nobody remembers which, so that all of them may be.
    """
    by_address: dict[str | None, list[Resource]] = defaultdict(list)
    for one in found:
        by_address[one.address].append(one)
    ids = {one.id for one in found}
    into: dict[str, list[Resource]] = {
        kind: [] for kind in ("known", "missing", "strays", "doubled")
    }
    for address, candidates in by_address.items():
        if address is None:
            _sort_out_unplaced(candidates, set(known.values()), given, into)
        else:
            _sort_out(candidates, known.get(address), given, into)
    held = [found_id for address, found_id in known.items() if address in by_address]
    return Comparison(
        **{kind: tuple(listed) for kind, listed in into.items()},
        contradicted=any(one not in ids for one in held),
    )


def _sort_out(
    candidates: Sequence[Resource],
    held: str | None,
    given: Collection[str] | None,
    into: Mapping[str, list[Resource]],
) -> None:
    """Put what claims one address where it belongs; the state's own word comes first."""
    chosen = next((one for one in candidates if one.id == held), None)
    if chosen is not None:
        into["known"].append(chosen)
    elif sound := [one for one in candidates if one.status != "ERROR" or _precious(one, given)]:
        chosen = min(
            sound, key=lambda one: (one.status != "ACTIVE", not one.in_use, one.made_at, one.id)
        )
        into["missing"].append(chosen)
    for other in candidates:
        if other is not chosen:
            into["doubled" if _precious(other, given) or other.in_use else "strays"].append(other)


def _sort_out_unplaced(
    candidates: Sequence[Resource],
    known_ids: Collection[str],
    given: Collection[str] | None,
    into: Mapping[str, list[Resource]],
) -> None:
    """Put what was made by an orchestrator that did not write addresses down where it belongs."""
    nobodys = given is not None and not given
    for one in candidates:
        kind = "known" if one.id in known_ids else "strays" if nobodys else "doubled"
        into[kind].append(one)


def _precious(one: Resource, given: Collection[str] | None) -> bool:
    """Tell whether something may hold a person's work, whatever state it is in."""
    if one.kind == "volume":
        # One whose making failed before anybody had a machine has never held anything.
        return one.status != "ERROR" or given is None or bool(given)
    return one.kind == "server" and (given is None or one.id in given)


def removable(comparison: Comparison) -> list[Resource]:
    """Return the strays in the order in which they can be removed."""
    return sorted(comparison.strays, key=_removal_rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a removal did: what it removed, what is still at the site, and why."""

    removed: tuple[str, ...]
    left: tuple[str, ...]
    causes: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, str]:
        """What an error tells of what is left."""
        because = {"the site says": "; ".join(self.causes)} if self.causes else {}
        return {"still there": ", ".join(self.left), **because}


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def sweep(
    cloud: MarkedCloud,
    deployment_id: str,
    *,
    keep: Collection[str] = (),
    only: Collection[str] | None = None,
    wait: Wait = _sleep,
) -> Swept:
    """Remove what carries the deployment's mark until it is gone.

    ``keep`` are ids that stay, ``only`` those that go where not all do. Terraform forgets what
    it was still making when it was interrupted; the site does not. Each round begins with the
    site's own listing, so that what appears late is removed too.
    """

    def listed() -> list[Resource]:
        return [
            one
            for one in cloud.find_marked(deployment_id)
            if one.id not in keep and (only is None or one.id in only)
        ]

    left = listed()
    seen = _by_id(left)
    causes: dict[str, str] = {}
    for pause in (*PAUSES, None):
        if not left:
            break
        causes = remove_in_order(cloud, left)
        left = listed()
        seen |= _by_id(left)
        if left and pause is not None and wait(pause):
            raise InterruptedRunError("stopped while the site was removing what is still in use")
    return _swept(seen, _by_id(left), causes)


def _by_id(resources: Iterable[Resource]) -> dict[str, Resource]:
    return {one.id: one for one in resources}


def _swept(
    seen: Mapping[str, Resource], left: Mapping[str, Resource], causes: Mapping[str, str]
) -> Swept:
    """Return what is gone of all that was seen, and why the rest is not; a cause is told once."""
    why = dict.fromkeys(causes[found_id] for found_id in causes if found_id in left)
    return Swept(
        removed=tuple(names_of(one for found_id, one in seen.items() if found_id not in left)),
        left=tuple(f"{_word(one.kind)} {one.name or one.id}" for one in left.values()),
        causes=tuple(why),
    )


def remove_in_order(cloud: MarkedCloud, resources: Iterable[Resource]) -> dict[str, str]:
    """Remove resources, users before what they use; return why some stayed, by their ids."""
    causes: dict[str, str] = {}
    for resource in sorted(resources, key=_removal_rank):
        if resource.kind == "keypair" and causes:
            # Where no server is left it alone tells whose the rest is: it goes with the last of it.
            causes[resource.id] = "the key pair stays until the rest is gone"
            continue
        try:
            cloud.remove(resource)
        except BusyError as error:
            causes[resource.id] = error.message
    return causes


def is_part(kind: str) -> bool:
    """Tell whether something goes with what it belongs to, and nobody counts it."""
    return kind in _PARTS


def count_in_words(kinds: Iterable[str]) -> str:
    """Return 1 server, 2 ports for the kinds of some resources."""
    counts = Counter(kind for kind in kinds if kind not in _PARTS)
    ordered = sorted(counts, key=lambda kind: (_rank(kind), kind))
    return ", ".join(f"{counts[kind]} {_word(kind)}{'s' * (counts[kind] > 1)}" for kind in ordered)


def names_of(resources: Iterable[Resource]) -> list[str]:
    """Return each resource as a person calls it; parts of others are left out."""
    return [f"{_word(one.kind)} {one.name}" for one in resources if one.kind not in _PARTS]


def _removal_rank(resource: Resource) -> int:
    return _rank(resource.kind)


def _rank(kind: str) -> int:
    return _REMOVAL_ORDER.index(kind) if kind in _REMOVAL_ORDER else len(_REMOVAL_ORDER)


def _word(kind: str) -> str:
    return {"floating_ip": "floating IP", "keypair": "key pair"}.get(kind, kind.replace("_", " "))
