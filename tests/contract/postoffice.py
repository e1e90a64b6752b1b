"""A small mail server on this machine: it takes letters by TLS or STARTTLS, and refuses what it does not know."""

from __future__ import annotations

import base64
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Office:
    """What the server believes, and what it was given."""

    certificate: Path
    port: int = 0
    security: str = "starttls"
    offers_tls: bool = True
    login: tuple[str, str] | None = None
    refuses: str | None = None  # a recipient
    letters: list[str] = field(default_factory=list)
    in_clear: list[str] = field(default_factory=list)  # commands before any TLS

    @property
    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.certificate, self.certificate.with_suffix(".key"))
        return made


class Clerk(socketserver.StreamRequestHandler):
    """One conversation."""

    office: Office

    def setup(self) -> None:
        self.secured = self.office.security == "tls"
        if self.secured:
            self.request = self.office.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        self.known = self.office.login is None
        self.say("220 ready")
        while line := self.rfile.readline():
            words = line.decode().strip()
            if not self.secured:
                self.office.in_clear.append(words)
            verb = words.split(" ")[0].upper().partition(":")[0]
            getattr(self, f"on_{verb.lower()}", self.unknown)(words)

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def unknown(self, words: str) -> None:
        self.say("502 not known")

    def on_ehlo(self, _words: str) -> None:
        offers = ["AUTH PLAIN"] if self.secured else []
        if self.office.offers_tls and not self.secured:
            offers.append("STARTTLS")
        lines = ["office", *offers]
        self.say(*[f"250{'-' if one is not lines[-1] else ' '}{one}" for one in lines])

    def on_starttls(self, _words: str) -> None:
        self.say("220 go ahead")
        self.request = self.office.context.wrap_socket(self.request, server_side=True)
        self.secured = True
        super().setup()

    def on_auth(self, words: str) -> None:
        _, user, password = base64.b64decode(words.split(" ")[2]).decode().split("\0")
        self.known = (user, password) == self.office.login
        self.say("235 welcome" if self.known else f"535 {password} is not it")

    def on_mail(self, _words: str) -> None:
        self.say("250 ok" if self.known else "530 who are you")

    def on_rcpt(self, words: str) -> None:
        refused = self.office.refuses and self.office.refuses in words
        self.say("550 nobody here" if refused else "250 ok")

    def on_data(self, _words: str) -> None:
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline().decode()) not in (".\r\n", ""):
            lines.append(line)
        self.office.letters.append("".join(lines))
        self.say("250 taken")

    def on_rset(self, _words: str) -> None:
        self.say("250 ok")

    def on_quit(self, _words: str) -> None:
        self.say("221 bye")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, _request: object, _address: object) -> None:
        """Say nothing: a client that breaks off is one of the tests."""


def make_certificate(folder: Path) -> Path:
    """Make a certificate of 127.0.0.1 that only those trust who have it."""
    certificate = folder / "office.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    argv += [
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=office",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    argv += ["-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    return certificate


@contextmanager
def running(office: Office) -> Iterator[Office]:
    """Run the server on a free port."""
    handler = type("Known", (Clerk,), {"office": office})
    with _Server(("127.0.0.1", 0), handler) as server:
        office.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield office
        finally:
            server.shutdown()
