"""A floating IP of the project's that a colleague takes for a machine of theirs: it stays with them.

The machines have an empty disk, as those of the trials do: nothing is configured on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from openstack.connection import Connection

from sandbox.networks import EXTERNAL
from tests.faults import ground
from tests.faults.site import Project
from tests.faults.ways import Orchestrated

pytestmark = pytest.mark.e2e

VO = "visible.sandbox"
NAME = "borrower"


@dataclass(frozen=True)
class Colleague:
    """Somebody with a port of their own and the same project's address."""

    admin: Connection
    port: str
    ip: str

    def takes_it(self) -> None:
        self.admin.network.update_ip(self.ip, port_id=self.port)

    def frees_it(self) -> None:
        self.admin.network.update_ip(self.ip, port_id=None)

    @property
    def has_it(self) -> bool:
        return bool(self.admin.network.get_ip(self.ip).port_id == self.port)


@pytest.fixture
def project(admin: Connection, blank_image: None) -> Iterator[Project]:
    """A project; whatever is left in it is removed."""
    found = Project(admin, VO)
    before = found.holds(NAME)
    yield found
    found.clear(lambda: found.holds(NAME) - before)


@pytest.fixture
def colleague(admin: Connection, project: Project) -> Colleague:
    network, own = admin.network, {"project_id": project.id, "name": "colleague"}
    outside = network.find_network(EXTERNAL, ignore_missing=False).id
    theirs = network.create_network(**own)
    subnet = network.create_subnet(**own, network_id=theirs.id, ip_version=4, cidr="10.77.0.0/24")
    router = network.create_router(**own, external_gateway_info={"network_id": outside})
    network.add_interface_to_router(router, subnet_id=subnet.id)
    port = network.create_port(**own, network_id=theirs.id)
    ip = network.create_ip(floating_network_id=outside, project_id=project.id)
    return Colleague(admin, port.id, ip.id)


def test_an_address_stays_with_who_has_taken_it(
    colleague: Colleague, project: Project, admin: Connection, tmp_path: Path
):
    home = ground.new_home(tmp_path / "home")
    way = Orchestrated(home, deployment=NAME, vo=VO, fixed=[f"floating_ip={colleague.ip}"])
    before = project.holds(NAME)

    way.start("plan").ended(code=0)
    colleague.takes_it()
    refused = way.start("apply").ended(code=3)
    assert "leads elsewhere by now" in refused["message"]
    assert refused["facts"]["it leads to"] == f"port {colleague.port}"
    assert colleague.has_it
    assert project.holds(NAME) == before

    colleague.frees_it()
    way.start("apply").ended(code=0)
    assert not colleague.has_it
    assert admin.network.get_ip(colleague.ip).port_id
    assert way.start("deploy").ended(code=0)["changed"] is False

    colleague.takes_it()
    assert "leads elsewhere by now" in way.start("deploy").ended(code=3)["message"]
    assert colleague.has_it

    way.start("destroy").ended(code=0)
    assert colleague.has_it
    assert project.holds(NAME) == before
