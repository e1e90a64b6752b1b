"""What a site really has of a deployment; the site's own listing has the last word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from orchestrator.drivers.openstack_marks import Resource

# As Terraform orders a destroy: what is used by others goes last.
_REMOVAL_ORDER = (
    "server",
    "floating_ip",
    "router_interface",
    "port",
    "router",
    "subnet",
    "network",
    "security_group",
    "volume",
    "keypair",
)


class MarkedCloud(Protocol):
    """A site that can tell which of its resources carry a deployment's mark."""

    def find_marked(self, deployment_id: str) -> Sequence[Resource]:
        """List them."""
        ...

    def remove(self, resource: Resource) -> None:
        """Delete one; one that is gone already is no error."""
        ...


def sweep(
    cloud: MarkedCloud, deployment_id: str, *, keep: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Remove what carries the deployment's mark, but for the ids to keep.

    Returns what was removed and what is still there, each in words. Terraform
    forgets what it was still making when it was interrupted; the site does not.
    """
    found = [one for one in cloud.find_marked(deployment_id) if one.id not in keep]
    for resource in sorted(found, key=_removal_rank):
        cloud.remove(resource)
    left = cloud.find_marked(deployment_id) if found else ()
    left = [one for one in left if one.id not in keep]
    return _words(found), _words(left)


def count_in_words(kinds: Iterable[str]) -> str:
    """Return 1 server, 2 ports for the kinds of some resources."""
    counts = Counter(kinds)
    ordered = sorted(counts, key=lambda kind: (_rank(kind), kind))
    return ", ".join(f"{counts[kind]} {_word(kind)}{'s' * (counts[kind] > 1)}" for kind in ordered)


def _removal_rank(resource: Resource) -> int:
    return _rank(resource.kind)


def _rank(kind: str) -> int:
    return _REMOVAL_ORDER.index(kind) if kind in _REMOVAL_ORDER else len(_REMOVAL_ORDER)


def _words(resources: Iterable[Resource]) -> list[str]:
    return [f"{_word(resource.kind)} {resource.name}" for resource in resources]


def _word(kind: str) -> str:
    return {"floating_ip": "floating IP", "keypair": "key pair"}.get(kind, kind.replace("_", " "))
