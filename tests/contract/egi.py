"""EGI's sources on this machine: the real files, and every way in which a server can fail."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import escape

import yaml

from orchestrator import paths
from orchestrator.catalogue.sources.known import SOURCES, Source

DATA = Path(__file__).resolve().parents[1] / "data" / "egi" / "sources"
SITES = paths.TEMPLATES / "sites"
LIST = yaml.safe_load((DATA / "fedcloudclient-1.4.7-site-list.yaml").read_text())
CIA = json.loads((DATA / "cloud-info-api-responses.sample.json").read_text())
GOCDB = (DATA / "gocdb-get_service-IFCA-LCG2.sample.xml").read_text()

FOLDER = "/contents/sites"
FEDCLOUDCLIENT = "/fedcloudclient/sites.yaml"
CIA_SITES = "/cia/sites/?include_projects=true"
ENDPOINTS = "/gocdb/?method=get_service_endpoint&service_type=org.openstack.nova"
CERTIFIED = "/gocdb/?method=get_site_list&certification_status=Certified"
ADDRESSES = {
    "site-files": FOLDER,
    "fedcloudclient": FEDCLOUDCLIENT,
    "infosystem": "/cia",
    "gocdb": "/gocdb/",
}


@dataclass
class Egi:
    """What the sources say; tests change it, and say which address fails in which way."""

    url: str = ""
    files: dict[str, str] = field(
        default_factory=lambda: {one.name: one.read_text() for one in sorted(SITES.glob("*.yaml"))}
    )
    listed: list[str] = field(default_factory=lambda: [url.rpartition("/")[2] for url in LIST])
    cia: list[dict] = field(default_factory=lambda: list(CIA["GET /sites/?include_projects=true"]))
    projects: dict[str, list[dict]] = field(default_factory=dict)  # of an older service, by site
    gocdb: str = GOCDB
    certified: list[str] = field(default_factory=lambda: ["IFCA-LCG2"])
    fails: dict[str, str] = field(default_factory=dict)  # address -> way
    asked: list[str] = field(default_factory=list)
    asked_at: list[float] = field(default_factory=list)  # by the monotonic clock
    # What is silent or drips ends with the test.
    over: threading.Event = field(default_factory=threading.Event)

    def sources(self) -> tuple[Source, ...]:
        """The real sources, at this machine's addresses."""
        return tuple(
            replace(source, address=f"{self.url}{ADDRESSES[source.key]}") for source in SOURCES
        )

    def fail(self, *addresses: str, way: str) -> None:
        """Let the addresses fail in one of the ways of _Answers."""
        self.fails.update(dict.fromkeys(addresses, way))

    def answer(self, path: str) -> bytes | None:
        """Return what is served there, None where there is nothing."""
        if path == FOLDER:
            return json.dumps([self._entry(name) for name in self.files]).encode()
        if path.startswith("/raw/"):
            content = self.files.get(path.removeprefix("/raw/"))
            return None if content is None else content.encode()
        served = {
            FEDCLOUDCLIENT: yaml.safe_dump([f"{self.url}/raw/{name}" for name in self.listed]),
            CIA_SITES: json.dumps(self.cia),
            ENDPOINTS: self.gocdb,
            CERTIFIED: self._certified(),
            **{f"/cia/site/{n}/projects": json.dumps(p) for n, p in self.projects.items()},
        }
        return served[path].encode() if path in served else None

    def register(self, name: str, url: str) -> None:
        """Add an endpoint to GOCDB, made after the real one."""
        real = GOCDB[GOCDB.index("  <SERVICE_ENDPOINT") : GOCDB.index("</results>")]
        made = real.replace("IFCA-LCG2", escape(name))
        made = made.replace("https://api.cloud.ifca.es:5000/v3/", escape(url))
        self.gocdb = self.gocdb.replace("</results>", f"{made}</results>")

    def _entry(self, name: str) -> dict[str, str]:
        return {"name": name, "type": "file", "download_url": f"{self.url}/raw/{name}"}

    def _certified(self) -> str:
        sites = "".join(f'<SITE ID="1" NAME="{escape(name)}"/>' for name in self.certified)
        return f'<?xml version="1.0"?>\n<results>{sites}</results>'


class _Answers(BaseHTTPRequestHandler):
    egi: Egi

    def log_message(self, *args: object) -> None:
        """Say nothing: the tests do."""

    def do_GET(self) -> None:
        self.egi.asked.append(self.path)
        self.egi.asked_at.append(time.monotonic())
        way = self.egi.fails.get(self.path, "serve")
        try:
            getattr(self, f"_{way}")(self.egi.answer(self.path))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _serve(self, body: bytes | None) -> None:
        self._say(404 if body is None else 200, body or b"")

    def _error(self, body: bytes | None) -> None:
        self._say(500, b"oops")

    def _missing(self, body: bytes | None) -> None:
        self._say(404, b"")

    def _html(self, body: bytes | None) -> None:
        self._say(200, b"<html><body>Please log in</body></html>")

    def _garbage(self, body: bytes | None) -> None:
        self._say(200, b"\x00\xff[{:")

    def _empty(self, body: bytes | None) -> None:
        self._say(200, b"")

    def _truncated(self, body: bytes | None) -> None:
        whole = body or b"x" * 100
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole[: len(whole) // 2])
        self.close_connection = True

    def _loop(self, body: bytes | None) -> None:
        self._say(302, b"", Location=self.path)

    def _elsewhere(self, body: bytes | None) -> None:
        self._say(302, b"", Location="http://far.example.eu/")

    def _giant(self, body: bytes | None) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(b" " * 1024 * 1024)

    def _compressed(self, body: bytes | None) -> None:
        self._say(200, b"\x1f\x8b", Content_Encoding="gzip")

    def _silent(self, body: bytes | None) -> None:
        self.egi.over.wait()

    def _dripping(self, body: bytes | None) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.egi.over.wait(0.1):
            self.wfile.write(b" ")

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # the silent and the dripping ones
    request_queue_size = 64


@contextmanager
def running() -> Iterator[Egi]:
    """Run the sources on a free port."""
    egi = Egi()
    server = _Server(("127.0.0.1", 0), type("Known", (_Answers,), {"egi": egi}))
    egi.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield egi
    finally:
        egi.over.set()
        server.shutdown()
        server.server_close()
