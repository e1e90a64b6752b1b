"""A site's services behind a proxy of ours that answers some requests wrongly, as its rules say.

Terraform's provider is a Go program, and Go never asks a forward proxy for 127.0.0.1, where the
sandbox is: the proxy has to be the site. It takes one port for each service and puts its own
addresses into every answer, the catalogue above all, so that all programs come through it.

mitmproxy would do the same in its reverse mode. It is not taken: the newest release for Python
3.11 is of 2024, it needs an environment of its own (132 MB), and as a process beside the trials
it would have to be told of each trial's rules. What is left is the standard library's HTTP.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.faults.fault import Rule

# As long as a balancer might wait for a service that has died, but for trials.
_SILENCE = 6.0
_NOT_PASSED_ON = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "keep-alive"}
)
_PAGE = b"<html><head><title>Down for maintenance</title></head><body>Back soon.</body></html>\n"


class Proxy:
    """The services of one site, on ports of ours; ``upstream`` says on which they are really."""

    def __init__(self, upstream: Mapping[str, int], *, ca: Path, folder: Path) -> None:
        self._good = _certificate(folder, "good")
        foreign = _certificate(folder, "foreign")
        self._contexts = {"good": _context(self._good), "untrusted": _context(foreign)}
        self._ca = ca
        self._folder = folder
        self._lock = threading.Lock()
        self._rules: Sequence[Rule] = ()
        self._seen: Counter[Rule] = Counter()
        self._given: Counter[str] = Counter()
        self._servers = {name: _Server(self, name, port, ca) for name, port in upstream.items()}

    def __enter__(self) -> Proxy:
        for server in self._servers.values():
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def url(self, service: str) -> str:
        """Where a service is to be found now."""
        return f"https://127.0.0.1:{self._servers[service].server_port}"

    @property
    def bundle(self) -> Path:
        """A file with what a person who comes through here has to trust."""
        file = self._folder / "bundle.pem"
        file.write_bytes(self._good[0].read_bytes() + self._ca.read_bytes())
        return file

    def obey(self, rules: Sequence[Rule]) -> dict[str, int]:
        """Go by these rules from now on; return how often each fault was given since the last time."""
        with self._lock:
            given, self._given = dict(self._given), Counter()
            self._rules, self._seen = tuple(rules), Counter()
        return given

    def fault_of(self, service: str, method: str, path: str) -> str | None:
        """Count a request, and return what becomes of it: None where it goes through."""
        with self._lock:
            for rule in self._rules:
                if _fits(rule, service, method, path):
                    self._seen[rule] += 1
                    if rule.nth <= self._seen[rule] < rule.nth + rule.times:
                        self._given[rule.fault] += 1
                        return rule.fault
        return None

    def wrapped(self, connection: socket.socket, certificate: str) -> ssl.SSLSocket:
        """Speak TLS with one of the two certificates."""
        connection.settimeout(60)
        return self._contexts[certificate].wrap_socket(connection, server_side=True)

    def translated(self, text: bytes) -> bytes:
        """Put our addresses in the place of the real ones."""
        for server in self._servers.values():
            ours, theirs = server.server_port, server.upstream
            text = text.replace(b"https://127.0.0.1:%d" % theirs, b"https://127.0.0.1:%d" % ours)
        return text


def _fits(rule: Rule, service: str, method: str, path: str) -> bool:
    return (
        rule.service == service
        and method in rule.method.split("|")
        and re.search(rule.path, path) is not None
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: Proxy, service: str, upstream: int, ca: Path) -> None:
        self.proxy = proxy
        self.service = service
        self.upstream = upstream
        self.trusted = ssl.create_default_context(cafile=str(ca))
        super().__init__(("127.0.0.1", 0), _Relay)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Agree on TLS in the connection's own thread, so that nobody waits for another one."""
        fault = self.proxy.fault_of(self.service, "CONNECT", "")
        if fault == "down":
            _reset(request)
            return
        certificate = "untrusted" if fault == "untrusted" else "good"
        # A client may hang up while TLS is agreed, and should where it does not trust us.
        with (
            contextlib.suppress(OSError),
            self.proxy.wrapped(request, certificate) as wrapped,
        ):
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that were killed: that is what trials do."""


class _Relay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass_on(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.send_error(501, "no program of ours sends chunks")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        fault = self.server.proxy.fault_of(self.server.service, self.command, path)
        _FAULTS[fault](self, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _pass_on

    def ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask the real service; return its answer with our addresses in it."""
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _NOT_PASSED_ON}
        # A connection of its own each time: one that was kept may be closed by the other side
        # just now, which would be a fault that no rule speaks of.
        upstream = http.client.HTTPSConnection(
            "127.0.0.1", self.server.upstream, context=self.server.trusted, timeout=60
        )
        with contextlib.closing(upstream):
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            content = self.server.proxy.translated(answer.read())
        told = [
            (name, self.server.proxy.translated(value.encode("latin-1")).decode("latin-1"))
            for name, value in answer.getheaders()
            if name.lower() not in _NOT_PASSED_ON
        ]
        return answer.status, told, content

    def answer(
        self, status: int, headers: Sequence[tuple[str, str]], body: bytes, *, part: float = 1.0
    ) -> None:
        """Send an answer, or only the first part of its body."""
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: int(len(body) * part)])

    def log_message(self, *_args: Any) -> None:
        """Write no log: what was asked is of no interest, and tokens are."""

    def hang_up(self) -> None:
        """Break the connection off."""
        self.close_connection = True
        _reset(self.connection)


def _reset(connection: socket.socket) -> None:
    """Close a connection so that the other side is told of a reset."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # socketserver would shut it down politely first.
    connection.close()


def _well(relay: _Relay, body: bytes) -> None:
    relay.answer(*relay.ask(body))


def _refusal(status: int, *headers: tuple[str, str]) -> Callable[[_Relay, bytes], None]:
    def refuse(relay: _Relay, _body: bytes) -> None:
        said = b'{"error": {"code": %d, "message": "a trial says so"}}' % status
        relay.answer(status, [("Content-Type", "application/json"), *headers], said)

    return refuse


def _page(relay: _Relay, _body: bytes) -> None:
    relay.answer(200, [("Content-Type", "text/html")], _PAGE)


def _silence(relay: _Relay, _body: bytes) -> None:
    time.sleep(_SILENCE)
    relay.hang_up()


def _hang_up(relay: _Relay, _body: bytes) -> None:
    relay.hang_up()


def _lose(relay: _Relay, body: bytes) -> None:
    relay.ask(body)
    relay.hang_up()


def _cut(relay: _Relay, body: bytes) -> None:
    status, headers, content = relay.ask(body)
    relay.answer(status, headers, content, part=0.5)
    relay.wfile.flush()
    relay.hang_up()


_FAULTS: dict[str | None, Callable[[_Relay, bytes], None]] = {
    None: _well,
    "401": _refusal(401),
    "429": _refusal(429),
    "429 with Retry-After": _refusal(429, ("Retry-After", "2")),
    "500": _refusal(500),
    "502": _refusal(502),
    "503": _refusal(503),
    "HTML page": _page,
    "silence": _silence,
    "reset": _hang_up,
    "reply lost": _lose,
    "reply cut": _cut,
}


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that nobody but itself vouches for."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    argv += ["-nodes", "-days", "2", "-subj", f"/CN=trials {name}", "-keyout", str(key)]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    return certificate, key


def _context(pair: tuple[Path, Path]) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*pair)
    return made
