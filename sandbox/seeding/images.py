"""Images as EGI's image synchronisation leaves them at a site, and one of the site's own."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openstack import exceptions

from sandbox.image import COMMAND_LINE
from sandbox.seeding.identity import projects
from sandbox.vos import Vo

NAME = "registry.egi.eu egi_vm_images/debian:12"
REFERENCE = "registry.egi.eu/egi_vm_images/debian:12"
PLAIN = "debian-12-plain"
SYNCHRONISED = "atrope-catchall"
# When the copies were built that most VOs have, and the one that was taken back.
BUILT, EXPIRED = ("2026-05-02", "2026-11-01"), "2025-06-14"
MIN_DISK = 8
# Names the folder in the cache that an image came from.
BUILD = "sandbox_build"
# The cloud kernel has virtio and nothing else; a CD-ROM on SATA would be invisible.
HARDWARE = {
    "hw_disk_bus": "virtio",
    "hw_cdrom_bus": "scsi",
    "hw_scsi_model": "virtio-scsi",
    "hw_rng_model": "virtio",
    "os_command_line": COMMAND_LINE,
}


def seed(cloud: Any, facts: dict[str, Any]) -> None:
    """Upload kernel, initrd and the images, the oldest copy first.

    A VO without a current image is left with one that its site has deactivated.
    """
    folder, shares = Path(facts["image"]), projects(cloud)
    current = [share for share in shares if share[0].has_current_image]
    expired = [share for share in shares if not share[0].has_current_image]
    _remove_others(cloud, folder.name)
    boot = {
        BUILD: folder.name,
        "kernel_id": _boot_file(cloud, folder / "kernel", "aki"),
        "ramdisk_id": _boot_file(cloud, folder / "initrd", "ari"),
        **HARDWARE,
    }
    disk = folder / "disk.qcow2"
    old = _synchronised(cloud, disk, expired, EXPIRED, boot)
    if old.status != "deactivated":
        cloud.image.deactivate_image(old)
    for built in BUILT:
        _synchronised(cloud, disk, current, built, boot)
    plain = cloud.image.find_image(PLAIN) or _upload(cloud, PLAIN, disk, **boot)
    _share(cloud, plain, current)


def _remove_others(cloud: Any, build: str) -> None:
    """Remove images of earlier builds, as the synchronisation does at a real site."""
    for hidden in (False, True):
        for image in cloud.image.images(is_hidden=hidden):
            if image.properties.get(BUILD, build) != build:
                cloud.image.delete_image(image)


def _boot_file(cloud: Any, path: Path, kind: str) -> str:
    name = f"sandbox-{path.name}"
    there = list(cloud.image.images(name=name, is_hidden=True))
    if there:
        return str(there[0].id)
    # Whoever boots must be able to read it, and nobody should meet it in a list.
    image = cloud.image.create_image(
        name,
        filename=str(path),
        disk_format=kind,
        container_format=kind,
        visibility="public",
        wait=True,
        **{BUILD: path.parent.name},
    )
    cloud.image.update_image(image, is_hidden=True)
    return str(image.id)


def _synchronised(
    cloud: Any, disk: Path, shares: list[tuple[Vo, str]], built: str, boot: dict[str, str]
) -> Any:
    properties = egi_properties(built, [vo.name for vo, _ in shares])
    there = [
        image
        for image in cloud.image.images()
        if image.properties.get("appdb_id") == properties["appdb_id"]
    ]
    if there:
        _replace(cloud, there[0], "vos", properties["vos"])
    image = there[0] if there else _upload(cloud, NAME, disk, [SYNCHRONISED], **properties, **boot)
    _share(cloud, image, shares)
    return image


def _replace(cloud: Any, image: Any, name: str, value: str) -> None:
    """Change a property; openstacksdk would add it, which Glance refuses."""
    kind = "application/openstack-images-v2.1-json-patch"
    patch = [{"op": "replace", "path": f"/{name}", "value": value}]
    answer = cloud.image.patch(f"/images/{image.id}", json=patch, headers={"Content-Type": kind})
    exceptions.raise_from_response(answer)


def _share(cloud: Any, image: Any, shares: list[tuple[Vo, str]]) -> None:
    """Let these projects see an image and nobody else, which takes their consent."""
    if image.visibility != "shared":
        cloud.image.update_image(image, visibility="shared")
    members = {member.member_id for member in cloud.image.members(image)}
    for _, project in shares:
        if project not in members:
            cloud.image.add_member(image, member_id=project)
            cloud.image.update_member(project, image, status="accepted")


def egi_properties(built: str, vos: list[str]) -> dict[str, str]:
    """Return the properties that the image synchronisation sets on an image."""
    digest = hashlib.sha256(f"{REFERENCE}@{built}".encode()).hexdigest()
    annotations = {
        "eu.egi.cloud.image_ref": REFERENCE,
        "eu.egi.cloud.tag": f"12-{built}",
        "eu.egi.cloud.description": "EGI Debian 12",
        "org.openstack.glance.os_admin_user": "debian",
        "org.openstack.glance.os_distro": "debian",
        "org.openstack.glance.os_version": "12",
    }
    return {
        "image_list": "egi_vm_images",
        "project": "egi_vm_images",
        "vos": json.dumps(sorted(vos)),
        "appdb_id": f"{REFERENCE}-{digest}",
        "image_hash": f"sha256:{digest}",
        "vmcatcher_event_ad_mpuri": f"{REFERENCE}-sha256:{digest}",
        "vmcatcher_event_dc_description": "EGI Debian 12",
        "os_distro": "debian",
        "os_version": "12",
        "architecture": "x86_64",
        "APPLIANCE_ATTRIBUTES": json.dumps(annotations),
    }


def _upload(cloud: Any, name: str, disk: Path, tags: Sequence[str] = (), **properties: str) -> Any:
    return cloud.image.create_image(
        name,
        filename=str(disk),
        disk_format="qcow2",
        container_format="bare",
        min_disk=MIN_DISK,
        visibility="shared",
        tags=list(tags),
        allow_duplicates=True,
        wait=True,
        **properties,
    )
