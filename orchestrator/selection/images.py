"""Which image: the system that is needed, from the best line, and the newest of that line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.errors import AmbiguousChoiceError, RequestError, SiteError
from orchestrator.model import Choice, Image, ImageNeed, Offer, Rival, Site
from orchestrator.selection import overrides
from orchestrator.selection.overrides import Override
from orchestrator.selection.systems import Lineage, System, distribution, lineage_of, system_of

KEY = "image"
_RIVALS_SHOWN = 12
# A kernel or a CD is not a system, and a snapshot carries somebody's data.
_NO_DISK = ("aki", "ari", "iso", "docker")
_ARCHITECTURES = (None, "", "x86_64", "amd64")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChoice:
    """The image and the reason for it."""

    choice: Choice
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    image: Image
    system: System
    lineage: Lineage
    rank: int

    @property
    def freshness(self) -> tuple[tuple[int, ...], object, str]:
        version = tuple(int(part) for part in self.system.version.split(".") if part.isdecimal())
        return version, self.image.created_at, self.image.id


def choose_image(
    offer: Offer, need: ImageNeed, *, site: Site, override: Override | None = None
) -> ImageChoice:
    """Return the newest usable image of the system, or what a person named."""
    if override is not None:
        return _overridden(offer, need, override)
    candidates = [found for image in offer.images if (found := _candidate(image, need))]
    if not candidates:
        raise _none(offer, need)
    best_rank = min(found.rank for found in candidates)
    best = [found for found in candidates if found.rank == best_rank]
    if len({found.lineage.key for found in best}) > 1:
        raise _ambiguous(best, offer, need, site)
    chosen = max(best, key=lambda found: found.freshness)
    choice = Choice(
        key=KEY,
        value=chosen.image.id,
        name=chosen.image.name,
        label=_label(chosen.image, need, chosen.system),
        reason=_reason(chosen, best),
        candidates=len(candidates),
        rivals=_rivals(chosen, candidates),
        confidence="likely" if chosen.system.evidence == "name" else "certain",
    )
    return ImageChoice(choice=choice, image=chosen.image)


def why_not(image: Image) -> str | None:
    """Return why an image cannot be booted from, whatever it holds, or None."""
    if image.status != "active":
        return f"is {image.status or 'not active'}"
    if image.hidden:
        return "is hidden by the site: an old one"
    if image.visibility == "community":
        return "anybody may have put it there (community)"
    if image.properties.get("image_type") == "snapshot" or "instance_uuid" in image.properties:
        return "is a snapshot of somebody's VM"
    if image.properties.get("disk_format") in _NO_DISK:
        return f"is no disk ({image.properties['disk_format']})"
    architecture = image.properties.get("architecture")
    return None if architecture in _ARCHITECTURES else f"is for {architecture}"


def _candidate(image: Image, need: ImageNeed) -> _Candidate | None:
    system = system_of(image)
    if system is None or not system.satisfies(need) or why_not(image) is not None:
        return None
    lineage = lineage_of(image)
    return _Candidate(
        image=image, system=system, lineage=lineage, rank=_rank(image, lineage, system)
    )


# What is trusted first: EGI's plain system, the VO's, what the site declares, what a name says.
_EGI, _VO, _DECLARED, _NAMED, _APPLIANCE = range(5)
_EGI_LIST = "egi_vm_images"


def _rank(image: Image, lineage: Lineage, system: System) -> int:
    if lineage.repository is not None:
        if distribution(lineage.repository) != system.distribution:
            return _APPLIANCE  # docker:22.04 is Ubuntu and more
        return _EGI if lineage.egi_list == _EGI_LIST else _VO
    # "Image for EGI Docker [Ubuntu/18.04/VirtualBox]", as the images of old were named.
    title, bracket, _ = image.name.partition("[")
    if bracket and system.distribution not in title.casefold():
        return _APPLIANCE
    return _NAMED if system.evidence == "name" else _DECLARED


def _reason(chosen: _Candidate, best: Sequence[_Candidate]) -> str:
    where = f" in {chosen.lineage.egi_list}" if chosen.lineage.egi_list else ""
    by_name = ", known by its name only" if chosen.system.evidence == "name" else ""
    if len(best) == 1:
        return f"the only one{where}{by_name}"
    same_day = [found for found in best if found.freshness[:2] == chosen.freshness[:2]]
    tie = f", {len(same_day)} of the same moment and the id decides" if len(same_day) > 1 else ""
    return f"newest of {len(best)}{where}{by_name}{tie}"


def _label(image: Image, need: ImageNeed, system: System | None) -> str:
    version = system.version if system else need.version
    name = system.distribution if system else need.distribution
    return f"{name} {version}, {image.created_at:%Y-%m-%d}"


def _rivals(chosen: _Candidate, candidates: Sequence[_Candidate]) -> tuple[Rival, ...]:
    others = sorted(
        (found for found in candidates if found is not chosen),
        key=lambda found: (found.rank, -found.image.created_at.timestamp(), found.image.id),
    )
    return tuple(
        Rival(
            value=found.image.id,
            label=f"{found.image.name}, {found.image.created_at:%Y-%m-%d}",
            why_not="older" if found.rank == chosen.rank else _weaker(found),
        )
        for found in others[:_RIVALS_SHOWN]
    )


def _weaker(found: _Candidate) -> str:
    return {
        _VO: "of the VO's own list",
        _DECLARED: "not of EGI's list",
        _NAMED: "known by its name only",
    }.get(found.rank, "more than the plain system")


def _overridden(offer: Offer, need: ImageNeed, override: Override) -> ImageChoice:
    image = overrides.find(offer.images, override, key=KEY, site=offer.site)
    if image.status != "active":
        raise RequestError(
            f"the image {image.name} at {offer.site} is {image.status}, so nothing boots from it.",
            facts={"asked for in": override.origin},
            way_out=["name another one, or leave it out to have one chosen"],
        )
    system = system_of(image)
    if system is not None and not system.satisfies(need):
        raise RequestError(
            f"the image {image.name} at {offer.site} is {system.distribution} {system.version},"
            f" and {need.distribution} {need.version} is needed.",
            facts={"asked for in": override.origin, "says": system.evidence},
            way_out=["name another one, or leave it out to have one chosen"],
        )
    reason = f"asked for in {override.origin}"
    choice = Choice(
        key=KEY,
        value=image.id,
        name=image.name,
        label=_label(image, need, system),
        reason=reason if system else f"{reason}; what it holds is not told",
        candidates=len(offer.images),
        confidence="fixed",
        **overrides.marks(override),
    )
    return ImageChoice(choice=choice, image=image)


def _none(offer: Offer, need: ImageNeed) -> SiteError:
    wanted = f"{need.distribution} {need.version}"
    listed = sorted(offer.images, key=lambda image: (image.name, image.id))
    right = [image for image in listed if (found := system_of(image)) and found.satisfies(need)]
    unusable = {_unique(image, right): why_not(image) or "" for image in right[:_RIVALS_SHOWN]}
    systems = {
        f"{system.distribution} {system.version}"
        for image in offer.images
        if why_not(image) is None and (system := system_of(image))
    }
    return SiteError(
        f"{offer.site} has no image of {wanted} that this project may use.",
        facts={
            **unusable,
            "there are": ", ".join(sorted(systems)) or "none that say what they are",
        },
        way_out=[
            f"if you know of one, name it: --set {KEY}=<id or name>",
            "or try another site: orchestrator sites",
        ],
    )


def _unique(image: Image, among: Sequence[Image]) -> str:
    alike = sum(other.name == image.name for other in among) > 1
    return f"{image.name} ({image.id})" if alike or not image.name.strip() else image.name


def _ambiguous(
    best: Sequence[_Candidate], offer: Offer, need: ImageNeed, site: Site
) -> AmbiguousChoiceError:
    newest: dict[str, _Candidate] = {}
    for found in sorted(best, key=lambda found: found.freshness):
        newest[found.lineage.key] = found
    heads = sorted(newest.values(), key=lambda found: (found.image.name, found.image.id))
    first = overrides.reference(heads[0].image, offer.images)
    return AmbiguousChoiceError(
        f"{offer.site} has {len(heads)} different images of {need.distribution} {need.version},"
        " and nothing tells them apart. Nothing was created.",
        facts={
            f"{found.image.name} ({found.image.id})": (
                f"{found.system.distribution} {found.system.version} by its {found.system.evidence},"
                f" {found.image.visibility}, {found.image.created_at:%Y-%m-%d}"
            )
            for found in heads
        },
        way_out=[
            f"say which, once for this run: {overrides.option(KEY, first)}",
            f"or for good, in sites/{site.name}.yaml: {overrides.line(KEY, first)}",
        ],
    )
