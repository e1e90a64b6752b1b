"""The page over TLS: what the role writes, taken by real nginx and certbot, signed by a real ACME server."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract import webserver
from tests.contract.webserver import ADDRESS, NAME, PAIR, Machine, Page

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return webserver.unpack(tmp_path_factory.mktemp("web"))


@pytest.fixture
def page() -> Iterator[Page]:
    with webserver.a_page() as found:
        yield found


@pytest.fixture
def machine(tmp_path: Path, programs: Path, page: Page) -> Machine:
    return Machine(folder=tmp_path / "machine", programs=programs, page=page)


@pytest.fixture
def nginx(machine: Machine) -> Iterator[Machine]:
    machine.lay_out()
    with served(machine):
        yield machine


def served(machine: Machine):
    return webserver.running(machine.nginx, port=machine.https, log=machine.folder / "nginx.log")


def blind() -> ssl.SSLContext:
    """Trust nobody in particular: the certificate is looked at by itself."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def asked(machine: Machine, **headers: str) -> http.client.HTTPResponse:
    there = http.client.HTTPSConnection(ADDRESS, machine.https, context=blind(), timeout=10)
    there.request("GET", "/", headers={"Host": NAME, **headers})
    return there.getresponse()


def shown(machine: Machine) -> str:
    """The subject and the issuer of the certificate that is shown."""
    with (
        socket.create_connection((ADDRESS, machine.https), timeout=10) as plain,
        blind().wrap_socket(plain, server_hostname=NAME) as wrapped,
    ):
        certificate = ssl.DER_cert_to_PEM_cert(wrapped.getpeercert(binary_form=True) or b"")
    names = ["openssl", "x509", "-noout", "-issuer", "-ext", "subjectAltName"]
    return subprocess.run(
        names, input=certificate, capture_output=True, text=True, check=True
    ).stdout


# --- nginx


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nginx_takes_what_the_role_writes(machine: Machine, scheme: str) -> None:
    machine = replace(machine, scheme=scheme)
    machine.lay_out()
    done = subprocess.run([*machine.nginx, "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_the_page_answers_over_tls_with_its_own_password(nginx: Machine) -> None:
    assert asked(nginx).status == 401
    answer = asked(nginx, Authorization=PAIR)
    assert (answer.status, answer.read()) == (200, b"the desktop")
    assert answer.headers["Strict-Transport-Security"] is None


def test_the_page_is_told_who_asks_and_not_what_they_say_of_themselves(
    nginx: Machine, page: Page
) -> None:
    asked(nginx, **{"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http"})
    seen = page.seen[-1]
    assert seen["host"] == NAME
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-for"] == ADDRESS


def test_a_websocket_goes_through(nginx: Machine) -> None:
    question = (
        f"GET /websockify HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: {PAIR}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    with (
        socket.create_connection((ADDRESS, nginx.https), timeout=10) as plain,
        blind().wrap_socket(plain, server_hostname=NAME) as wrapped,
    ):
        wrapped.sendall(question.encode())
        head = wrapped.recv(4096)
        assert head.startswith(b"HTTP/1.1 101"), head
        for word in (b"one", b"two"):
            wrapped.sendall(word)
            assert wrapped.recv(100) == word.upper()


def test_without_tls_there_is_the_way_to_it_and_the_challenge_alone(nginx: Machine) -> None:
    folder = nginx.folder / "challenges" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("proof")
    there = http.client.HTTPConnection(ADDRESS, nginx.http, timeout=10)
    there.request("GET", "/desktop?a=b", headers={"Host": NAME})
    answer = there.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/desktop?a=b")
    there.request("GET", "/.well-known/acme-challenge/token", headers={"Host": NAME})
    answer = there.getresponse()
    assert (answer.status, answer.read()) == (200, b"proof")


def test_until_another_one_is_signed_the_machine_shows_its_own(nginx: Machine) -> None:
    told = shown(nginx)
    assert f"issuer=CN = {NAME}" in told
    assert f"DNS:{NAME}, IP Address:{ADDRESS}" in told
    key = nginx.folder / "https/own/privkey.pem"
    assert key.stat().st_mode & 0o077 == 0


# --- certbot


def wait_for(machine: Machine, issuer: str) -> str:
    """Return what is shown once nginx has taken it: a reload ends when it likes."""
    for _ in range(100):
        if issuer in (told := shown(machine)):
            return told
        time.sleep(0.1)
    raise AssertionError(told)


def test_an_authority_that_finds_the_name_here_signs_what_is_shown_then(
    machine: Machine, tmp_path: Path, programs: Path
) -> None:
    with webserver.an_authority(tmp_path, programs, looks_at=machine.http) as authority:
        machine.acme, machine.authorities = authority.directory, authority.authorities
        machine.lay_out()
        (machine.folder / "https/authorities.pem").write_text(authority.authorities)
        with served(machine):
            done = machine.ask_for_certificate()
            assert done.stdout == "shown\n", done.stderr
            told = wait_for(machine, "Pebble")
            assert f"DNS:{NAME}" in told
            assert asked(machine, Authorization=PAIR).status == 200
            again = machine.ask_for_certificate()
            assert (again.returncode, again.stdout) == (0, ""), again.stderr


def test_an_authority_that_finds_the_name_elsewhere_leaves_the_machines_own(
    machine: Machine, tmp_path: Path, programs: Path
) -> None:
    with webserver.an_authority(tmp_path, programs, looks_at=webserver.free_port()) as authority:
        machine.acme, machine.authorities = authority.directory, authority.authorities
        machine.lay_out()
        (machine.folder / "https/authorities.pem").write_text(authority.authorities)
        with served(machine):
            done = machine.ask_for_certificate()
            assert done.returncode != 0
            assert done.stderr
            assert f"issuer=CN = {NAME}" in shown(machine)
