"""The running sandbox as each VO meets it: listings with a project's own token, ways in, bad sites."""

import functools
import json
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox import jump
from sandbox.layout import HOST, OTHER_PORTS, Layout, url

pytestmark = [pytest.mark.sandbox, pytest.mark.e2e, pytest.mark.usefixtures("running")]
LAYOUT = Layout()
LOGIN = f"{url('keystone')}/OS-FEDERATION/identity_providers/egi.eu/protocols/openid/auth"


@dataclass(frozen=True)
class Shape:
    """What a project sees: networks it may go out by or put servers on, and what it owns."""

    external: tuple[str, ...] = ("ext-2083",)
    shared: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    routers: tuple[str, ...] = ()
    floating_ips: int = 5
    limits: dict[str, int] = field(default_factory=dict)


SHAPES = {
    "access": Shape(limits={"maxTotalCores": 20}),
    "routed": Shape(own=("routed",), subnets=("10.81.0.0/24",), routers=("routed",)),
    "two": Shape(external=("ext-a", "ext-b")),
    "direct": Shape(external=(), shared=("provider-public",), subnets=("198.51.100.240/28",)),
    "jump": Shape(external=(), shared=("provider-private",), subnets=("10.83.0.0/24",)),
    "v6": Shape(external=(), shared=("provider-v6",), subnets=("10.86.0.0/24", "2001:db8:83::/64")),
    "bastion": Shape(floating_ips=1),
    "visible": Shape(shared=("ext-2083",), subnets=("198.51.100.0/24",)),
    "full": Shape(limits={"maxTotalCores": 1, "maxTotalRAMSize": 1024}),
    "expired": Shape(),
}


def ask(address: str, headers: dict[str, str], body: Any = None, method: str | None = None) -> Any:
    """Ask the sandbox and return the answer with its headers."""
    context = ssl.create_default_context(cafile=str(LAYOUT.ca))
    data = json.dumps(body).encode() if body else None
    headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    request = urllib.request.Request(address, data, headers, method=method)
    return urllib.request.urlopen(request, timeout=30, context=context)


@pytest.fixture(scope="module")
def unscoped():
    command = [LAYOUT.state / "bin/token", "operator"]
    token = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    answer = ask(LOGIN, {"Authorization": f"Bearer {token}"}, method="POST")
    return answer.headers["X-Subject-Token"]


class Project:
    """Asks the services as an operator in one project; PROJECT in a path is its id."""

    def __init__(self, name: str, unscoped: str) -> None:
        scope = {"project": {"name": name, "domain": {"name": "egi.eu"}}}
        auth = {"identity": {"methods": ["token"], "token": {"id": unscoped}}, "scope": scope}
        answer = ask(f"{url('keystone')}/auth/tokens", {}, {"auth": auth})
        self.shape, self.token = SHAPES[name], answer.headers["X-Subject-Token"]
        self.id = json.load(answer)["token"]["project"]["id"]

    def __call__(self, service: str, path: str, body: Any = None, method: str | None = None) -> Any:
        address = f"{url(service)}{path}".replace("PROJECT", self.id)
        text = ask(address, {"X-Auth-Token": self.token}, body, method).read()
        return json.loads(text) if text else None


@pytest.fixture(scope="module")
def project(unscoped):
    """Return what logs in to a project, once for all tests."""
    return functools.cache(lambda name: Project(name, unscoped))


@pytest.fixture
def listing(project, request):
    """Return what asks as the project that the test is for."""
    return project(request.param)


@pytest.mark.parametrize("listing", SHAPES, indirect=True)
def test_a_project_sees_its_own_shape_of_network_and_no_other(listing):
    networks = listing("neutron", "/v2.0/networks")["networks"]
    subnets = listing("neutron", "/v2.0/subnets")["subnets"]
    routers = listing("neutron", "/v2.0/routers")["routers"]

    def named(claim: Any) -> set[str]:
        return {network["name"] for network in networks if claim(network)}

    shape = listing.shape
    assert named(lambda net: net["router:external"]) == set(shape.external)
    assert named(lambda net: net["shared"]) == set(shape.shared)
    assert set(shape.own) <= named(lambda net: net["project_id"] == listing.id)
    # Subnets of an external network stay hidden from those it is not shared with.
    hidden = set(shape.external) - set(shape.shared)
    ids = {subnet["id"] for subnet in subnets}
    assert not ids & {
        subnet for net in networks if net["name"] in hidden for subnet in net["subnets"]
    }
    assert set(shape.subnets) <= {subnet["cidr"] for subnet in subnets}
    assert set(shape.routers) <= {router["name"] for router in routers}


@pytest.mark.parametrize("listing", SHAPES, indirect=True)
def test_a_project_has_the_quota_of_its_vo(listing):
    floating = listing("neutron", "/v2.0/quotas/PROJECT")["quota"]["floatingip"]
    limits = listing("nova", "/limits")["limits"]["absolute"]

    assert floating == listing.shape.floating_ips
    assert listing.shape.limits.items() <= limits.items()


@pytest.mark.parametrize("listing", ["routed"], indirect=True)
def test_the_router_of_a_project_leads_to_the_external_network(listing):
    networks = {net["id"]: net["name"] for net in listing("neutron", "/v2.0/networks")["networks"]}
    (router,) = [r for r in listing("neutron", "/v2.0/routers")["routers"] if r["name"] == "routed"]

    assert networks[router["external_gateway_info"]["network_id"]] == "ext-2083"
    assert router["external_gateway_info"]["external_fixed_ips"]


@pytest.mark.parametrize("listing", ["access", "jump"], indirect=True)
def test_most_projects_find_current_images_and_one_of_the_sites_own(listing):
    images = listing("glance", "/v2/images")["images"]

    assert {image["status"] for image in images} == {"active"}
    assert sum(image["name"].endswith("debian:12") for image in images) == 2
    assert "debian-12-plain" in {image["name"] for image in images}


@pytest.mark.parametrize("listing", ["expired"], indirect=True)
def test_one_project_has_nothing_but_a_deactivated_image(listing):
    images = listing("glance", "/v2/images")["images"]
    (image,) = [image for image in images if "debian" in image["name"]]

    assert image["status"] == "deactivated"
    assert image["os_distro"] == "debian"


def settled(project: Project, volume: str) -> str:
    """Return what became of a volume that was being made or removed."""
    for _ in range(120):
        try:
            state = project("cinder", f"/PROJECT/volumes/{volume}")["volume"]["status"]
        except urllib.error.HTTPError as error:
            return "gone" if error.code == 404 else f"HTTP {error.code}"
        if state not in ("creating", "deleting"):
            return str(state)
        time.sleep(0.5)
    return "unsettled"


def test_a_volume_is_made_and_removed_within_the_quota(project):
    here = project("access")
    asked = {"volume": {"name": "test-volume", "size": 1}}

    volume = here("cinder", "/PROJECT/volumes", asked)["volume"]["id"]
    made = settled(here, volume)
    limits = here("cinder", "/PROJECT/limits")["limits"]["absolute"]
    here("cinder", f"/PROJECT/volumes/{volume}", method="DELETE")

    assert made == "available"
    assert limits["maxTotalVolumes"] == 10
    assert 1 <= limits["totalGigabytesUsed"] <= limits["maxTotalVolumeGigabytes"] == 200
    assert settled(here, volume) == "gone"


def test_a_volume_over_the_quota_is_refused(project):
    asked = {"volume": {"name": "test-volume", "size": 3}}

    with pytest.raises(urllib.error.HTTPError) as refused:
        project("full")("cinder", "/PROJECT/volumes", asked)
    assert refused.value.code == 413


def jumping(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["ssh", "-F", jump.config(LAYOUT), "-o", "BatchMode=yes", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_jump_host_passes_on_to_ssh_on_the_private_network():
    # The network's own router is always there, and nothing listens for SSH on it.
    assert "Connection refused" in jumping("-W", "10.83.0.1:22", jump.NAME).stderr


@pytest.mark.parametrize("place", ["10.83.0.1:53", "127.0.0.1:25671"])
def test_the_jump_host_passes_on_to_nothing_but_ssh(place):
    assert "administratively prohibited" in jumping("-W", place, jump.NAME).stderr


def test_the_jump_host_gives_no_shell_and_runs_no_command():
    done = jumping(jump.NAME, "id")

    assert done.returncode != 0
    assert done.stdout == ""


def test_this_machine_has_no_way_of_its_own_to_the_private_networks():
    for address in ("10.83.0.10", "10.86.0.10"):
        command = ["ip", "route", "get", address]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "orcsb" not in done.stdout


def test_this_machine_is_on_the_ipv6_network():
    command = ["ip", "-6", "route", "get", "2001:db8:83::10"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert {"orcsb-v6", "2001:db8:83::1"} <= set(done.stdout.split())


def test_the_silent_site_accepts_and_says_nothing():
    with socket.create_connection((HOST, OTHER_PORTS["silent"]), timeout=5) as connection:
        connection.sendall(b"GET /v3 HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_the_self_signed_site_is_trusted_by_nobody_who_looks():
    context = ssl.create_default_context(cafile=str(LAYOUT.ca))
    with (
        socket.create_connection((HOST, OTHER_PORTS["self-signed"]), timeout=5) as connection,
        pytest.raises(ssl.SSLCertVerificationError, match="self-signed"),
    ):
        context.wrap_socket(connection, server_hostname=HOST)


def test_the_files_of_bad_sites_are_where_no_command_reads_them():
    names = {path.name for path in (LAYOUT.state / "bad-sites").iterdir()}

    assert names == {f"SANDBOX-{kind}.yaml" for kind in ("BROKEN", "SILENT", "SELFSIGNED")}
    assert [path.name for path in Path(LAYOUT.state / "sites").iterdir()] == ["SANDBOX.yaml"]
