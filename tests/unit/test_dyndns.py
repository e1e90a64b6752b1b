"""Names from a Dynamic DNS: a small server with the answers of EGI's, state and refusals included."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from orchestrator import dyndns
from orchestrator.auth.token import AccessToken
from orchestrator.errors import LoginError, RequestError, SiteError
from tests.conftest import START

RAW = "a.token.of-ada"
DOMAINS = ("vm.fedcloud.eu", "fedcloud-tf.fedcloud.eu")


class Service(http.server.BaseHTTPRequestHandler):
    """`/nic/...` as its documentation has it; names belong to whoever registered them."""

    hosts: dict[str, str] = {}
    word = "good"
    silent = threading.Event()

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        query = dict(parse_qsl(split.query))
        verb = split.path.removeprefix("/nic/")
        if self.silent.is_set():
            self.silent.wait(0.1)
            self.connection.close()
        elif self.headers["Authorization"] != f"Bearer {RAW}":
            self._json(401, status="error", message="Unauthorized access")
        elif verb == "update":
            self._update(**query)
        else:
            getattr(self, f"_{verb}")(**query)

    def _domains(self) -> None:
        self._json(200, status="ok", private=[], public=list(DOMAINS))

    def _hosts(self) -> None:
        rows = [{"fqdn": name, "ipv4": address} for name, address in self.hosts.items()]
        self._json(200, status="ok", hosts=rows)

    def _register(self, fqdn: str, comment: str) -> None:
        if fqdn.partition(".")[2] not in DOMAINS:
            self._json(400, status="error", message="Domain does not exist")
        elif fqdn == "taken.vm.fedcloud.eu":
            self._json(502, status="error", message="Host already exists in DNS.")
        else:
            self.hosts[fqdn] = "127.0.0.1"
            host = {"fqdn": fqdn, "comment": comment, "update_secret": "sEcReT"}
            self._json(200, status="ok", message="Host added.", host=host)

    def _update(self, hostname: str, myip: str) -> None:
        same = self.hosts.get(hostname) == myip
        self.hosts[hostname] = myip
        self._text("nochg" if same else self.word, myip)

    def _unregister(self, fqdn: str) -> None:
        del self.hosts[fqdn]
        self._json(200, status="ok", message="Host unregistered.", host={"fqdn": fqdn})

    def _text(self, *words: str) -> None:
        self._send(200, "text/plain", " ".join(words))

    def _json(self, code: int, **content: Any) -> None:
        self._send(code, "application/json", json.dumps(content))

    def _send(self, code: int, kind: str, text: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def service(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[dyndns.DynamicDns]:
    monkeypatch.setattr(Service, "hosts", {})
    monkeypatch.setattr(Service, "silent", threading.Event())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield dyndns.DynamicDns(token=token(), address=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def token(raw: str = RAW) -> AccessToken:
    later = START + timedelta(hours=1)
    return AccessToken(raw=raw, issuer="https://aai.egi.eu", subject="ada", expires_at=later)


def test_a_name_is_registered_pointed_and_given_back(service: dyndns.DynamicDns) -> None:
    service.point("sky.vm.fedcloud.eu", "198.51.100.7", comment="deployment sky")
    assert service.hosts() == [dyndns.Host(name="sky.vm.fedcloud.eu", address="198.51.100.7")]
    assert service.give_back("sky.vm.fedcloud.eu")
    assert service.hosts() == []


def test_the_same_again_is_fine(service: dyndns.DynamicDns) -> None:
    for address in ("198.51.100.7", "198.51.100.7", "198.51.100.8"):
        service.point("sky.vm.fedcloud.eu", address, comment="deployment sky")
    assert [host.address for host in service.hosts()] == ["198.51.100.8"]
    assert not service.give_back("gone.vm.fedcloud.eu")


def test_domains_are_listed(service: dyndns.DynamicDns) -> None:
    assert service.domains() == sorted(DOMAINS)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("taken.vm.fedcloud.eu", "already exists"),
        ("sky.example.org", "Domain does not exist"),
    ],
)
def test_a_name_that_cannot_be_had_is_refused_in_the_words_of_the_service(
    service: dyndns.DynamicDns, name: str, reason: str
) -> None:
    with pytest.raises(SiteError) as caught:
        service.point(name, "198.51.100.7", comment="sky")
    assert reason in next(iter(caught.value.facts.values()))


def test_a_word_of_the_protocol_is_explained(
    service: dyndns.DynamicDns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Service, "word", "dnserr")
    with pytest.raises(SiteError, match="answered dnserr") as caught:
        service.point("sky.vm.fedcloud.eu", "198.51.100.7", comment="sky")
    assert "name server" in caught.value.facts["that is"]


def test_a_name_without_a_domain_is_refused_here(service: dyndns.DynamicDns) -> None:
    with pytest.raises(RequestError, match="no name with a domain"):
        service.point("sky", "198.51.100.7", comment="sky")


def test_a_token_that_is_not_accepted_is_a_login_error(service: dyndns.DynamicDns) -> None:
    other = dyndns.DynamicDns(token=token("another"), address=service.address)
    with pytest.raises(LoginError, match="does not accept"):
        other.hosts()


def test_a_service_that_breaks_off_is_named_and_the_token_is_not(
    service: dyndns.DynamicDns,
) -> None:
    Service.silent.set()
    with pytest.raises(SiteError, match="does not answer") as caught:
        service.hosts()
    assert RAW not in f"{caught.value.facts}{service!r}"
