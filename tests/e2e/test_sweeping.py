"""What a site has without a record: shown to its owner, and removed on agreement."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import openstack
import pytest

from orchestrator.auth import keystone
from orchestrator.auth.token import AccessToken
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.model import Site
from tests.e2e.people import Person, token_of

pytestmark = pytest.mark.e2e

VO = "visible.sandbox"  # few other tests use its project
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
