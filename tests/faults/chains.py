"""Which trials follow one another in one deployment: most of what a trial costs is to make one and remove it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tests.faults.fault import Fault


def chains(faults: Collection[Fault]) -> list[tuple[Fault, ...]]:
    """Return trials in chains: a deploy, then what leaves a deployment there, then a destroy.

    Those of the API go through a proxy, and those of a disk need a filesystem of their own: a chain
    is of one kind, and a trial of a disk is alone.
    """
    found: list[tuple[Fault, ...]] = []
    for kind in ("kill", "api"):
        begins = _of(faults, kind, ("deploy",))
        goes_on = _of(faults, kind, ("redeploy", "recover"))
        ends = _of(faults, kind, ("destroy",))
        count = max(len(begins), len(ends), min(len(goes_on), 1))
        found += [
            (*begins[which : which + 1], *goes_on[which::count], *ends[which : which + 1])
            for which in range(count)
        ]
    return [*found, *((fault,) for fault in _of(faults, "disk"))]


def _of(faults: Collection[Fault], kind: str, verbs: Collection[str] = ()) -> Sequence[Fault]:
    return [fault for fault in faults if fault.kind == kind and (not verbs or fault.verb in verbs)]
