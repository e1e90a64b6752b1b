"""Login, listings and choices on the sandbox: a real Keycloak, Keystone, Nova, Neutron, Glance."""

from __future__ import annotations

import subprocess
import uuid
from contextlib import suppress
from dataclasses import replace

import openstack
import pytest

from orchestrator.auth import keystone
from orchestrator.auth.choosing import Given, choose_source
from orchestrator.auth.token import AccessToken
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.discovery.collecting import collect
from orchestrator.drivers.openstack import Cloud
from orchestrator.errors import LoginError, RequestError, SiteError
from orchestrator.model import ImageNeed, Need
from orchestrator.paths import SANDBOX
from orchestrator.selection.overrides import Override
from orchestrator.selection.quotas import compare, require_room
from orchestrator.selection.selecting import select
from orchestrator.settings import Settings

pytestmark = pytest.mark.e2e

VO = "vo.access.egi.eu"
NEED = Need(vcpus=2, ram_mb=2048, disk_gb=8, image=ImageNeed(distribution="debian", version="12"))


def token_of(account):
    command = [str(SANDBOX / "bin" / "token"), account]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return AccessToken.read(printed)


def login(site, account):
    share = site.share_of(VO)
    return keystone.login(site, token_of(account), project_id=share.project_id, vo=VO)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    catalogue = Catalogue.usual(tmp_path_factory.mktemp("config"))
    found = catalogue.find("sandbox")
    assert catalogue.share(found, VO).project_id
    return found


@pytest.fixture(scope="module")
def operator(site):
    return login(site, "operator")


@pytest.fixture(scope="module")
def cloud(operator, site):
    return Cloud(operator.session, site=site.name)


@pytest.fixture(scope="module")
def offer(cloud, operator, site):
    return collect(cloud, site=site.name, project_id=operator.project_id)


def test_the_sites_own_command_gives_the_token(site, tmp_path):
    given = Given(env={"PATH": "/usr/bin:/bin"})
    source = choose_source(Settings(), site=site, tokens=tmp_path, given=given)
    token = source.access_token()
    assert (token.username, token.issuer) == ("operator", site.issuer)


def test_an_operator_gets_in_for_an_hour(operator, site):
    assert operator.project_id == site.share_of(VO).project_id
    everywhere = {share.vo for share in site.shares} - {"eosc-synergy.eu"}
    assert {project.vo for project in operator.projects} == everywhere
    assert 3000 < operator.seconds_left() <= 3700


def test_so_does_the_service_account(site):
    assert login(site, "robot").project_id == site.share_of(VO).project_id


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("member", "only the role vm_operator"),
        ("other-vo", "not a member"),
        ("no-vo", "does not accept"),
    ],
)
def test_others_are_told_what_they_lack(site, account, said):
    with pytest.raises(LoginError, match=said):
        login(site, account)


def test_the_protocol_may_be_named_wrongly(site):
    assert login(replace(site, protocol="oidc"), "operator").token


def test_a_ca_that_is_not_named_is_told(site):
    with pytest.raises(LoginError, match="is not trusted") as caught:
        login(replace(site, ca_bundle=None), "operator")
    assert "ca_bundle" in caught.value.way_out[0]


def test_everything_is_listed(cloud, operator, site):
    found = collect(cloud, site=site.name, project_id=operator.project_id)
    assert any(network.external for network in found.networks)
    assert found.flavors
    assert found.images
    names = {quota.name for quota in found.quotas}
    assert {"cores", "ram_mb", "instances", "floating_ips", "routers"} <= names


def test_extra_specs_come_with_the_list(offer):
    (gpu,) = [flavor for flavor in offer.flavors if flavor.name == "g1.medium"]
    assert gpu.extra_specs["Accelerator:Type"] == "GPU"


def test_the_choices_are_explained(offer, site):
    found = select(offer, NEED, site=site)
    assert found.flavor.name == "m1.medium"
    assert found.flavor.reason.startswith("smallest of ")
    assert found.image.label.startswith("debian 12, 20")
    assert found.public_network.name == "ext-2083"
    assert all(choice.reason for choice in found.choices)


def test_a_gpu_is_taken_only_when_asked_for(offer, site):
    asked = replace(NEED, gpus=1)
    assert select(offer, asked, site=site).flavor.name == "g1.medium"


def test_the_quota_has_room_for_one_and_not_for_a_thousand(offer, site):
    found = select(offer, NEED, site=site)
    assert any("cores" in line.text for line in compare(offer, found, nodes=1))
    with pytest.raises(SiteError, match="cores"):
        require_room(offer, compare(offer, found, nodes=1000))


def test_an_override_that_does_not_exist_is_refused(offer, site):
    wrong = {"public_network": Override(value="ext-2084", origin="the command line")}
    with pytest.raises(RequestError) as caught:
        select(offer, NEED, site=site, fixed=wrong)
    assert caught.value.facts["did you mean"] == "ext-2083"


@pytest.fixture
def marked(operator):
    """Make one of each thing that costs nothing, and remove it again."""
    deployment_id = f"e2e-{uuid.uuid4().hex[:8]}"
    network = openstack.connection.Connection(session=operator.session).network
    said = {"description": f"orchestrator deployment {deployment_id}", "name": deployment_id}
    net = network.create_network(**said)
    made = [("network", net)]
    try:
        subnet = network.create_subnet(network_id=net.id, ip_version=4, cidr="10.9.8.0/24", **said)
        made.append(("subnet", subnet))
        group = network.create_security_group(**said)
        made.append(("security_group", group))
        made.append(("port", network.create_port(network_id=net.id, **said)))
        router = network.create_router(**said)
        made.append(("router", router))
        interface = network.add_interface_to_router(router, subnet_id=subnet.id)
        yield deployment_id, {kind: one.id for kind, one in made}, interface["port_id"]
    finally:
        with suppress(openstack.exceptions.SDKException):
            network.remove_interface_from_router(router, subnet_id=subnet.id)
        for kind, one in sorted(made, key=lambda pair: pair[0] in ("network", "subnet")):
            getattr(network, f"delete_{kind}")(one.id)


def test_every_marked_resource_is_found_and_no_neighbour(cloud, marked):
    deployment_id, made, interface = marked
    found = {resource.kind: resource for resource in cloud.find_marked(deployment_id)}
    assert {kind: found[kind].id for kind in made} == made
    assert found["router_interface"].id == interface
    assert found["router_interface"].parent_id == made["router"]
    assert set(found) == {*made, "router_interface"}
    assert cloud.find_marked(deployment_id[:-1]) == ()


def test_every_marked_resource_is_removed_and_twice_is_no_error(cloud, marked):
    deployment_id, _, _ = marked
    order = ("router_interface", "port", "router", "subnet", "network", "security_group")
    found = sorted(cloud.find_marked(deployment_id), key=lambda one: order.index(one.kind))
    for resource in [*found, *found]:
        cloud.remove(resource)
    assert cloud.find_marked(deployment_id) == ()


def test_nothing_carries_the_mark_of_a_deployment_that_never_was(cloud):
    assert cloud.find_marked("never-was") == ()


def test_the_console_of_no_server_is_an_error_that_names_the_service(cloud):
    with pytest.raises(SiteError, match="compute service of SANDBOX answered with HTTP 404"):
        cloud.console("00000000-0000-0000-0000-000000000000")
