"""The program of the role `containers` that brings images, with a Docker of files."""

from __future__ import annotations

import importlib.util
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator import paths

PROGRAM = paths.ANSIBLE_ROLES / "containers" / "files" / "bring_images.py"
# Images are files of a folder; `fails` holds the complaints of the next pulls, one a line.
DOCKER = """#!{python}
import os, pathlib, sys
here = pathlib.Path({folder!r})
images, fails = here / "images", here / "fails"
verb, last = sys.argv[1:3], sys.argv[-1].replace("/", "_")
with (here / "calls").open("a") as file:
    print(" ".join(sys.argv[1:]), file=file)
if verb[0] == "info":
    print(here)
elif verb == ["image", "inspect"]:
    sys.exit(not (images / last).exists())
elif verb[0] == "pull":
    left = fails.read_text().splitlines() if fails.exists() else []
    if left:
        fails.write_text("\\n".join(left[1:]))
        sys.exit(left[0])
    (images / last).touch()
elif verb[0] == "load":
    (images / "saved").touch()
    print("Loaded image: saved")
elif verb[0] == "tag":
    (images / last).touch()
elif verb == ["image", "rm"]:
    if (here / "in-use").exists():
        sys.exit("conflict: in use")
    (images / last).unlink()
else:
    sys.exit("what is " + " ".join(verb))
"""


class Docker:
    """A Docker whose pulls can be made to fail, and the program that uses it."""

    def __init__(self, folder: Path, program: Any) -> None:
        self.folder = folder
        self._program = program
        (folder / "images").mkdir()
        docker = folder / "docker"
        docker.write_text(DOCKER.format(python=sys.executable, folder=str(folder)))
        docker.chmod(docker.stat().st_mode | stat.S_IXUSR)

    def bring(self, *images: dict[str, str], free_gb: int = 0, attempts: int = 3) -> None:
        self._program.main(
            {"images": images, "owner": "test", "free_gb": free_gb, "attempts": attempts}
        )

    def fails(self, *complaints: str) -> None:
        (self.folder / "fails").write_text("\n".join(complaints))

    @property
    def images(self) -> set[str]:
        return {path.name for path in (self.folder / "images").iterdir()}

    @property
    def pulls(self) -> int:
        calls = (self.folder / "calls").read_text().splitlines()
        return sum(call.startswith("pull") for call in calls)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> Docker:
    spec = importlib.util.spec_from_file_location("bring_images", PROGRAM)
    assert spec
    assert spec.loader
    program: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    monkeypatch.setattr(program, "RECORDS", str(tmp_path / "records"))
    monkeypatch.setattr(program.pull, "__defaults__", (pauses.append,))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Docker(tmp_path, program)


Said = Callable[[], str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return lambda: capsys.readouterr().out.strip()


def test_an_image_is_pulled_once(docker: Docker, said: Said) -> None:
    docker.bring({"image": "web:1"})
    assert said() == "brought web:1"
    docker.bring({"image": "web:1"})
    assert (said(), docker.pulls) == ("", 1)


def test_a_silent_network_is_tried_again_soon(docker: Docker, pauses: list[float]) -> None:
    docker.fails("dial tcp: i/o timeout", "connection reset by peer")
    docker.bring({"image": "web:1"})
    assert (docker.images, pauses) == ({"web:1"}, [5, 10])


def test_a_rate_limit_is_waited_for_longer(docker: Docker, pauses: list[float]) -> None:
    docker.fails("toomanyrequests: You have reached your pull rate limit")
    docker.bring({"image": "web:1"})
    assert pauses == [60]


@pytest.mark.parametrize(
    ("complaint", "meaning"),
    [
        ("manifest unknown: manifest unknown", "has no such image"),
        ("pull access denied for web", "does not give it to us"),
        ("x509: certificate signed by unknown authority", "docker_registry_cas"),
        ("write /x: no space left on device", "the disk is full"),
    ],
)
def test_what_no_new_try_mends_ends_at_once(
    complaint: str, meaning: str, docker: Docker, pauses: list[float]
) -> None:
    docker.fails(complaint)
    with pytest.raises(SystemExit, match=meaning):
        docker.bring({"image": "web:1"})
    assert (docker.pulls, pauses) == (1, [])


def test_a_network_that_stays_silent_is_told_from_a_limit(docker: Docker) -> None:
    docker.fails(*["no route to host"] * 3)
    with pytest.raises(SystemExit, match="3 tries: the network, or the registry, does not answer"):
        docker.bring({"image": "web:1"})
    docker.fails(*["429 Too Many Requests"] * 3)
    with pytest.raises(SystemExit, match="limits how often"):
        docker.bring({"image": "web:1"})


def test_a_full_disk_is_refused_before_anything_comes(docker: Docker) -> None:
    with pytest.raises(SystemExit, match="GB are wanted before images come"):
        docker.bring({"image": "web:1"}, free_gb=10**9)
    assert docker.pulls == 0
    docker.fails()
    docker.bring({"image": "web:1"})
    # What is there needs no more room.
    docker.bring({"image": "web:1"}, free_gb=10**9)


def test_a_tarball_gets_its_name_and_is_loaded_again_when_it_changed(
    docker: Docker, tmp_path: Path, said: Said
) -> None:
    tarball = tmp_path / "saved.tar"
    tarball.write_text("one")
    item = {"image": "web:1", "tarball": str(tarball)}
    docker.bring(item)
    docker.bring(item)
    assert (said(), docker.images) == ("brought web:1", {"saved", "web:1"})
    tarball.write_text("another")
    docker.bring(item)
    assert said() == "brought web:1"


def test_what_is_no_longer_listed_goes_as_soon_as_nothing_uses_it(
    docker: Docker, tmp_path: Path
) -> None:
    docker.bring({"image": "web:1"})
    (tmp_path / "in-use").touch()
    docker.bring({"image": "web:2"})
    assert docker.images == {"web:1", "web:2"}
    (tmp_path / "in-use").unlink()
    docker.bring({"image": "web:2"})
    assert docker.images == {"web:2"}
    record = json.loads((tmp_path / "records" / "test.json").read_text())
    assert record == {"web:2": []}
