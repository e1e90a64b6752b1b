"""The sandbox, its administrator's view, and a person who leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack.connection import Connection

from orchestrator.paths import SANDBOX
from tests.e2e.people import ROOT, Person, at_the_site, new_person, site_file
from tests.faults import site


@pytest.fixture(scope="session", autouse=True)
def sandbox() -> None:
    """Start the sandbox, or repair it."""
    subprocess.run(["python3", "-m", "sandbox", "up"], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def admin(sandbox: None) -> Iterator[Connection]:
    """The cloud as its administrator sees it."""
    login = json.loads((SANDBOX / "admin.json").read_text())
    connection = openstack.connection.Connection(
        auth={key: value for key, value in login.items() if key != "cacert"}, cacert=login["cacert"]
    )
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def blank_image(admin: Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The image of the trials, of which machines are made that have no system."""
    site.prepare(admin, tmp_path_factory.mktemp("image"))
    yield
    site.clean(admin)


@pytest.fixture(scope="session")
def small_image(sandbox: None) -> str:
    """The smallest image of the sandbox's registry, which is started."""
    subprocess.run(["python3", "-m", "sandbox", "registry"], cwd=ROOT, check=True)
    return str(site_file()["use_cases"]["containers"]["containers_list"][0]["image"])


@pytest.fixture(scope="session")
def web(small_image: str) -> dict[str, Any]:
    """A container that shows a page on port 8080."""
    page = "echo It works > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"
    return {"name": "web", "image": small_image, "ports": ["8080"], "command": ["sh", "-c", page]}


@pytest.fixture
def person(tmp_path: Path, admin: Connection) -> Iterator[Person]:
    """A new person; whatever they leave at the site is a failure, and removed."""
    somebody = new_person(tmp_path / "person")
    before = at_the_site(admin)
    yield somebody
    left = at_the_site(admin) - before
    for deployment in json.loads(somebody.run("list", "--json").stdout):
        somebody.run("destroy", deployment["name"], code=None)
    assert left == set(), f"the test left {left} at the site"
