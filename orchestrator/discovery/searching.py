"""Which collected offers have what somebody looks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestrator.discovery.snapshots import Collected
from orchestrator.model import Flavor, Image, ImageNeed, Offer
from orchestrator.selection import accelerators
from orchestrator.selection.images import why_not
from orchestrator.selection.systems import distribution, lineage_of, system_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a flavor has at least, and the system of an image; a version of "" means any."""

    vcpus: int = 1
    ram_mb: int = 0
    disk_gb: int = 0
    gpus: int = 0
    image: ImageNeed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A collected offer that has it: the smallest flavor of those that do, the newest image of EGI's lists."""

    collected: Collected
    flavor: Flavor
    flavors: int
    image: Image | None = None
    images: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A collected offer that has it not, and what is missing."""

    collected: Collected
    why: str


def search(offers: Iterable[Collected], wanted: Wanted) -> tuple[Match | Miss, ...]:
    """Look through offers; of each say what fits, or what is missing."""
    return tuple(_looked_at(one, wanted) for one in offers)


def _looked_at(collected: Collected, wanted: Wanted) -> Match | Miss:
    offer = collected.offer
    flavors = sorted((f for f in offer.flavors if _fits(f, wanted)), key=_size)
    images = _images(offer, wanted.image) if wanted.image else []
    missing = [
        *([] if flavors else [_no_flavor(offer, wanted)]),
        *([f"no image of {_system(wanted.image)}"] if wanted.image and not images else []),
    ]
    if missing:
        return Miss(collected=collected, why=", ".join(missing))
    return Match(
        collected=collected,
        flavor=flavors[0],
        flavors=len(flavors),
        image=images[0] if images else None,
        images=len(images),
    )


def _fits(flavor: Flavor, wanted: Wanted) -> bool:
    found = accelerators.of(flavor)
    if flavor.disabled or found.others or (found.gpus and not wanted.gpus):
        return False  # nobody asked for its accelerator
    # A flavor without a disk boots from a volume as large as one likes.
    disk = flavor.disk_gb == 0 or flavor.disk_gb >= wanted.disk_gb
    enough = flavor.vcpus >= wanted.vcpus and flavor.ram_mb >= wanted.ram_mb
    return disk and enough and found.gpus >= wanted.gpus


def _size(flavor: Flavor) -> tuple[bool, int, int, int, str]:
    # As a deployment takes them: one without a disk only where none has one.
    return (not flavor.disk_gb, flavor.vcpus, flavor.ram_mb, flavor.disk_gb, flavor.name)


def _images(offer: Offer, need: ImageNeed) -> list[Image]:
    fitting = [image for image in offer.images if why_not(image) is None and _holds(image, need)]
    return sorted(fitting, key=_standing, reverse=True)


def _standing(image: Image) -> tuple[bool, datetime, str]:
    # EGI's and the VO's own before what somebody has put there.
    return (lineage_of(image).egi_list is not None, image.created_at, image.id)


def _holds(image: Image, need: ImageNeed) -> bool:
    system = system_of(image)
    if system is None:
        return False
    if not need.version:
        return system.distribution == distribution(need.distribution)
    return system.satisfies(need)


def _no_flavor(offer: Offer, wanted: Wanted) -> str:
    usable = [flavor for flavor in offer.flavors if not flavor.disabled]
    if not usable:
        return "no flavors at all"
    if wanted.gpus:
        most = max(accelerators.of(flavor).gpus for flavor in usable)
        if most < wanted.gpus:
            return f"no flavor with {wanted.gpus} GPU" + (f", at most {most}" if most else "")
    largest = max(usable, key=lambda flavor: (flavor.vcpus, flavor.ram_mb, flavor.name))
    return f"no such flavor, the largest is {largest.name} ({largest.vcpus} vCPU, {gigabytes(largest.ram_mb)})"


def gigabytes(megabytes: int) -> str:
    """Write an amount of memory as a person reads it."""
    return f"{megabytes / 1024:g} GB" if megabytes % 512 == 0 else f"{megabytes} MB"


def _system(need: ImageNeed) -> str:
    return f"{need.distribution} {need.version}".strip()
