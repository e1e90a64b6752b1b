"""Images as EGI's image synchronisation leaves them at a site, and one of the site's own."""

import hashlib
import json
from pathlib import Path
from typing import Any

from sandbox.seeding.identity import DOMAIN, PROJECTS

NAME = "registry.egi.eu egi_vm_images/debian:12"
REFERENCE = "registry.egi.eu/egi_vm_images/debian:12"
PLAIN = "debian-12-plain"
SYNCHRONISED = "atrope-catchall"
MIN_DISK = 8
# Names the folder in the cache that an image came from.
BUILD = "sandbox_build"
# The cloud kernel has virtio and nothing else; a CD-ROM on SATA would be invisible.
HARDWARE = {
    "hw_disk_bus": "virtio",
    "hw_cdrom_bus": "scsi",
    "hw_scsi_model": "virtio-scsi",
    "hw_rng_model": "virtio",
    # The last console named is the one that cloud-init prints host keys to.
    "os_command_line": "root=/dev/vda console=tty0 console=ttyS0 no_timer_check quiet",
}


def seed(cloud: Any, facts: dict[str, Any]) -> None:
    """Upload kernel, initrd and the three images, the oldest copy first."""
    folder = Path(facts["image"])
    _remove_others(cloud, folder.name)
    boot = {
        BUILD: folder.name,
        "kernel_id": _boot_file(cloud, folder / "kernel", "aki"),
        "ramdisk_id": _boot_file(cloud, folder / "initrd", "ari"),
        **HARDWARE,
    }
    domain = cloud.identity.find_domain(DOMAIN)
    for built in ("2026-05-02", "2026-11-01"):
        _synchronised(cloud, folder / "disk.qcow2", domain, built, boot)
    if not cloud.image.find_image(PLAIN):
        _upload(cloud, PLAIN, folder / "disk.qcow2", visibility="public", **boot)


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


def _synchronised(cloud: Any, disk: Path, domain: Any, built: str, boot: dict[str, str]) -> None:
    properties = egi_properties(built)
    there = [
        image
        for image in cloud.image.images()
        if image.properties.get("appdb_id") == properties["appdb_id"]
    ]
    image = (
        there[0]
        if there
        else _upload(
            cloud, NAME, disk, visibility="shared", tags=[SYNCHRONISED], **properties, **boot
        )
    )
    members = {member.member_id for member in cloud.image.members(image)}
    for name in PROJECTS.values():
        project = cloud.identity.find_project(name, domain_id=domain.id)
        if project.id not in members:
            cloud.image.add_member(image, member_id=project.id)
            cloud.image.update_member(project.id, image, status="accepted")


def egi_properties(built: str) -> dict[str, str]:
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
        "vos": json.dumps(sorted(PROJECTS)),
        "appdb_id": f"{REFERENCE}-{digest}",
        "image_hash": f"sha256:{digest}",
        "vmcatcher_event_ad_mpuri": f"{REFERENCE}-sha256:{digest}",
        "vmcatcher_event_dc_description": "EGI Debian 12",
        "os_distro": "debian",
        "os_version": "12",
        "architecture": "x86_64",
        "APPLIANCE_ATTRIBUTES": json.dumps(annotations),
    }


def _upload(cloud: Any, name: str, disk: Path, **properties: Any) -> Any:
    return cloud.image.create_image(
        name,
        filename=str(disk),
        disk_format="qcow2",
        container_format="bare",
        min_disk=MIN_DISK,
        allow_duplicates=True,
        wait=True,
        **properties,
    )
