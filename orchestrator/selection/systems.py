"""Which operating system an image holds, and which line of images it continues."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from orchestrator.model import Image, ImageNeed

_SAME = {"almalinux": "alma", "rockylinux": "rocky", "debian gnu/linux": "debian"}
_CODENAMES = {
    "bionic": ("ubuntu", "18.04"),
    "focal": ("ubuntu", "20.04"),
    "jammy": ("ubuntu", "22.04"),
    "noble": ("ubuntu", "24.04"),
    "buster": ("debian", "10"),
    "bullseye": ("debian", "11"),
    "bookworm": ("debian", "12"),
    "trixie": ("debian", "13"),
}
_IN_NAME = re.compile(
    r"(ubuntu|debian|almalinux|alma|rocky(?:linux)?|centos|fedora)"
    # One word or mark at a time: nested repeats would take hours over a hostile name.
    r"(?:[\s_/:-]|linux|server|minimal|stream|cloud|lts)*(\d+(?:\.\d+)?)(?!\d)",
    re.IGNORECASE,
)
# registry.egi.eu egi_vm_images/ubuntu:22.04, or the same with a slash, a digest, a date.
_REFERENCE = re.compile(r"([a-z0-9._-]+/[a-z0-9._-]+)(?::([^@\s]+))?$", re.IGNORECASE)
_CHANGING = re.compile(r"[-_ .]?(?:v?\d+(?:\.\d+)*|20\d{6})(?=$|[-_ .\]])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Distribution and version of an image, and what says so."""

    distribution: str
    version: str
    evidence: str  # properties, EGI's annotations, legacy properties, name

    def satisfies(self, need: ImageNeed) -> bool:
        """Tell whether this is the system, or a point release of it."""
        if self.distribution != distribution(need.distribution):
            return False
        return self.version == need.version or self.version.startswith(f"{need.version}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The line of images that an image continues: a newer one of it replaces an older one."""

    key: str
    egi_list: str | None = None  # egi_vm_images, or the VO's own list
    repository: str | None = None  # ubuntu, docker


@lru_cache(maxsize=512)
def distribution(name: str) -> str:
    """Return one spelling for a distribution."""
    lower = name.strip().casefold()
    return _SAME.get(lower, lower)


def system_of(image: Image) -> System | None:
    """Read what an image holds: its properties before its annotations before its name."""
    for evidence, name, version in _told(image):
        if name and version:
            return System(
                distribution=distribution(name), version=_number(version), evidence=evidence
            )
    return _by_name(image.name)


def _told(image: Image) -> Iterator[tuple[str, str | None, str | None]]:
    # One after the other: the annotations are a text to be parsed, and seldom needed.
    properties = image.properties
    yield "properties", properties.get("os_distro"), properties.get("os_version")
    notes = notes_of(image)
    prefix = "org.openstack.glance"
    yield "EGI's annotations", notes.get(f"{prefix}.os_distro"), notes.get(f"{prefix}.os_version")
    yield "legacy properties", properties.get("sl:osname"), properties.get("sl:osversion")


def notes_of(image: Image) -> Mapping[str, str]:
    """Return the annotations that EGI's image synchronisation keeps as JSON text."""
    return _parsed(image.properties.get("APPLIANCE_ATTRIBUTES", ""))


def lineage_of(image: Image) -> Lineage:
    """Return the line of an image: EGI's repository, the appliance, or its name less the dates."""
    reference = (
        notes_of(image).get("eu.egi.cloud.image_ref")
        or image.properties.get("vmcatcher_event_ad_mpuri")
        or (image.name if image.name.startswith("registry.") else "")
    )
    egi_list = image.properties.get("image_list")
    found = _REFERENCE.search(reference.split("-sha256:")[0]) if reference else None
    if found and (egi_list or "registry" in f"{reference} {image.name}"):
        project, _, repository = found[1].partition("/")
        return Lineage(key=found[1], egi_list=egi_list or project, repository=repository)
    appliance = image.properties.get("ad:appid")
    if appliance:
        return Lineage(key=f"appliance {appliance}", egi_list=egi_list)
    return Lineage(key=_undated(image.name), egi_list=egi_list)


def admin_user(image: Image) -> str | None:
    """Return the login user that the image declares."""
    return image.properties.get("os_admin_user") or notes_of(image).get(
        "org.openstack.glance.os_admin_user"
    )


@lru_cache(maxsize=512)
def _parsed(text: str) -> Mapping[str, str]:
    try:
        content = json.loads(text) if text else {}
    except ValueError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(key): value for key, value in content.items() if isinstance(value, str)}


def _by_name(name: str) -> System | None:
    found = _IN_NAME.search(name)
    if found:
        return System(distribution=distribution(found[1]), version=found[2], evidence="name")
    for codename, (system, version) in _CODENAMES.items():
        if codename in name.casefold():
            return System(distribution=system, version=version, evidence="name")
    return None


@lru_cache(maxsize=512)
def _number(version: str) -> str:
    found = re.search(r"\d+(?:\.\d+)*", version)
    known = _CODENAMES.get(version.strip().casefold())
    return found[0] if found else known[1] if known else version.strip().casefold()


def _undated(name: str) -> str:
    # Ubuntu-20.04-20211006 and Ubuntu-20.04-20220101 are one line; so are -v2 and -v4.
    return _CHANGING.sub("", name).strip(" -_.").casefold() or name.casefold()
