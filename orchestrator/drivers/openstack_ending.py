"""What comes before an end: machines that stop by themselves, and a word on what outlives them."""

from __future__ import annotations

from typing import Any

from orchestrator.drivers.openstack_marks import KEPT

_PATIENCE = 180  # seconds; after a minute most sites switch a machine off themselves


def stop(cloud: Any, server_id: str) -> bool:
    """Shut a machine down, so that all is written that it holds in memory; tell whether it did in time."""
    server = cloud.compute.find_server(server_id)
    if server is None or server.status != "ACTIVE":
        return True
    cloud.compute.stop_server(server)
    try:
        cloud.compute.wait_for_server(server, status="SHUTOFF", wait=_PATIENCE)
    except Exception as error:
        # openstacksdk's own class of it cannot be named here: this module does not import it.
        if type(error).__name__ != "ResourceTimeout":
            raise
        return False
    return True


def keep(cloud: Any, volume_id: str) -> None:
    """Write to a volume that it outlives its deployment: whoever lists the site can tell."""
    cloud.block_storage.set_volume_metadata(volume_id, **{KEPT: "true"})
