"""The sandbox, its administrator's view, and a person who leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack.connection import Connection

from orchestrator.paths import SANDBOX
from tests.e2e.people import ROOT, Person, at_the_site, new_person, site_file
from tests.faults import site
from tests.turns import turn


@pytest.fixture(scope="module", autouse=True)
def sandbox(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start the sandbox, or repair it, when it is this module's turn."""
    alone = request.node.get_closest_marker("alone") is not None
    with turn(alone=alone):
        subprocess.run(["python3", "-m", "sandbox", "up"], cwd=ROOT, check=True)
        yield


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def small_image(sandbox: None) -> str:
    """The smallest image of the sandbox's registry, which is started."""
    subprocess.run(["python3", "-m", "sandbox", "registry"], cwd=ROOT, check=True)
    return str(site_file()["use_cases"]["containers"]["containers_list"][0]["image"])


@pytest.fixture(scope="module")
def web(small_image: str) -> dict[str, Any]:
    """A container that shows a page on port 8080."""
    page = "echo It works > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"
    return {"name": "web", "image": small_image, "ports": ["8080"], "command": ["sh", "-c", page]}


@pytest.fixture(scope="module")
def before(admin: Connection) -> set[str]:
    """What others have at the site."""
    return at_the_site(admin)


@pytest.fixture(scope="module")
def vos() -> Collection[str] | None:
    """The VOs that a module has to itself, if any: others come and go meanwhile."""
    return None


@pytest.fixture
def person(tmp_path: Path, admin: Connection, vos: Collection[str] | None) -> Iterator[Person]:
    """A new person; whatever they leave at the site is a failure, and removed."""
    somebody = new_person(tmp_path / "person")
    before = at_the_site(admin, vos)
    yield somebody
    left = at_the_site(admin, vos) - before
    for deployment in json.loads(somebody.run("list", "--json").stdout):
        somebody.run("destroy", deployment["name"], code=None)
    assert left == set(), f"the test left {left} at the site"
