"""Which flavor: the smallest that fits, by an order in which no two are equal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from orchestrator.errors import RequestError, SiteError
from orchestrator.model import Choice, Flavor, Image, Need, Offer, Rival
from orchestrator.selection import accelerators, overrides
from orchestrator.selection.overrides import Override
from orchestrator.selection.quotas import has_room, volumes_left

KEY = "flavor"
_RIVALS_SHOWN = 12
_GB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a flavor must have: the use case's need and the image's own."""

    vcpus: int
    ram_mb: int
    disk_gb: int
    gpus: int

    @classmethod
    def of(cls, need: Need, image: Image) -> Wanted:
        """Join the need of a use case with that of its image."""
        size = -(-image.size_bytes // _GB)
        return cls(
            vcpus=need.vcpus,
            ram_mb=max(need.ram_mb, image.min_ram_mb),
            disk_gb=max(need.disk_gb, image.min_disk_gb, size, 1),
            gpus=need.gpus,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlavorChoice:
    """The flavor, and the size of the boot volume where it has no disk."""

    choice: Choice
    flavor: Flavor
    boot_volume_gb: int


def choose_flavor(
    offer: Offer, need: Need, image: Image, *, nodes: int = 1, override: Override | None = None
) -> FlavorChoice:
    """Return the smallest flavor that fits the need, the image and what is left of the quota."""
    wanted = Wanted.of(need, image)
    if override is not None:
        return _overridden(offer, wanted, override)
    listed = sorted(offer.flavors, key=order)
    problems = [why_not(flavor, wanted) for flavor in listed]
    fitting = _fitting(listed, problems)
    # A flavor without a disk can boot from a volume: the last resort, where there may be volumes.
    if not fitting and volumes_left(offer.quotas, wanted.disk_gb, nodes) is not False:
        problems = [why_not(flavor, wanted, volume=True) for flavor in listed]
        fitting = _fitting(listed, problems)
    if not fitting:
        raise _none(offer, wanted, listed, problems)
    roomy = [flavor for flavor in fitting if has_room(offer.quotas, flavor, nodes)]
    chosen = (roomy or fitting)[0]
    left = {flavor.id for flavor in roomy or fitting}
    rivals = _rivals(chosen, listed, problems, left)
    return _made(offer, chosen, wanted, _reason(chosen, fitting), len(fitting), rivals)


def _fitting(listed: Sequence[Flavor], problems: Sequence[str | None]) -> list[Flavor]:
    return [one for one, problem in zip(listed, problems, strict=True) if problem is None]


def order(flavor: Flavor) -> tuple[int, int, int, int, str, str]:
    """Return the place of a flavor among all others, smallest first."""
    return (
        flavor.vcpus,
        flavor.ram_mb,
        flavor.disk_gb,
        flavor.ephemeral_gb,
        flavor.name,
        flavor.id,
    )


def label(flavor: Flavor) -> str:
    """Return the flavor as a person reads it."""
    disk = f"{flavor.disk_gb} GB" if flavor.disk_gb else "no disk"
    gpus = accelerators.of(flavor).gpus
    more = f", {gpus} GPU" if gpus else ""
    return f"{flavor.name} ({flavor.vcpus} vCPU, {_gigabytes(flavor.ram_mb)}, {disk}{more})"


def why_not(flavor: Flavor, wanted: Wanted, *, volume: bool = False) -> str | None:
    """Return why a flavor does not fit, or None; ``volume`` lets it boot from a volume."""
    if flavor.disabled:
        return "disabled by the site"
    found = accelerators.of(flavor)
    if found.others or (found.gpus and not wanted.gpus):
        return f"has an accelerator that nobody asked for ({found.sign})"
    for have, need, text in (
        (flavor.vcpus, wanted.vcpus, f"{flavor.vcpus} vCPU of {wanted.vcpus}"),
        (
            flavor.ram_mb,
            wanted.ram_mb,
            f"{_gigabytes(flavor.ram_mb)} of {_gigabytes(wanted.ram_mb)}",
        ),
        (found.gpus, wanted.gpus, f"{found.gpus} GPU of {wanted.gpus}"),
    ):
        if have < need:
            return text
    if flavor.disk_gb == 0:
        return None if volume else "no disk of its own"
    if flavor.disk_gb < wanted.disk_gb:
        return f"disk of {flavor.disk_gb} GB, {wanted.disk_gb} needed"
    return None


def _made(
    offer: Offer,
    chosen: Flavor,
    wanted: Wanted,
    reason: str,
    candidates: int,
    rivals: tuple[Rival, ...] = (),
    override: Override | None = None,
) -> FlavorChoice:
    volume = wanted.disk_gb if chosen.disk_gb == 0 else 0
    notes, confidence = [reason], "certain"
    gpu = accelerators.of(chosen)
    if gpu.gpus and not gpu.sure:
        notes.append(f"its GPU is known by {gpu.sign} only")
        confidence = "likely"
    if volume:
        notes.append(f"boots from a volume of {volume} GB")
        if volumes_left(offer.quotas, volume, 1) is None:
            notes.append("whether the project may have volumes is not told")
            confidence = "likely"
    choice = Choice(
        key=KEY,
        value=chosen.id,
        name=chosen.name,
        label=label(chosen),
        reason="; ".join(notes),
        candidates=candidates,
        rivals=rivals,
        confidence="fixed" if override else confidence,
        **overrides.marks(override),
    )
    return FlavorChoice(choice=choice, flavor=chosen, boot_volume_gb=volume)


def _reason(chosen: Flavor, fitting: Sequence[Flavor]) -> str:
    fit = f"smallest of {len(fitting)} that fit" if len(fitting) > 1 else "the only one that fits"
    if chosen is not fitting[0]:
        fit = f"smallest of {len(fitting)} that fit and that the quota has room for"
    equal = [flavor for flavor in fitting if order(flavor)[:4] == order(chosen)[:4]]
    if len(equal) == 1:
        return fit
    twins = sum(flavor.name == chosen.name for flavor in equal) > 1
    return f"{fit}; {len(equal)} are of this size and the {'id' if twins else 'name'} decides"


def _rivals(
    chosen: Flavor, listed: Sequence[Flavor], problems: Sequence[str | None], left: Collection[str]
) -> tuple[Rival, ...]:
    """Return the ones next to the chosen one in size, and why not each."""
    place = next(place for place, flavor in enumerate(listed) if flavor is chosen)
    near = sorted(range(len(listed)), key=lambda other: abs(other - place))[1 : _RIVALS_SHOWN + 1]
    return tuple(
        Rival(
            value=listed[other].id,
            label=label(listed[other]),
            why_not=problems[other]
            or ("larger" if listed[other].id in left else "more than the quota has left"),
        )
        for other in sorted(near)
    )


def _overridden(offer: Offer, wanted: Wanted, override: Override) -> FlavorChoice:
    chosen = overrides.find(offer.flavors, override, key=KEY, site=offer.site)
    # Who names a flavor with an accelerator has asked for it.
    asked = Wanted(
        vcpus=wanted.vcpus,
        ram_mb=wanted.ram_mb,
        disk_gb=wanted.disk_gb,
        gpus=max(wanted.gpus, min(1, accelerators.of(chosen).gpus)),
    )
    problem = why_not(chosen, asked, volume=True)
    if problem is not None:
        raise RequestError(
            f"{label(chosen)} at {offer.site} does not do: {problem}.",
            facts={"asked for in": override.origin, "needed": _text(wanted)},
            way_out=["name a larger flavor, or leave it out to have one chosen"],
        )
    reason = f"asked for in {override.origin}"
    return _made(offer, chosen, asked, reason, len(offer.flavors), override=override)


def _none(
    offer: Offer, wanted: Wanted, listed: Sequence[Flavor], problems: Sequence[str | None]
) -> SiteError:
    largest = list(zip(listed, problems, strict=True))[: -_RIVALS_SHOWN - 1 : -1]
    facts = {label(flavor): problem or "" for flavor, problem in largest}
    room = volumes_left(offer.quotas, wanted.disk_gb, 1)
    if room is False and any(flavor.disk_gb == 0 for flavor in listed):
        facts["boot volumes"] = f"the quota has no room for one of {wanted.disk_gb} GB"
    return SiteError(
        f"{offer.site} has no flavor with {_text(wanted)} for this project.",
        facts=facts or {"flavors": "none"},
        way_out=["try another site: orchestrator sites", "or ask the site for a larger flavor"],
    )


def _text(wanted: Wanted) -> str:
    gpus = f" and {wanted.gpus} GPU" if wanted.gpus else ""
    memory = _gigabytes(wanted.ram_mb)
    return f"{wanted.vcpus} vCPU, {memory} of memory, {wanted.disk_gb} GB of disk{gpus}"


def _gigabytes(megabytes: int) -> str:
    return f"{megabytes / 1024:g} GB" if megabytes % 512 == 0 else f"{megabytes} MB"
