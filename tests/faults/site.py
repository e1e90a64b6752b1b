"""The site of a trial as its administrator sees it, and the empty image that its machines are made of."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openstack
from openstack.connection import Connection
from openstack.exceptions import SDKException

from orchestrator.auth import keystone
from orchestrator.auth.keystone import KeystoneLogin
from orchestrator.auth.token import AccessToken
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.paths import SANDBOX

IMAGE = "trial-blank"
# On which port of this machine the sandbox has what a trial asks for.
SERVICES = {"identity": 25000, "image": 29292, "compute": 28774, "network": 29696}
# What two nodes with one floating IP, a network and a router of their own come to.
WANTED = Counter(
    server=2, port=2, network=1, subnet=1, router=1, floating_ip=1, security_group=1, keypair=1
)
# Users before what they use.
_REMOVAL = (
    "server", "floating_ip", "router", "port", "subnet", "network", "security_group", "keypair",
)  # fmt: skip
_PATIENCE = 120.0


def administrator() -> Connection:
    """Log in as the sandbox's administrator."""
    login = json.loads((SANDBOX / "admin.json").read_text())
    auth = {key: value for key, value in login.items() if key != "cacert"}
    return openstack.connection.Connection(auth=auth, cacert=login["cacert"])


def operator(vo: str) -> KeystoneLogin:
    """Log in as the person whose deployments the trials are."""
    said = subprocess.run(
        [str(SANDBOX / "bin" / "token")], check=True, capture_output=True, text=True
    )
    site = Catalogue.usual(Path("/nonexistent")).find("SANDBOX")
    token = AccessToken.read(said.stdout.strip())
    return keystone.login(site, token, project_id=None, vo=vo)


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


Thing = tuple[str, str]  # its kind and id; a key pair's name


class Project:
    """What the project of one VO holds."""

    def __init__(self, admin: Connection, vo: str) -> None:
        self.vo = vo
        self._admin = admin
        login = operator(vo)
        self.id, self._user = login.project_id, login.user_id

    def holds(self, *deployments: str) -> set[Thing]:
        """List everything that the deployments of these names could have made there."""
        network, project = self._admin.network, self.id
        listings: dict[str, Sequence[Any]] = {
            "server": self._servers(),
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
            # They are the person's, in all projects; the key itself has the deployment's name.
            "keypair": [
                pair for pair in self._admin.compute.keypairs(user_id=self._user)
                if pair.public_key.split()[-1] in deployments
            ],
        }  # fmt: skip
        return {
            (kind, one.name if kind == "keypair" else one.id)
            for kind, listed in listings.items()
            for one in listed
        }

    def server(self, name: str) -> str:
        """Return the id of the server of that name."""
        (found,) = [one for one in self._servers() if one.name == name]
        return str(found.id)

    def remove_server(self, server_id: str) -> None:
        """Remove a server by hand, as a colleague might, and wait until no listing has it any more."""
        self._admin.compute.delete_server(server_id, force=True)
        deadline = time.monotonic() + _PATIENCE
        # The SDK waits until its status is DELETED, with which it may still be listed.
        while server_id in {one.id for one in self._servers()}:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"server {server_id} is still there {_PATIENCE:.0f} s after its end"
                )
            time.sleep(0.2)

    def _servers(self) -> list[Any]:
        return list(self._admin.compute.servers(all_projects=True, project_id=self.id))

    def clear(self, things: Callable[[], set[Thing]]) -> None:
        """Remove what a trial has left, until nothing of it is listed any more."""
        deadline = time.monotonic() + _PATIENCE
        while left := things():
            for kind, found in sorted(left, key=lambda one: _REMOVAL.index(one[0])):
                # What is in use now goes in a later round.
                with contextlib.suppress(SDKException):
                    self._remove(kind, found)
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{sorted(left)} cannot be removed from the project of {self.vo}"
                )
            time.sleep(1)

    def _remove(self, kind: str, found: str) -> None:
        network = self._admin.network
        if kind == "server":
            self._admin.compute.delete_server(found, force=True)
        elif kind == "keypair":
            self._admin.compute.delete_keypair(found, user_id=self._user)
        elif kind == "router":
            for port in network.ports(device_id=found):
                if port.device_owner.endswith("router_interface"):
                    network.remove_interface_from_router(found, port_id=port.id)
            network.delete_router(found)
        else:
            getattr(network, f"delete_{'ip' if kind == 'floating_ip' else kind}")(found)
