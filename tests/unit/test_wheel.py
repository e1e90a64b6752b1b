"""The wheel carries what the tree holds: a package forgotten in setup.cfg works in a checkout alone."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# folder of the tree -> its place in the wheel
SHIPPED = {
    "orchestrator": "orchestrator",
    "ansible": "orchestrator/data/ansible",
    "templates": "orchestrator/data/templates",
    "terraform": "orchestrator/data/terraform",
}
LEFT_BEHIND = ("__pycache__", ".terraform", ".tfstate", ".pyc")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from what git would commit, in a folder of its own: no stale build/ in it."""
    source = tmp_path_factory.mktemp("source")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    # The build tools of this environment: nothing is fetched.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "out", "."]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return zipfile.ZipFile(next((source / "out").glob("*.whl")))


def test_wheel_and_tree_hold_the_same_files(wheel):
    in_tree = {
        f"{place}/{file.relative_to(ROOT / folder)}"
        for folder, place in SHIPPED.items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and not any(mark in str(file) for mark in LEFT_BEHIND)
    }
    in_wheel = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert in_wheel == in_tree


def test_the_wheel_has_the_command_and_no_package_of_ours_named_ansible(wheel):
    entry_points = next(n for n in wheel.namelist() if n.endswith("entry_points.txt"))
    assert "orchestrator = orchestrator.cli.main:main" in wheel.read(entry_points).decode()
    assert not [name for name in wheel.namelist() if name.startswith(("ansible/", "tests/"))]
