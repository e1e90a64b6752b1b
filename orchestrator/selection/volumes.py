"""Which data volume: a new one of the size that is needed, or one that the project holds."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.errors import RequestError
from orchestrator.model import Choice, Need, Offer, Volume
from orchestrator.selection import overrides
from orchestrator.selection.overrides import Override

KEY = "volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeChoice:
    """The data volume of the first node: its size, and the choice of one that exists already."""

    size_gb: int  # 0: no volume at all
    choice: Choice | None  # None: one is made


def choose_volume(offer: Offer, need: Need, *, override: Override | None = None) -> VolumeChoice:
    """Return the volume that a person named, else the size of the one that is to be made."""
    if override is None:
        return VolumeChoice(size_gb=need.volume_gb, choice=None)
    named = overrides.find(offer.volumes, override, key=KEY, site=offer.site)
    problem = _not_attachable(named, need)
    if problem is not None:
        raise _refused(offer, need, named, override, problem)
    free = [one for one in offer.volumes if _not_attachable(one, need) is None]
    choice = Choice(
        key=KEY,
        value=named.id,
        name=named.name or named.id,
        label=_label(named),
        reason=f"asked for in {override.origin}; the project holds it, and keeps it",
        candidates=len(free),
        confidence="fixed",
        **overrides.marks(override),
    )
    return VolumeChoice(size_gb=named.size_gb, choice=choice)


def _not_attachable(volume: Volume, need: Need) -> str | None:
    """Return why a volume cannot be a node's data volume, or None where it can."""
    if volume.status != "available":
        return f"it is {volume.status}"
    if volume.bootable:
        return "it holds a system that can be booted"
    if volume.size_gb < need.volume_gb:
        return f"it has {volume.size_gb} GB, and {need.volume_gb} GB are needed"
    return None


def _refused(
    offer: Offer, need: Need, volume: Volume, override: Override, problem: str
) -> RequestError:
    free = [_label(one) for one in offer.volumes if _not_attachable(one, need) is None]
    way_out = [f"name another one, or leave {KEY} out"]
    if volume.made_by is not None and volume.status == "in-use":
        way_out.insert(0, "remove the deployment that uses it: its volume is kept")
    return RequestError(
        f"the volume {_label(volume)} at {offer.site} cannot be attached: {problem}.",
        facts={"asked for in": override.origin, "free are": ", ".join(sorted(free)) or "none"},
        way_out=way_out,
    )


def _label(volume: Volume) -> str:
    name = f"{volume.name} " if volume.name else ""
    return f"{name}{volume.id} ({volume.size_gb} GB)"
