"""Flavors shaped like those of real sites, and the quotas of the VOs."""

from typing import Any

from openstack import exceptions

from sandbox.seeding.identity import unusual

# Name: vCPUs, memory in MB, disk in GB.
FLAVORS = {
    "m1.tiny": (1, 512, 4),
    "m1.small": (1, 2048, 10),
    "m1.medium": (2, 4096, 12),
    "m1.medium-bigdisk": (2, 4096, 40),
    "m1.large": (4, 8192, 40),
    "m1.volume": (2, 4096, 0),
    "g1.medium": (2, 8192, 40),
}
# What EGI asks its sites to say about accelerators.
GPU = {
    "Accelerator:Type": "GPU",
    "Accelerator:Number": "1.0",
    "Accelerator:Vendor": "NVIDIA",
    "Accelerator:Model": "Tesla T4",
}


def seed(cloud: Any, facts: dict[str, Any]) -> None:
    """Make the flavors and set the quotas."""
    for name, (vcpus, ram, disk) in FLAVORS.items():
        if not cloud.compute.find_flavor(name):
            flavor = cloud.compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)
            if name.startswith("g1."):
                cloud.compute.create_flavor_extra_specs(flavor, GPU)
    for project, quota in unusual(cloud, lambda vo: vo.quota):
        answer = cloud.compute.put(f"/os-quota-sets/{project}", json={"quota_set": quota})
        exceptions.raise_from_response(answer)
