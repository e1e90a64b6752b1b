"""Data volumes that outlive their deployments: which there are, who uses them, and their removal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.auth.token import AccessToken
from orchestrator.drivers.openstack_marks import Resource
from orchestrator.entering import enter
from orchestrator.errors import AmbiguousChoiceError, RefusedError, RequestError
from orchestrator.lifecycle import Phase
from orchestrator.model import Deployment, KeptVolume, Share, Site
from orchestrator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A volume, the deployment that made it, and the one that has it now."""

    volume: KeptVolume
    origin: Deployment
    used_by: str | None  # the name of a deployment of this owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Staying:
    """What the end of a deployment leaves: the volumes that it made, and the machines that use any that stay."""

    volumes: tuple[Resource, ...] = ()
    servers: tuple[Resource, ...] = ()


def staying(found: Sequence[Resource], deployment: Deployment, *, delete_data: bool) -> Staying:
    """Return what stays of what the site has of a deployment.

    A volume that nobody was ever given has no data on it. The record may not know, as that of a
    deployment that was taken over: then one that a machine uses, or that is marked as kept, stays.
    """
    given = bool(deployment.volumes)
    volumes = [one for one in found if one.kind == "volume" and not delete_data]
    kept = tuple(one for one in volumes if given or one.in_use or one.kept)
    going = {one.id for one in found if one.kind == "volume"} - {one.id for one in kept}
    servers = tuple(one for one in found if set(one.volumes) - going)
    return Staying(volumes=kept, servers=servers)


def kept(store: Store, *, owner: str) -> list[Kept]:
    """Return the volumes that an owner's deployments have left, the oldest first."""
    every = store.all(owner=owner, destroyed=True)
    users = {
        one.selection.volume.value: one.name
        for one in every
        if one.phase is not Phase.DESTROYED and one.selection and one.selection.volume
    }
    return [
        Kept(volume=volume, origin=one, used_by=users.get(volume.id))
        for one in every
        for volume in one.kept
    ]


def find(listed: Sequence[Kept], asked: str) -> Kept:
    """Return the one volume of this id or name, or raise RequestError."""
    found = [one for one in listed if one.volume.id == asked] or [
        one for one in listed if one.volume.name == asked
    ]
    if len(found) > 1:
        raise AmbiguousChoiceError(
            f"you have {len(found)} volumes named {asked}",
            facts={one.volume.id: f"{one.volume.name} at {one.origin.site}" for one in found},
            way_out=["give its id"],
        )
    if not found:
        raise RequestError(
            f"no deployment of yours has left a volume {asked}",
            facts={"there are": ", ".join(one.volume.id for one in listed) or "none"},
            way_out=["orchestrator volumes"],
        )
    return found[0]


def delete(one: Kept, *, site: Site, token: AccessToken, store: Store) -> None:
    """Delete a kept volume at its site; one that is gone already is forgotten here.

    Raises RefusedError while something uses it.
    """
    origin, volume = one.origin, one.volume
    share = site.share_of(origin.vo) or Share(vo=origin.vo, project_id=origin.project_id)
    # It lies where it was made, also when the site's file names another project by now.
    _, cloud = enter(site, replace(share, project_id=origin.project_id), token)
    # Only what still carries our mark is ours to delete.
    found = [one for one in cloud.find_marked(origin.id) if one.id == volume.id]
    for resource in found:
        if resource.in_use or one.used_by:
            raise RefusedError(
                f"the volume {volume.name} ({volume.id}) is in use",
                facts={"by": one.used_by or "a machine that no deployment of yours knows"},
                way_out=["remove the deployment that uses it first; the volume stays"],
            )
        cloud.remove(resource)
    left = tuple(other for other in origin.kept if other.id != volume.id)
    store.update(origin, kept=left)
    store.note(origin, phase="delete", text=f"volume {volume.name} ({volume.id}) is deleted")
