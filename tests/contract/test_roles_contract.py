"""Rules of the roles that only Ansible itself can evaluate, on this machine alone."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from orchestrator import paths

pytestmark = pytest.mark.contract

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
SAFE = {"services": {"db": {"image": "db:1"}, "web": {"ports": ["127.0.0.1:8080:80"]}}}


def played(tmp_path: Path, **play: Any) -> tuple[bool, str]:
    """Run a play on this machine; tell whether it went through, and what Ansible said."""
    file = tmp_path / "play.yml"
    file.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, **play}]))
    env = {**os.environ, "ANSIBLE_HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1"}
    env["ANSIBLE_ROLES_PATH"] = str(paths.ANSIBLE_ROLES)
    argv = [str(PLAYBOOK), "-i", "localhost,", "-c", "local", str(file)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return done.returncode == 0, done.stdout


def refusal(tmp_path: Path, **variables: Any) -> str:
    """What the role `containers` says against these variables; empty when it goes on."""
    first = yaml.safe_load((paths.ANSIBLE_ROLES / "containers/tasks/main.yml").read_text())[0]
    variables = {"containers_list": [], "containers_compose": "", **variables}
    well, said = played(
        tmp_path,
        vars=variables,
        vars_files=[str(paths.ANSIBLE_ROLES / "containers/vars/main.yml")],
        tasks=[first],
    )
    return "" if well else said


def room_for_hi_friends(tmp_path: Path, **variables: Any) -> int:
    """Return the GB that the role `hi_friends` asks for before its job starts."""
    role = paths.ANSIBLE_ROLES / "hi_friends"
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    words = "{{ {'asked': _hi_friends_free_gb | int} | to_json }}"
    tasks = yaml.safe_load((role / "tasks/main.yml").read_text())
    stat = next(task for task in tasks if "ansible.builtin.stat" in task)
    well, said = played(
        tmp_path,
        vars={"ansible_python_interpreter": sys.executable, **defaults, **variables},
        vars_files=[str(role / "vars/main.yml")],
        tasks=[
            stat,
            {"ansible.builtin.copy": {"content": words, "dest": str(tmp_path / "asked.json")}},
        ],
    )
    assert well, said
    asked: dict[str, int] = json.loads((tmp_path / "asked.json").read_text())
    return asked["asked"]


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"hi_friends_profile": "check", "snakemake_backend": "miniforge"}, 6),
        ({"hi_friends_profile": "check", "snakemake_backend": "pip"}, 1),
        ({"hi_friends_profile": "dev-small", "snakemake_backend": "miniforge"}, 30),
        ({"hi_friends_profile": "dev-large", "snakemake_backend": "miniforge"}, 96),
        ({"hi_friends_profile": "custom", "hi_friends_cube_gb": 5.1}, 20),
    ],
)
def test_the_room_that_a_cube_needs_is_asked_for_by_its_profile(
    tmp_path: Path, given: dict[str, Any], asked: int
) -> None:
    assert room_for_hi_friends(tmp_path, **given) == asked


def test_a_cube_that_is_on_the_node_counts_by_its_own_size_and_once_less(tmp_path: Path) -> None:
    cube = tmp_path / "cube.fits"
    with cube.open("wb") as file:
        file.truncate(10 * 1000**3)  # a hole: it takes no room here
    given = {"hi_friends_profile": "dev-large", "hi_friends_cube": str(cube)}
    assert room_for_hi_friends(tmp_path, **given) == 20


@pytest.mark.parametrize(("fetched", "free_gb", "refused"), [
    (False, 10**6, True), (False, 0, False), (True, 10**6, False),
])  # fmt: skip
def test_a_job_is_not_begun_where_there_is_too_little_room(
    tmp_path: Path, fetched: bool, free_gb: int, refused: bool
) -> None:
    tasks = yaml.safe_load((paths.ANSIBLE_ROLES / "snakemake/tasks/job.yml").read_text())
    well, said = played(
        tmp_path,
        vars={
            "ansible_python_interpreter": sys.executable,
            "snakemake_home": str(tmp_path / "not" / "yet"),
            "snakemake_free_gb": free_gb,
            "_snakemake_state": {"stdout": json.dumps({"fetched": fetched})},
            # As the inventory has it: it is mounted before, and not once more here.
            "volumes": [{"id": "v", "size_gb": 1, "made": True}],
        },
        tasks=[task for task in tasks if "ansible.builtin.include_role" in task],
    )
    assert ("1000000 GB are needed" in said) is refused
    assert well is not refused, said


def test_what_is_met_on_this_machine_alone_goes_on(tmp_path: Path) -> None:
    web = {"name": "web", "image": "web:1", "ports": ["8080:80", "9000"]}
    assert refusal(tmp_path, containers_list=[web], containers_compose=SAFE) == ""
    assert refusal(tmp_path, containers_compose=yaml.safe_dump(SAFE)) == ""


@pytest.mark.parametrize(
    "service",
    [
        {"ports": ["8080:80"]},
        {"ports": ["0.0.0.0:8080:80"]},
        {"ports": [8080]},
        {"ports": [{"target": 80, "published": 8080}]},
        {"ports": [{"target": 80, "published": 8080, "host_ip": "0.0.0.0"}]},
        {"network_mode": "host"},
    ],
)
def test_a_compose_file_that_opens_a_port_to_the_world_is_refused(
    tmp_path: Path, service: dict[str, Any]
) -> None:
    compose = {"services": {**SAFE["services"], "open": service}}
    assert "127.0.0.1:PORT:PORT-INSIDE" in refusal(tmp_path, containers_compose=compose)


@pytest.mark.parametrize(
    "container",
    [
        {"name": "Web", "image": "web:1"},
        {"name": "../web", "image": "web:1"},
        {"name": "web", "image": "web:1", "ports": ["0.0.0.0:8080:80"]},
    ],
)
def test_a_container_that_cannot_be_is_refused(tmp_path: Path, container: dict[str, Any]) -> None:
    assert "small letters" in refusal(tmp_path, containers_list=[container])


# --- Miniforge, by a server of this machine in place of its release

INSTALLER = """\
while [ "$1" != -p ]; do shift; done
mkdir -p "$2/conda-meta" && touch "$2/conda-meta/history"
"""


def brought(tmp_path: Path, *, url: str, installer: str = INSTALLER) -> str:
    """What Ansible says of bringing Miniforge from there; the installer's checksum is this one's."""
    home = tmp_path / "miniforge"
    role = paths.ANSIBLE_ROLES / "snakemake"
    tasks = yaml.safe_load((role / "tasks/miniforge.yml").read_text())
    own = {
        "_snakemake_miniforge": str(home),
        "_snakemake_miniforge_url": url,
        "_snakemake_miniforge_sha256": {
            platform.machine(): hashlib.sha256(installer.encode()).hexdigest()
        },
    }
    well, said = played(
        tmp_path,
        pre_tasks=[{"ansible.builtin.setup": {"gather_subset": ["!all", "min"]}}],
        vars={"ansible_python_interpreter": sys.executable, **own},
        # Without the first, which makes the folder of a node.
        tasks=tasks[1:],
    )
    assert well is (home / "conda-meta" / "history").exists()
    return said


@pytest.fixture
def release(tmp_path: Path) -> Iterator[str]:
    """The address of an installer on this machine."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "Miniforge3.sh").write_text(INSTALLER)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/Miniforge3.sh"
        server.shutdown()


def test_miniforge_is_run_where_its_release_can_be_reached(tmp_path: Path, release: str) -> None:
    assert "changed=3" in brought(tmp_path, url=release)
    assert (tmp_path / "miniforge.sh").read_text() == INSTALLER


@pytest.mark.parametrize(
    ("installer", "name", "cause"),
    [
        (INSTALLER, "nothing.sh", "404"),
        ("another", "Miniforge3.sh", "checksum"),
        (INSTALLER, "", "refused"),
    ],
)
def test_where_miniforge_does_not_come_the_way_without_it_is_named(
    tmp_path: Path, release: str, installer: str, name: str, cause: str
) -> None:
    url = release.replace("Miniforge3.sh", name) if name else "http://127.0.0.1:9/Miniforge3.sh"
    said = brought(tmp_path, url=url, installer=installer)
    assert f"{url} does not come to this node" in said
    assert cause in said
    assert "snakemake_backend=pip" in said
