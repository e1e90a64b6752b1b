"""How many volumes each VO may have, and how large they may be together."""

from typing import Any

from openstack import exceptions

from sandbox.seeding.identity import unusual


def seed(cloud: Any, facts: dict[str, Any]) -> None:
    """Set the quotas."""
    for project, quota in unusual(cloud, lambda vo: vo.volume_quota):
        address = f"/os-quota-sets/{project}"
        answer = cloud.block_storage.put(address, json={"quota_set": quota})
        exceptions.raise_from_response(answer)
