"""What a site has without a record: swept by its owner, or taken over by another computer of theirs."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack.connection import Connection

from orchestrator.auth import keystone
from orchestrator.auth.token import AccessToken
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.model import Site
from tests.e2e.people import Person, at_the_site, new_person, token_of

pytestmark = pytest.mark.e2e

VO = "two.sandbox"  # few other tests use its project
AT = "module.network.openstack_networking"


@pytest.fixture
def network(tmp_path: Path) -> Any:
    """The network service, as the operator uses it."""
    site: Site = Catalogue.usual(tmp_path / "config").find("SANDBOX")
    share = site.share_of(VO)
    assert share is not None
    token = AccessToken.read(token_of("operator"))
    login = keystone.login(site, token, project_id=share.project_id, vo=VO)
    return openstack.connection.Connection(session=login.session)


@pytest.fixture
def orphan(network: Any) -> Iterator[str]:
    """A network with a router and the operator's key pair, of which no record speaks; its id."""
    deployment_id = f"e2e{uuid.uuid4().hex[:8]}"
    mark = f"orchestrator deployment {deployment_id} at {AT}"
    pair = network.compute.create_keypair(name=f"orchestrator-{deployment_id}")
    net = network.network.create_network(name="lost-network", description=f"{mark}_network_v2.this")
    subnet = network.network.create_subnet(
        network_id=net.id, name="lost-subnet", ip_version=4, cidr="10.9.7.0/24",
        description=f"{mark}_subnet_v2.this",
    )  # fmt: skip
    router = network.network.create_router(name="lost-router", description=f"{mark}_router_v2.this")
    network.network.add_interface_to_router(router, subnet_id=subnet.id)
    yield deployment_id
    with suppress(openstack.exceptions.SDKException):
        network.network.remove_interface_from_router(router, subnet_id=subnet.id)
    network.network.delete_router(router.id)
    network.network.delete_subnet(subnet.id)
    network.network.delete_network(net.id)
    network.compute.delete_keypair(pair.name)


def test_what_is_left_over_is_shown_and_goes_on_agreement(person: Person, orphan: str) -> None:
    sweep = ("sweep", "SANDBOX", "--vo", VO, "--only", orphan)
    shown = person.run(*sweep, code=2).stdout
    assert "lost-network" in shown
    assert f"orchestrator-{orphan}" in shown
    assert "its key pair is yours" in shown
    assert "nothing of it is left" in person.run(*sweep, "--yes").stdout
    person.run(*sweep, "--yes", code=1)


@pytest.mark.slow
def test_what_somebody_elses_port_uses_stays_until_that_is_gone(
    person: Person, orphan: str, network: Any
) -> None:
    """The wait for it takes two minutes: a site may be slow to let go."""
    net = network.network.find_network("lost-network")
    port = network.network.create_port(network_id=net.id, name="by-hand")
    sweep = ("sweep", "SANDBOX", "--vo", VO, "--only", orphan, "--yes")
    try:
        said = person.run(*sweep, code=6).stderr
        assert "ports still in use on the network" in said
        assert f"key pair orchestrator-{orphan}" in said
        assert network.network.find_port(port.id) is not None
    finally:
        network.network.delete_port(port.id)
    person.run(*sweep)


def test_another_computer_takes_a_machine_over_and_removes_it(
    person: Person, admin: Connection, tmp_path: Path
) -> None:
    before = at_the_site(admin)
    person.run("deploy", "probe", "--site", "SANDBOX", "--name", "moved")
    deployment_id = str(person.show("moved")["id"])
    there = at_the_site(admin)
    other = new_person(tmp_path / "other")
    listed = other.run("sweep", "SANDBOX", "--only", deployment_id, code=2).stdout
    assert "moved-main" in listed
    said = other.run("adopt", deployment_id, "--site", "SANDBOX").stdout
    assert "moved is taken over from SANDBOX." in said
    assert at_the_site(admin) == there
    assert json.loads(other.run("list", "--json").stdout)[0]["phase"] == "applied"
    assert "SSH answers" in other.run("status", "moved", code=6).stdout
    assert "the key of moved is not on this machine" in other.run("ssh", "moved", code=6).stderr
    other.run("plan", "probe", "--site", "SANDBOX", "--name", "moved")

    keys = Path("data", "deployments", deployment_id, "ssh")
    shutil.copy(person.home / keys / "id_ed25519", other.home / keys / "id_ed25519")
    assert "is ready after" in other.run("deploy", "probe", "--site", "SANDBOX", "--name", "moved").stdout  # fmt: skip
    other.run("destroy", "moved")
    assert at_the_site(admin) == before
    # The first computer finds nothing left to remove, and says so.
    person.run("destroy", "moved")
