"""A site of machines with volumes: as much of Keystone, Cinder, Nova and Neutron as the provider asks for.

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

AT = "2026-11-24T12:00:00Z"
Answer = tuple[int, Any]


@dataclass
class VolumeSite:
    """What the site holds, and what was asked of it that changes something."""

    base: str = ""
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    ports: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)  # the create requests of servers
    # While it is not set, the end of a server is taken and not answered: time to kill who waits.
    deletes: threading.Event = field(default_factory=threading.Event)
    asked_to_delete: threading.Event = field(default_factory=threading.Event)

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
            case method, ["compute", "v2.1", "servers", *rest]:
                return self._servers(method, rest, body)
            case "GET", ["compute", "v2.1", "flavors", flavor]:
                return 200, {
                    "flavor": {"id": flavor, "name": "small", "vcpus": 1, "ram": 1, "disk": 8}
                }
            case "GET", ["image"]:
                return 200, {"versions": [{"id": "v2.9", "status": "CURRENT", "links": []}]}
            case "GET", ["image", "v2", "images", image]:
                return 200, {"id": image, "name": "Debian 12", "status": "active"}
            case "GET", ["network", "v2.0", "networks"]:
                return 200, {"networks": [{"id": "lan", "name": "lan", "status": "ACTIVE"}]}
            case method, ["network", "v2.0", "ports", *rest]:
                return self._ports(method, rest, body)
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

    def _servers(self, method: str, rest: list[str], body: Any) -> Answer:
        if method == "POST" and not rest:
            return self._make_server(body["server"])
        server, *part = rest
        if server not in self.servers:
            return 404, {"itemNotFound": {"message": "no such server"}}
        found = self.servers[server]
        if part == ["metadata"]:
            return 200, {"metadata": found["metadata"]}
        if part == ["tags"]:
            return 200, {"tags": []}
        if part or method not in ("GET", "DELETE"):
            return 404, {"itemNotFound": {"message": f"servers have no {part}"}}
        if method == "DELETE":
            self.asked_to_delete.set()
            self.deletes.wait(60)
            self._delete_server(server)
            return 204, None
        return 200, {"server": found}

    def _make_server(self, asked: dict[str, Any]) -> Answer:
        disks = asked.get("block_device_mapping_v2", [])
        (given,) = [one["uuid"] for one in disks if one["source_type"] == "volume"] or [None]
        held = self.volumes.get(given) if given else None
        # As Nova has it: an image that is a disk of the flavor's is named twice, and alike.
        (image,) = [one for one in disks if one["boot_index"] == 0] or [None]
        if disks and (image is None or image["source_type"] != "image"):
            return 400, {"badRequest": {"message": "Block Device Mapping is Invalid: no boot disk"}}
        if image and asked.get("imageRef", "") != (
            image["uuid"] if image["destination_type"] == "local" else ""
        ):
            return 400, {"badRequest": {"message": "the image is not that of the boot disk"}}
        if given and (held is None or held["status"] != "available"):
            return 400, {"badRequest": {"message": "Block Device Mapping is Invalid: the volume"}}
        server = f"5e000000-0000-4000-8000-{len(self.changes):012d}"
        self.asked.append(asked)
        self.changes.append("create server" + (f" with {given}" if given else ""))
        attached = [{"id": given}] if given else []
        ref = asked.get("imageRef")
        self.servers[server] = {
            "id": server, "name": asked["name"], "status": "ACTIVE",
            "metadata": asked["metadata"], "flavor": {"id": asked["flavorRef"]},
            "image": {"id": ref} if ref else "", "key_name": asked.get("key_name"),
            "security_groups": [{"name": "default"}], "addresses": {}, "created": AT, "updated": AT,
            "os-extended-volumes:volumes_attached": attached,
            "disks": disks,
        }  # fmt: skip
        for port in asked["networks"]:
            self.ports[port["port"]].update(device_id=server, device_owner="compute:nova")
        if held is not None:
            told = {"id": given, "server_id": server, "attachment_id": "a", "device": "/dev/vdb"}
            held.update(status="in-use", attachments=[{**told, "volume_id": given}])
        return 202, {"server": {"id": server, "links": []}}

    def _delete_server(self, server: str) -> None:
        gone = self.servers.pop(server, None)
        if gone is None:
            return
        self.changes.append("delete server")
        for disk in gone["disks"]:
            if disk["source_type"] == "volume":
                self.volumes[disk["uuid"]].update(status="available", attachments=[])
                if disk["delete_on_termination"]:
                    del self.volumes[disk["uuid"]]

    def _ports(self, method: str, rest: list[str], body: Any) -> Answer:
        if method == "POST":
            port = f"9000000{len(self.ports)}-0000-4000-8000-000000000000"
            here = [{"subnet_id": "s", "ip_address": "10.0.0.5"}]
            plain = {"id": port, "status": "ACTIVE", "admin_state_up": True, "device_id": "",
                     "mac_address": "fa:16:3e:00:00:05", "tenant_id": "p1"}  # fmt: skip
            self.ports[port] = {**plain, **body["port"], "fixed_ips": here}
            return 201, {"port": self.ports[port]}
        if not rest:
            return 200, {"ports": list(self.ports.values())}
        if rest[0] not in self.ports:
            return 404, {"NeutronError": {"type": "PortNotFound", "message": "no such port"}}
        if method == "DELETE":
            del self.ports[rest[0]]
            return 204, None
        return 200, {"port": self.ports[rest[0]]}

    def _token(self) -> dict[str, Any]:
        places = {
            "identity": f"{self.base}/v3",
            "compute": f"{self.base}/compute/v2.1",
            "volumev3": f"{self.base}/volume/v3/p1",
            "image": f"{self.base}/image",
            "network": f"{self.base}/network",
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
    site.deletes.set()

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
        site.deletes.set()
        server.shutdown()
        server.server_close()
