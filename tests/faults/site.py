"""The site of a trial as its administrator sees it, and the empty image that its machines are made of."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openstack
from openstack.connection import Connection

from orchestrator.paths import SANDBOX

VO = "vo.access.egi.eu"
IMAGE = "trial-blank"
# What three nodes with one floating IP, a network and a router of their own come to.
WANTED = Counter(
    server=3, port=3, network=1, subnet=1, router=1, floating_ip=1, security_group=1, keypair=1
)


def administrator() -> Connection:
    """Log in as the sandbox's administrator."""
    login = json.loads((SANDBOX / "admin.json").read_text())
    auth = {key: value for key, value in login.items() if key != "cacert"}
    return openstack.connection.Connection(auth=auth, cacert=login["cacert"])


def prepare(admin: Connection, folder: Path) -> None:
    """Put a disk of zeros into the site as an image, where it is not there yet."""
    if admin.image.find_image(IMAGE):
        return
    disk = folder / "blank.raw"
    disk.write_bytes(bytes(1 << 20))
    admin.image.create_image(
        IMAGE,
        filename=str(disk),
        disk_format="raw",
        container_format="bare",
        visibility="public",
        wait=True,
        os_distro="blank",
        os_version="1",
    )


def clean(admin: Connection) -> None:
    """Remove the image again."""
    found = admin.image.find_image(IMAGE)
    if found is not None:
        admin.image.delete_image(found)


class Project:
    """What the VO's project holds, by kind and id."""

    def __init__(self, admin: Connection) -> None:
        self._admin = admin
        (found,) = [one for one in admin.identity.projects() if one.to_dict().get("egi.VO") == VO]
        self._id = found.id

    def holds(self) -> set[tuple[str, str]]:
        """List everything that a deployment could have made there."""
        network, project = self._admin.network, self._id
        listings: dict[str, Sequence[Any]] = {
            "server": list(self._admin.compute.servers(all_projects=True, project_id=project)),
            "port": [
                port
                for port in network.ports(project_id=project)
                if not (port.device_owner or "").startswith("network:")
            ],
            "network": list(network.networks(project_id=project)),
            "subnet": list(network.subnets(project_id=project)),
            "router": list(network.routers(project_id=project)),
            "floating_ip": list(network.ips(project_id=project)),
            "security_group": [
                group for group in network.security_groups(project_id=project)
                if group.name != "default"
            ],
        }  # fmt: skip
        found = {(kind, one.id) for kind, listed in listings.items() for one in listed}
        return found | {("keypair", name) for name in self._keypairs()}

    def _keypairs(self) -> list[str]:
        """The key pairs belong to the person: asked as the operator."""
        token = subprocess.run(
            [str(SANDBOX / "bin" / "token")], check=True, capture_output=True, text=True
        ).stdout.strip()
        from orchestrator.auth import keystone
        from orchestrator.auth.token import AccessToken
        from orchestrator.catalogue.catalogue import Catalogue

        site = Catalogue.usual(Path("/nonexistent")).find("SANDBOX")
        login = keystone.login(site, AccessToken.read(token), project_id=self._id, vo=VO)
        connection = openstack.connection.Connection(session=login.session)
        return [pair.name for pair in connection.compute.keypairs()]

    def remove_server(self, name: str) -> None:
        """Remove a server by hand, as a colleague might."""
        for server in self._admin.compute.servers(all_projects=True, project_id=self._id):
            if server.name == name:
                self._admin.compute.delete_server(server, force=True)
                self._admin.compute.wait_for_delete(server, wait=60)
