"""A Dynamic DNS with the answers of EGI's, state and refusals included; by hand: python3 dynamic_dns.py PORT."""

from __future__ import annotations

import base64
import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DOMAINS = ("vm.fedcloud.eu", "fedcloud-tf.fedcloud.eu")


@dataclass
class Entry:
    """A registered name."""

    owner: str
    address: str
    comment: str
    secret: str


@dataclass
class Service:
    """What is registered by whom; tests set what goes wrong and look at what was asked."""

    whose: Callable[[str], str | None]  # the person behind a token, None where it is none
    names: dict[str, Entry] = field(default_factory=dict)
    word: str = "good"  # what a change is answered by
    silent: bool = False  # it takes connections and breaks them off
    broken: dict[str, str] = field(default_factory=dict)  # message by verb that fails
    asked: list[tuple[str, str]] = field(default_factory=list)  # verb and kind of login
    port: int = 0

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def domains(self, _who: str) -> tuple[int, dict[str, Any]]:
        """Answer /nic/domains."""
        rows = [{"name": name, "public": True, "available": True} for name in DOMAINS]
        return 200, {"status": "ok", "private": [], "public": rows}

    def hosts(self, who: str) -> tuple[int, dict[str, Any]]:
        """Answer /nic/hosts, which tells no secret."""
        rows = [
            {"fqdn": name, "comment": one.comment, **_addresses(one.address)}
            for name, one in self.names.items()
            if one.owner == who
        ]
        return 200, {"status": "ok", "hosts": rows}

    def register(
        self, who: str, fqdn: str, ip: str = "127.0.0.1", comment: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Answer /nic/register."""
        if fqdn.partition(".")[2] not in DOMAINS:
            return 400, {"status": "error", "message": "Domain does not exist"}
        if fqdn in self.names:
            return 502, {"status": "error", "message": "Host already exists in DNS."}
        made = Entry(owner=who, address=ip, comment=comment, secret=f"sEcReT-{len(self.asked)}")
        self.names[fqdn] = made
        host = {"fqdn": fqdn, "comment": comment, "update_secret": made.secret, **_addresses(ip)}
        return 200, {"status": "ok", "message": "Host registered.", "host": host}

    def unregister(self, who: str, fqdn: str) -> tuple[int, dict[str, Any]]:
        """Answer /nic/unregister."""
        if fqdn not in self.names or self.names[fqdn].owner != who:
            return 404, {"status": "error", "message": "Host does not exist"}
        del self.names[fqdn]
        return 200, {"status": "ok", "message": "Host unregistered.", "host": {"fqdn": fqdn}}

    def update(self, may: Callable[[Entry], bool], hostname: str, myip: str) -> str:
        """Answer /nic/update by a word of the dyndns2 protocol."""
        entry = self.names.get(hostname)
        if entry is None or not may(entry):
            return "nohost" if entry is None else "badauth"
        same, entry.address = entry.address == myip, myip
        return f"{'nochg' if same else self.word} {myip}"


class _Asked(http.server.BaseHTTPRequestHandler):
    service: Service

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        query = dict(parse_qsl(split.query))
        verb = split.path.removeprefix("/nic/")
        kind, _, login = str(self.headers["Authorization"]).partition(" ")
        self.service.asked.append((verb, kind))
        if self.service.silent:
            self.close_connection = True
        elif verb == "update":
            self._update(kind, login, query)
        else:
            self._tell(verb, login, query)

    def _update(self, kind: str, login: str, query: dict[str, str]) -> None:
        if kind == "Basic":
            name, _, secret = base64.b64decode(login).decode().partition(":")
            right = name == query["hostname"]
            word = self.service.update(lambda one: right and one.secret == secret, **query)
        else:
            who = self.service.whose(login)
            word = self.service.update(lambda one: one.owner == who, **query)
        self._send(401 if word == "badauth" else 200, "text/plain", word)

    def _tell(self, verb: str, login: str, query: dict[str, str]) -> None:
        who = self.service.whose(login)
        if who is None:
            code, content = 401, {"status": "error", "message": "Unauthorized access"}
        elif verb in self.service.broken:
            code, content = 500, {"status": "error", "message": self.service.broken[verb]}
        else:
            code, content = _VERBS[verb](self.service, who, **query)
        self._send(code, "application/json", json.dumps(content))

    def _send(self, code: int, kind: str, text: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing: what is asked carries logins."""


_VERBS: dict[str, Callable[..., tuple[int, dict[str, Any]]]] = {
    "domains": Service.domains,
    "hosts": Service.hosts,
    "register": Service.register,
    "unregister": Service.unregister,
}


def _addresses(address: str) -> dict[str, str | None]:
    six = ":" in address
    return {"ipv4": None if six else address, "ipv6": address if six else None}


@contextmanager
def running(whose: Callable[[str], str | None], *, port: int = 0) -> Iterator[Service]:
    """Give a service that answers on a port of this machine."""
    service = Service(whose=whose)
    asked = type("Asked", (_Asked,), {"service": service})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), asked)
    service.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield service
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    with running(lambda token: token or None, port=int(sys.argv[1])):
        threading.Event().wait()
