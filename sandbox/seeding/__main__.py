"""Seeds one part of the cloud: `python -m sandbox.seeding PART`, the facts on stdin."""

import json
import sys
from collections.abc import Callable
from typing import Any

import openstack

from sandbox.seeding import compute, identity, images, network, volumes

PARTS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "catalog": identity.seed_catalog,
    "projects": identity.seed_projects,
    "federation": identity.seed_federation,
    "images": images.seed,
    "compute": compute.seed,
    "network": network.seed,
    "volumes": volumes.seed,
}


def main() -> None:
    """Log in as admin and seed the part named on the command line."""
    facts = json.load(sys.stdin)
    cloud = openstack.connect(
        load_yaml_config=False, load_envvars=False, region_name="RegionOne", **facts["admin"]
    )
    PARTS[sys.argv[1]](cloud, facts)


main()
