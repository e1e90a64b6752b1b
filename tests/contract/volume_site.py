"""A site of volumes alone: as much of Keystone, Cinder and Nova's attachments as the provider asks for.

It keeps state, refuses to delete what is in use as Cinder does, and every path that it does not know.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SERVER = "5e000000-0000-4000-8000-000000000001"
Answer = tuple[int, Any]


@dataclass
class VolumeSite:
    """What the site holds, and what was asked of it that changes something."""

    base: str = ""
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    # While it is not set, a detachment is taken and not answered: time to kill who waits.
    detaches: threading.Event = field(default_factory=threading.Event)
    asked_to_detach: threading.Event = field(default_factory=threading.Event)

    def hold(self, number: int, **told: Any) -> str:
        """Put a volume there that nobody's Terraform made; return its id."""
        found = f"70000000-0000-4000-8000-{number:012d}"
        plain = {"id": found, "name": "", "size": 20, "status": "available", "description": ""}
        empty = {"metadata": {}, "attachments": [], "availability_zone": "nova", "volume_type": "t"}
        self.volumes[found] = {**plain, **empty, "bootable": "false", **told}
        return found

    def attached(self, volume: str) -> bool:
        return bool(self.volumes[volume]["attachments"])

    def answer(self, method: str, path: str, body: Any) -> Answer:
        parts = [part for part in path.partition("?")[0].split("/") if part]
        match method, parts:
            case "GET", ["v3"]:
                return 200, {"version": {"id": "v3.14", "status": "stable", "links": []}}
            case "POST", ["v3", "auth", "tokens"]:
                return 201, {"token": self._token()}
            case "GET", ["compute"] | ["compute", "v2.1"]:
                return 200, {"version": {"id": "v2.1", "version": "2.90", "status": "CURRENT"}}
            case "POST", ["volume", "v3", "p1", "volumes"]:
                made = self.hold(len(self.volumes) + 1, **body["volume"])
                self.changes.append(f"create {made}")
                return 202, {"volume": self.volumes[made]}
            case method, ["volume", "v3", "p1", "volumes", volume]:
                return self._volume(method, volume, body)
            case method, ["compute", "v2.1", "servers", server, "os-volume_attachments", *rest] if (
                server == SERVER
            ):
                return self._attachment(method, rest, body)
        return 404, {"error": {"message": f"this site does not know {method} {path}"}}

    def _volume(self, method: str, volume: str, body: Any) -> Answer:
        if volume not in self.volumes:
            return 404, {"itemNotFound": {"message": "no such volume"}}
        found = self.volumes[volume]
        if method == "PUT":
            self.changes.append(f"change {volume}")
            found.update(body["volume"])
        elif method == "DELETE":
            if found["attachments"]:
                return 400, {"badRequest": {"message": "the volume is in use"}}
            self.changes.append(f"delete {volume}")
            del self.volumes[volume]
            return 202, None
        elif method != "GET":
            return 405, {}
        return 200, {"volume": found}

    def _attachment(self, method: str, rest: list[str], body: Any) -> Answer:
        volume = rest[0] if rest else body["volumeAttachment"]["volumeId"]
        if volume not in self.volumes or (rest and not self.attached(volume)):
            return 404, {"itemNotFound": {"message": "no such attachment"}}
        found = self.volumes[volume]
        told = {"id": volume, "volumeId": volume, "serverId": SERVER, "device": "/dev/vdb"}
        if method == "POST":
            self.changes.append(f"attach {volume}")
            one = {"id": volume, "server_id": SERVER, "attachment_id": "a", "device": "/dev/vdb"}
            found.update(status="in-use", attachments=[{**one, "volume_id": volume}])
        elif method == "DELETE":
            self.asked_to_detach.set()
            self.detaches.wait(60)
            self.changes.append(f"detach {volume}")
            found.update(status="available", attachments=[])
            return 202, None
        return 200, {"volumeAttachment": told}

    def _token(self) -> dict[str, Any]:
        places = {
            "identity": f"{self.base}/v3",
            "compute": f"{self.base}/compute/v2.1",
            "volumev3": f"{self.base}/volume/v3/p1",
        }
        project = {"id": "p1", "name": "p1", "domain": {"id": "d", "name": "d"}}
        return {
            "expires_at": "2036-01-01T00:00:00.000000Z",
            "methods": ["token"],
            "user": {"id": "u", "name": "u", "domain": {"id": "d", "name": "d"}},
            "project": project,
            "roles": [],
            "catalog": [
                {
                    "type": kind,
                    "name": kind,
                    "id": kind,
                    "endpoints": [
                        {"id": kind, "interface": "public", "region": "R", "region_id": "R", "url": url}
                    ],
                }
                for kind, url in places.items()
            ],
        }  # fmt: skip


@contextmanager
def running() -> Iterator[VolumeSite]:
    """Answer on 127.0.0.1 until the end of the test."""
    site = VolumeSite()
    site.detaches.set()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(size) or "null")
            status, content = site.answer(self.command, self.path, body)
            said = json.dumps(content).encode() if content is not None else b""
            self.send_response(status)
            self.send_header("X-Subject-Token", "scoped")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.detaches.set()
        server.shutdown()
        server.server_close()
