"""A page over TLS by a name of Dynamic DNS, on a real machine, from its registration until it is given back.

The sandbox's Check-in gives the tokens; the Dynamic DNS is a stand-in, and no authority signs the certificate.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.people import Person, new_person, site_file
from tests.standins import dynamic_dns

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DEPLOYMENT = "page-e2e"
HOST = "page-e2e.vm.fedcloud.eu"


@pytest.fixture(scope="module")
def names() -> Iterator[dynamic_dns.Service]:
    """A Dynamic DNS that believes whatever looks like a token of Check-in."""
    with dynamic_dns.running(lambda raw: "operator" if raw.count(".") == 2 else None) as service:
        yield service


@pytest.fixture(scope="module")
def owner(
    names: dynamic_dns.Service, sandbox: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Person]:
    """Somebody whose settings name that Dynamic DNS."""
    somebody = new_person(tmp_path_factory.mktemp("owner") / "home")
    settings = {"dynamic_dns": names.address, "dynamic_dns_issuer": site_file()["issuer"]}
    (somebody.home / "config" / "config.yaml").write_text(yaml.safe_dump(settings))
    yield somebody
    somebody.run("destroy", DEPLOYMENT, code=None)


def request(folder: Path, *, web: dict[str, Any], https: bool) -> str:
    parameters = {"containers_list": [web], "https": https, "dns_name": HOST, "https_acme": ""}
    path = folder / "page.yaml"
    asked = {"use_case": "containers", "site": "SANDBOX", "name": DEPLOYMENT}
    path.write_text(yaml.safe_dump({**asked, "parameters": parameters}))
    return str(path)


@pytest.fixture(scope="module")
def deployed(owner: Person, web: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    file = request(tmp_path_factory.mktemp("request"), web=web, https=True)
    return owner.run("deploy", "--file", file, timeout=2400).stdout


@pytest.fixture
def address(owner: Person, deployed: str) -> str:
    (node,) = owner.show(DEPLOYMENT)["nodes"]
    return str(node["address"])


def asked(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    connection.request("GET", "/", headers={"Host": HOST})
    return connection.getresponse()


def test_the_name_is_told_and_leads_to_the_machine(deployed, address, names):
    assert f"https://{HOST}" in deployed
    assert names.names[HOST].address == address
    # A machine's own secret for its name is never asked for: it would have to be brought there.
    assert {kind for _verb, kind in names.asked} == {"Bearer"}


def test_the_page_is_shown_over_tls_under_that_name(owner, address):
    pem = "sudo cat /etc/nginx/https/shown/fullchain.pem"
    context = ssl.create_default_context(
        cadata=owner.run("ssh", DEPLOYMENT, "--", *pem.split()).stdout
    )
    plain = socket.create_connection((address, 443), timeout=60)
    connection = http.client.HTTPConnection(HOST)
    connection.sock = context.wrap_socket(plain, server_hostname=HOST)
    answer = asked(connection)
    assert (answer.status, answer.read().strip()) == (200, b"It works")


def test_without_tls_there_is_only_the_way_to_it(address):
    answer = asked(http.client.HTTPConnection(address, 80, timeout=60))
    assert answer.status in (301, 308)
    assert answer.headers["Location"] == f"https://{HOST}/"


def test_the_page_itself_is_met_from_outside_by_no_other_port(address):
    with pytest.raises(OSError, match="refused|timed out"):
        socket.create_connection((address, 8080), timeout=5)


def test_switched_off_the_ports_are_closed_and_the_name_is_given_back(
    owner, address, web, names, tmp_path
):
    owner.run("deploy", "--file", request(tmp_path, web=web, https=False), timeout=1200)
    assert HOST not in names.names
    for port in (80, 443):
        with pytest.raises(OSError, match="refused|timed out"):
            socket.create_connection((address, port), timeout=5)
    assert owner.run("ssh", DEPLOYMENT, "--", "curl", "-s", "http://127.0.0.1:8080/").stdout == (
        "It works\n"
    )
