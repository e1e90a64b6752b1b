"""Oligia on the sandbox: a scientist's browser shows a desktop with TOPCAT and a table in it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import desktop, oci
from sandbox.layout import REGISTRY, Layout
from tests.e2e.browser import Browser, browser
from tests.e2e.people import ROOT, Person

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ARTIFACTS = Path(os.environ.get("ARTIFACTS", ROOT / "build" / "artifacts"))
NAME = "oligia-e2e"
# How often a pixel differs sharply from the one beside it: 1 100 times with TOPCAT's empty window,
# 13 000 with its menus and icons, 16 000 with the table.
EDGES = """
const canvas = document.querySelector('#noVNC_container canvas');
const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
const light = at => pixels[at] + pixels[at + 1] + pixels[at + 2];
let edges = 0;
for (let at = 4; at < pixels.length; at += 4)
    if (Math.abs(light(at) - light(at - 4)) > 120) edges += 1;
return edges;
"""
FULL = 10_000
WINDOWS = "until xwininfo -root -tree | grep -F '\"TOPCAT\"'; do sleep 3; done"


@pytest.fixture(scope="module", autouse=True)
def ground(sandbox: None) -> None:
    """A registry with the image, and a browser."""
    subprocess.run(["python3", "-m", "sandbox", "registry"], cwd=ROOT, check=True)
    programs = ["chromium:chromium", "chromium-driver:chromedriver"]
    subprocess.run([ROOT / "tests/tools/debian-packages", *programs], check=True)


@contextmanager
def opened(person: Person, name: str) -> Iterator[str]:
    """Where the desktop is while `orchestrator open` runs."""
    process = person.start("open", name, "--no-browser", "--json")
    try:
        assert process.stdout
        told = next(line for line in process.stdout if line.startswith("{"))
        yield json.loads(told)["url"]
    finally:
        process.terminate()
        process.wait(timeout=30)


def log_in(page: Browser, url: str, password: str) -> None:
    page.open(url)
    page.wait("document.querySelector('#noVNC_credentials_dlg.noVNC_open')", seconds=120)
    page.fill("#noVNC_username_input", "abc")
    page.fill("#noVNC_password_input", password)
    page.click("#noVNC_credentials_button")


def is_shown(state: str) -> str:
    return f"document.documentElement.classList.contains('noVNC_{state}')"


def edges_at_rest(page: Browser) -> int:
    """How much there is to see once nothing has changed for a while."""
    # An emulated machine needs a moment for its pictures: first an empty window, last the table.
    page.wait(f"(() => {{{EDGES}}})() > {FULL}", seconds=240)
    seen, until = 0, time.monotonic() + 120
    while seen != (now := int(page.script(EDGES))) and time.monotonic() < until:
        seen = now
        time.sleep(10)
    return seen


@pytest.mark.parametrize("source", ["image", "packages"])
def test_a_browser_shows_topcat_with_the_table(person: Person, tmp_path: Path, source: str) -> None:
    request = ["oligia", "--site", "SANDBOX", "--name", NAME, "--param", f"oligia_source={source}"]
    person.run("deploy", *request, timeout=2400)
    inside = ["ssh", NAME, "--", "timeout", "300", "oligia", "run", "sh", "-c", f"'{WINDOWS}'"]
    assert "TOPCAT" in person.run(*inside).stdout
    password = person.run("secret", NAME, "oligia_password").stdout.strip()

    with opened(person, NAME) as url, browser(tmp_path / "browser") as page:
        log_in(page, url, "abc")
        page.wait("document.querySelector('#noVNC_status.noVNC_status_error')", seconds=60)
        log_in(page, url, password)
        page.wait(is_shown("connected"), seconds=60)
        page.wait("document.querySelector('#noVNC_container canvas').width > 800", seconds=60)
        assert edges_at_rest(page) > FULL
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(ARTIFACTS / f"oligia-{source}.png")

    again = person.run("deploy", *request, "--configure", "--json", timeout=1200)
    assert ", 0 changed" in again.stdout
    person.run("destroy", NAME)


LABEL = "sandbox.renewed"


def renewed(folder: Path, label: str) -> Path:
    """The desktop's image with another label, and so with another digest; the layers stay where they are."""
    made = desktop.place(Layout())
    manifest = json.loads((made / "manifest.json").read_text())
    config = json.loads(blob(made, manifest["config"]).read_text())
    config["config"]["Labels"][LABEL] = label
    content = json.dumps(config).encode()
    name = hashlib.sha256(content).hexdigest()
    folder.mkdir()
    for layer in manifest["layers"]:
        blob(folder, layer).symlink_to(blob(made, layer))
    (folder / name).write_bytes(content)
    manifest["config"] |= {"digest": f"sha256:{name}", "size": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def blob(folder: Path, of: dict[str, str]) -> Path:
    return folder / of["digest"].removeprefix("sha256:")


def saved(image: Path, name: str, target: Path) -> Path:
    """An image as `docker save` writes one."""
    manifest = json.loads((image / "manifest.json").read_text())
    config, layers = blob(image, manifest["config"]), [blob(image, x) for x in manifest["layers"]]
    told = {
        "Config": f"{config.name}.json",
        "RepoTags": [name],
        "Layers": [f"{layer.name}/layer.tar" for layer in layers],
    }
    content = json.dumps([told]).encode()
    header = tarfile.TarInfo("manifest.json")
    header.size = len(content)
    with tarfile.open(target, "w", dereference=True) as tar:
        tar.addfile(header, io.BytesIO(content))
        tar.add(config, f"{config.name}.json")
        for layer in layers:
            tar.add(layer, f"{layer.name}/layer.tar")
    return target


def test_a_renewed_desktop_keeps_what_is_in_it(person: Person, tmp_path: Path) -> None:
    def deploy(*parameters: str) -> None:
        given = [word for one in parameters for word in ("--param", one)]
        person.run("deploy", "oligia", "--site", "SANDBOX", "--name", NAME, *given, timeout=2400)

    def inside(*argv: str) -> str:
        return person.run("ssh", NAME, "--", *argv).stdout.strip()

    def runs() -> str:
        return inside(
            "sudo",
            "docker",
            "inspect",
            "oligia",
            "--format",
            f"'{{{{index .Config.Labels \"{LABEL}\"}}}}'",
        )

    deploy()
    inside("oligia", "run", "sh", "-c", "'echo mine > Desktop/mine'")
    password = person.run("secret", NAME, "oligia_password").stdout

    second = renewed(tmp_path / "second", "by digest")
    digest = oci.push(second, address=REGISTRY, ca=Layout().ca, name=desktop.NAME, tag="renewed")
    image = f"{REGISTRY[0]}:{REGISTRY[1]}/{desktop.NAME}:renewed@{digest}"
    deploy(f"oligia_image={image}")
    assert runs() == "by digest"
    assert inside("oligia", "run", "cat", "Desktop/mine") == "mine"

    name = "desktop.local/oligia:third"
    third = saved(renewed(tmp_path / "third", "from a file"), name, tmp_path / "third.tar")
    deploy("oligia_source=tarball", f"oligia_image={name}", f"oligia_tarball={third}")
    assert runs() == "from a file"
    assert inside("oligia", "run", "cat", "Desktop/mine") == "mine"
    assert person.run("secret", NAME, "oligia_password").stdout == password
    # One goes once nothing of it runs any more: the first, by now.
    kept = inside("sudo", "docker", "images", "--digests")
    assert oci.digest(desktop.place(Layout())) not in kept
    person.run("destroy", NAME)
