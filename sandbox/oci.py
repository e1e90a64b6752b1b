"""Packs folders as an image of containers, and gives it to a registry."""

import hashlib
import http.client
import json
import ssl
import subprocess
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
BLOCK = 1 << 20
# The weakest compression: what unpacks it is an emulated processor.
LEVEL = 1


def pack(
    root: Path, layers: Sequence[Sequence[str]], settings: Mapping[str, Any], target: Path
) -> None:
    """Write an image's blobs and its manifest; every layer lists paths below the root."""
    found = [_layer(root, paths, target) for paths in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": dict(settings),
        "rootfs": {"type": "layers", "diff_ids": [inner for inner, _ in found]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, **_blob(json.dumps(config).encode(), target)},
        "layers": [{"mediaType": LAYER, **blob} for _, blob in found],
    }
    (target / "manifest.json").write_text(json.dumps(manifest))


def digest(folder: Path) -> str:
    """Return what names exactly this image."""
    return f"sha256:{hashlib.sha256((folder / 'manifest.json').read_bytes()).hexdigest()}"


def _blob(content: bytes, target: Path) -> dict[str, Any]:
    name = hashlib.sha256(content).hexdigest()
    (target / name).write_bytes(content)
    return {"digest": f"sha256:{name}", "size": len(content)}


def _layer(root: Path, paths: Sequence[str], target: Path) -> tuple[str, dict[str, Any]]:
    """Return a layer's identity before compression, and its compressed blob."""
    fresh = target / "layer"
    inner, outer, size = hashlib.sha256(), hashlib.sha256(), 0
    squeeze = zlib.compressobj(LEVEL, wbits=31)
    with fresh.open("wb") as file:
        for block in _tar(root, paths):
            inner.update(block)
            size += _add(file, outer, squeeze.compress(block))
        size += _add(file, outer, squeeze.flush())
    fresh.rename(target / outer.hexdigest())
    return f"sha256:{inner.hexdigest()}", {"digest": f"sha256:{outer.hexdigest()}", "size": size}


def _add(file: Any, outer: Any, content: bytes) -> int:
    outer.update(content)
    return int(file.write(content))


def _tar(root: Path, paths: Sequence[str]) -> Iterator[bytes]:
    options = ["--sort=name", "--numeric-owner", "--xattrs", "-C", str(root), "-cf", "-"]
    with subprocess.Popen(["tar", *options, *paths], stdout=subprocess.PIPE) as process:
        assert process.stdout
        while block := process.stdout.read(BLOCK):
            yield block
    if process.returncode:
        raise SandboxError(f"tar of {root} ended with {process.returncode}")


def push(folder: Path, *, address: tuple[str, int], ca: Path, name: str, tag: str) -> str:
    """Give an image to a registry unless it is there; return its digest."""
    context = ssl.create_default_context(cafile=str(ca))
    connection = http.client.HTTPSConnection(*address, timeout=60, context=context)
    manifest = (folder / "manifest.json").read_bytes()
    try:
        place = f"/v2/{name}/manifests"
        if _asked(connection, "HEAD", f"{place}/{digest(folder)}", (200, 404)).status == 404:
            parts = json.loads(manifest)
            for blob in (parts["config"], *parts["layers"]):
                _push_blob(connection, folder, name, blob["digest"])
        # The tag may have been of an older image.
        kind = {"Content-Type": MANIFEST}
        _asked(connection, "PUT", f"{place}/{tag}", (201,), manifest, kind)
    except OSError as error:
        raise SandboxError(f"the registry at {address[0]} does not take {name}: {error}") from error
    finally:
        connection.close()
    return digest(folder)


def _push_blob(connection: http.client.HTTPSConnection, folder: Path, name: str, blob: str) -> None:
    if _asked(connection, "HEAD", f"/v2/{name}/blobs/{blob}", (200, 404)).status == 200:
        return
    started = _asked(connection, "POST", f"/v2/{name}/blobs/uploads/", (202,))
    location = str(started.headers["Location"])
    place = f"{location}{'&' if '?' in location else '?'}digest={blob}"
    path = folder / blob.removeprefix("sha256:")
    length = {"Content-Length": str(path.stat().st_size)}
    with path.open("rb") as file:
        _asked(connection, "PUT", place, (201,), file, length)


def _asked(
    connection: http.client.HTTPSConnection,
    verb: str,
    path: str,
    wanted: Sequence[int],
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> http.client.HTTPResponse:
    connection.request(verb, path, body, {"Accept": MANIFEST, **(headers or {})})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status not in wanted:
        raise SandboxError(
            f"the registry answered {answer.status} to {verb} {path}: {text[:300]!r}"
        )
    return answer
