"""Images as the sandbox packs them, and a small registry that refuses what does not fit."""

import gzip
import hashlib
import http.server
import io
import json
import ssl
import tarfile
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import certificates, files, oci, registry, services, site, status
from sandbox.errors import SandboxError
from sandbox.layout import REGISTRY, Layout

SETTINGS = {"Cmd": ["/bin/sh"]}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(state=tmp_path / "state", cache=tmp_path / "cache")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in ("bin/sh", "srv/page"):
        files.write(root / name, name)
    target = files.folder(tmp_path / "image")
    oci.pack(root, [["bin"], ["srv"]], SETTINGS, target)
    return target


def blob(image: Path, digest: str) -> bytes:
    content = (image / digest.removeprefix("sha256:")).read_bytes()
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
    return content


def test_an_image_names_its_parts_by_what_is_in_them(image: Path) -> None:
    manifest = json.loads((image / "manifest.json").read_bytes())
    config = json.loads(blob(image, manifest["config"]["digest"]))
    layers = [gzip.decompress(blob(image, layer["digest"])) for layer in manifest["layers"]]
    inner = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    assert config["rootfs"]["diff_ids"] == inner
    assert config["config"] == SETTINGS
    with tarfile.open(fileobj=io.BytesIO(layers[1])) as layer:
        assert layer.getnames() == ["srv", "srv/page"]


class Registry(http.server.BaseHTTPRequestHandler):
    """What a client pushes with, and nothing more."""

    protocol_version = "HTTP/1.1"
    blobs: dict[str, bytes] = {}
    manifests: dict[str, bytes] = {}
    pushed: list[str] = []

    def _answer(self, code: int, **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def do_HEAD(self) -> None:
        name = self.path.rpartition("/")[2]
        self._answer(200 if name in self.blobs or name in self.manifests else 404)

    def do_POST(self) -> None:
        self._answer(202, Location="/v2/upload/1?state=x")

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if "digest" in query:
            self.pushed.append(digest)
            self.blobs[digest] = content
            self._answer(201 if query["digest"] == digest else 400)
            return
        parts = json.loads(content)
        known = all(one["digest"] in self.blobs for one in (parts["config"], *parts["layers"]))
        self.manifests |= {digest: content, self.path.rpartition("/")[2]: content}
        self._answer(201 if known else 400)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> Iterator[tuple[str, int]]:
    for name in ("blobs", "manifests"):
        monkeypatch.setattr(Registry, name, {})
    monkeypatch.setattr(Registry, "pushed", [])
    certificates.prepare(layout)
    certificates.prepare_another(layout, "registry", "subjectAltName=IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(layout.tls / "registry.pem", layout.tls / "registry.key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield ("127.0.0.1", server.server_port)
    server.shutdown()
    server.server_close()


def test_a_registry_gets_each_part_once(
    image: Path, layout: Layout, server: tuple[str, int]
) -> None:
    for _ in range(2):
        exact = oci.push(image, address=server, ca=layout.ca, name="own/web", tag="t")
        assert exact == oci.digest(image)
    assert len(Registry.pushed) == 3
    assert Registry.manifests["t"] == (image / "manifest.json").read_bytes()


def test_a_registry_that_refuses_is_quoted(
    image: Path, layout: Layout, server: tuple[str, int]
) -> None:
    layer = json.loads((image / "manifest.json").read_bytes())["layers"][0]["digest"]
    (image / layer.removeprefix("sha256:")).write_bytes(b"spoilt")
    with pytest.raises(SandboxError, match="answered 400 to PUT"):
        oci.push(image, address=server, ca=layout.ca, name="own/web", tag="t")


def test_the_registry_listens_where_vms_find_it_and_nowhere_else(layout: Layout) -> None:
    read = json.loads(registry.configuration(layout))
    assert read["http"]["addr"] == f"{REGISTRY[0]}:{REGISTRY[1]}"
    (service,) = [one for one in services.table(layout) if one.name == "registry"]
    assert (service.address, service.port) == REGISTRY


def test_a_sandbox_is_up_without_its_registry() -> None:
    def line(name: str, state: str) -> status.Line:
        return status.Line(name, state, 0, 0, "")

    assert status.all_up([line("nova-api", "up"), line("registry", "off")])
    assert not status.all_up([line("nova-api", "down"), line("registry", "off")])


def test_the_site_file_names_the_images_of_a_registry_that_is_filled(layout: Layout) -> None:
    assert "use_cases" not in site.site_file(layout, {}, [])
    names = {"sandbox/desktop": "a:1/d@sha256:1", "sandbox/toolbox": "a:1/t@sha256:2"}
    files.write(layout.stamps / "images.json", json.dumps(names))
    files.write(layout.ca, "-----BEGIN")
    text = site.site_file(layout, {}, [])
    (line,) = [one for one in text.splitlines() if one.startswith("use_cases: ")]
    told = json.loads(line.removeprefix("use_cases: "))
    assert told["oligia"]["oligia_image"] == "a:1/d@sha256:1"
    assert told["containers"]["docker_registry_cas"] == {"198.51.100.1:5000": "-----BEGIN"}
