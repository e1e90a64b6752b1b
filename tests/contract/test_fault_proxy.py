"""The proxy of the trials between a real client and a small TLS server."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.faults import proxy as proxies
from tests.faults.fault import ALWAYS, Rule
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.contract


class Site(BaseHTTPRequestHandler):
    """A site that keeps what was asked of it, and says where it is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: Any = self.server
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        server.asked.append((self.command, self.path, content))
        url = f"https://127.0.0.1:{server.server_port}/v3"
        body = json.dumps({"url": url, "content": content}).encode()
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", url)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Any]:
    certificate, key = proxies._certificate(tmp_path, "site")
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.asked, server.ca = [], certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(upstream: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr(proxies, "_SILENCE", 0.1)
    with Proxy({"compute": upstream.server_port}, ca=upstream.ca, folder=tmp_path) as running:
        yield running


def ask(proxy: Proxy, path: str = "/servers", *, method: str = "POST") -> requests.Response:
    return requests.request(
        method, proxy.url("compute") + path, data="{}", verify=str(proxy.bundle), timeout=10
    )


def rule(fault: str, *, method: str = "POST", nth: int = 1, times: int = 1) -> Rule:
    path = "" if method == "CONNECT" else "/servers$"
    return Rule(service="compute", method=method, path=path, nth=nth, times=times, fault=fault)


def test_without_rules_all_goes_through_and_names_our_address(proxy: Proxy, upstream: Any):
    answer = ask(proxy)
    assert answer.status_code == 201
    assert answer.json() == {"url": f"{proxy.url('compute')}/v3", "content": "{}"}
    assert answer.headers["Location"] == f"{proxy.url('compute')}/v3"
    assert upstream.asked == [("POST", "/servers", "{}")]


def test_a_connection_carries_several_requests(proxy: Proxy):
    with requests.Session() as session:
        url = proxy.url("compute") + "/servers"
        answers = [session.get(url, verify=str(proxy.bundle), timeout=10) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 200]


@pytest.mark.parametrize("status", ["429", "500", "502", "503"])
def test_the_nth_request_that_fits_is_refused_so_many_times(
    proxy: Proxy, upstream: Any, status: str
):
    proxy.obey([rule(status, nth=2, times=2)])
    answers = [ask(proxy), ask(proxy, method="GET"), ask(proxy), ask(proxy), ask(proxy)]
    codes = [one.status_code for one in answers]
    assert codes == [201, 200, int(status), int(status), 201]
    assert len(upstream.asked) == 3
    assert proxy.obey(()) == {status: 2}


def test_some_refusals_say_when_to_come_again(proxy: Proxy):
    proxy.obey([rule("429 with Retry-After")])
    assert ask(proxy).headers["Retry-After"] == "2"


def test_a_page_for_people_comes_in_the_place_of_json(proxy: Proxy):
    proxy.obey([rule("HTML page")])
    answer = ask(proxy)
    assert answer.status_code == 200
    assert "maintenance" in answer.text


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [("reset", False), ("silence", False), ("reply lost", True), ("reply cut", True)],
)
def test_a_broken_answer_tells_nothing_of_what_was_done(
    proxy: Proxy, upstream: Any, fault: str, arrives: bool
):
    proxy.obey([rule(fault)])
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ask(proxy)
    assert bool(upstream.asked) == arrives
    assert ask(proxy).status_code == 201


def test_a_service_that_is_down_takes_no_connection(proxy: Proxy, upstream: Any):
    proxy.obey([rule("down", method="CONNECT", times=ALWAYS)])
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            ask(proxy)
    assert upstream.asked == []
    assert proxy.obey(()) == {"down": 2}
    assert ask(proxy).status_code == 201


def test_a_foreign_certificate_is_shown_and_not_trusted(proxy: Proxy, upstream: Any):
    proxy.obey([rule("untrusted", method="CONNECT")])
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(proxy)
    assert upstream.asked == []


def test_other_services_and_paths_are_left_alone(proxy: Proxy):
    other = Rule(
        service="network", method="POST", path="/servers", nth=1, times=ALWAYS, fault="500"
    )
    proxy.obey([other, rule("500")])
    assert ask(proxy, "/servers/1/action").status_code == 201
