"""The two sites that fail, and how the supervisor is asked about what it may not know."""

import asyncio
import socket
import threading
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest

from sandbox import bad_sites, cache, certificates, health, shell
from sandbox.layout import Layout
from sandbox.services import Service
from sandbox.supervision import Supervisor

LOOPBACK = "127.0.0.1"


@pytest.fixture
def layout(tmp_path):
    return Layout(state=tmp_path / "state", cache=tmp_path / "cache")


async def said(handler: Any, *words: bytes) -> list[bytes | None]:
    """Return what each of several visitors hears within a moment; None is silence."""
    server = await asyncio.start_server(handler, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    visitors = []
    for word in words:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(word)
        visitors.append((reader, writer))
        await asyncio.sleep(0.05)
    heard: list[bytes | None] = []
    for reader, _ in visitors:
        try:
            heard.append(await asyncio.wait_for(reader.read(), 0.2))
        except TimeoutError:
            heard.append(None)
        except ConnectionResetError:
            heard.append(b"")
    for _, writer in visitors:
        writer.close()
    await asyncio.sleep(0.05)
    server.close()
    return heard


def test_the_silent_site_takes_what_is_said_and_answers_nothing(socket_enabled):
    visitors = bad_sites.Visitors()

    assert asyncio.run(said(visitors.keep_waiting, b"GET / HTTP/1.1\r\n\r\n")) == [None]
    assert visitors.count == 0


def test_the_silent_site_keeps_only_so_many_waiting(socket_enabled, monkeypatch):
    monkeypatch.setattr(bad_sites, "CONNECTIONS", 2)

    assert asyncio.run(said(bad_sites.Visitors().keep_waiting, b"a", b"b", b"c")) == [
        None,
        None,
        b"",
    ]


def test_the_silent_site_ends_a_wait_some_day(socket_enabled, monkeypatch):
    monkeypatch.setattr(bad_sites, "SECONDS", 0.05)

    assert asyncio.run(said(bad_sites.Visitors().keep_waiting, b"")) == [b""]


def test_whoever_trusts_any_certificate_meets_no_service(socket_enabled):
    (answer,) = asyncio.run(said(bad_sites.refuse, b"GET /v3 HTTP/1.1\r\n\r\n"))

    assert answer is not None
    assert answer.startswith(b"HTTP/1.1 503 ")


def test_the_self_signed_certificate_is_not_of_our_authority(layout):
    certificates.prepare(layout)
    first = (layout.tls / "self-signed.pem").read_text()
    certificates.prepare(layout)

    assert (layout.tls / "self-signed.pem").read_text() == first
    assert (layout.tls / "self-signed.key").stat().st_mode & 0o777 == 0o600
    verify = ["openssl", "verify", "-CAfile", layout.ca]
    assert shell.succeeds([*verify, layout.tls / "server.pem"])
    assert not shell.succeeds([*verify, layout.tls / "self-signed.pem"])


@pytest.mark.parametrize(
    ("greeting", "sent", "well"),
    [(b"SSH-2.0-", b"SSH-2.0-OpenSSH", True), (b"SSH-2.0-", b"HTTP/1.0 ", False), (b"", b"", True)],
)
def test_a_service_without_a_path_is_known_by_its_greeting(
    socket_enabled, layout, greeting, sent, well
):
    with socket.create_server((LOOPBACK, 0)) as server:
        service = Service("jump", "", server.getsockname()[1], greeting=greeting)

        def greet() -> None:
            with server.accept()[0] as connection:
                connection.sendall(sent)

        thread = threading.Thread(target=greet)
        thread.start()
        assert health.answers(service, layout) is well
        thread.join()


def test_a_service_that_nobody_listens_for_does_not_answer(socket_enabled, layout):
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]

    assert not health.answers(Service("jump", "", port, greeting=b"SSH-2.0-"), layout)


class OlderSupervisor(Supervisor):
    """A supervisor whose sources knew one program fewer."""

    def _call(self, method: str, *arguments: Any) -> Any:
        if method == "getAllProcessInfo":
            return [{"name": "relay", "statename": "STOPPED", "pid": 0}]
        if arguments[0] != "relay":
            raise xmlrpc.client.Fault(10, f"BAD_NAME: {arguments[0]}")
        return True


def test_programs_that_an_older_sandbox_does_not_have_are_stopped_already(tmp_path):
    OlderSupervisor(tmp_path / "socket").stop(["relay", "jump"])


def test_the_machines_own_sshd_is_used_where_there_is_one(layout, monkeypatch):
    own = layout.state.parent / "sshd"
    monkeypatch.setattr(cache, "SSHD", own)
    assert cache.sshd(layout).is_relative_to(layout.cache)

    own.touch()

    assert cache.sshd(layout) == own
    assert cache.build_sshd(layout) == "this machine's"


def test_sshd_is_unpacked_and_nothing_is_installed(layout, monkeypatch):
    commands: list[list[str]] = []

    def run(argv: list[Any], *, log: Path, cwd: Path | None = None) -> str:
        commands.append([Path(str(argv[0])).name, *map(str, argv[1:])])
        if "download" in argv:
            (cwd / "openssh-server.deb").touch()
        return ""

    monkeypatch.setattr(shell, "run", run)
    monkeypatch.setattr(cache, "SSHD", Path("/nonexistent/sshd"))

    assert cache.build_sshd(layout) == "unpacked"
    assert [command[0] for command in commands] == ["apt-get", "dpkg-deb"]
    assert "install" not in commands[0]
    assert not list((layout.cache / "sshd").glob("*.deb"))
