"""Oligia on the sandbox: a scientist's browser shows a desktop with TOPCAT and a table in it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.browser import Browser, browser
from tests.e2e.people import ROOT, Person

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ARTIFACTS = Path(os.environ.get("ARTIFACTS", ROOT / "build" / "artifacts"))
NAME = "oligia-e2e"
# How many colours the desktop has, and how much of it is not the commonest one.
LOOK = """
const canvas = document.querySelector('#noVNC_container canvas');
const pixels = new Uint32Array(
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
const seen = new Map();
for (const pixel of pixels) seen.set(pixel, (seen.get(pixel) || 0) + 1);
return {colours: seen.size, busy: 1 - Math.max(...seen.values()) / pixels.length};
"""
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
        # An emulated machine needs a moment for its first picture.
        page.wait(f"(() => {{{LOOK}}})().colours > 200", seconds=120)
        seen = page.script(LOOK)
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(ARTIFACTS / f"oligia-{source}.png")

    # A bare desktop has one colour; TOPCAT's window and its icons have hundreds.
    assert seen["colours"] > 200, seen
    assert seen["busy"] > 0.15, seen

    again = person.run("deploy", *request, "--configure", "--json", timeout=1200)
    assert ", 0 changed" in again.stdout
    person.run("destroy", NAME)
