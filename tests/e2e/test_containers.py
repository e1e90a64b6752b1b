"""Containers on the sandbox: one that stays, jobs in order, what fails, what is removed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.people import Person

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NAME = "containers-e2e"


def written(folder: Path, *containers: dict[str, Any]) -> str:
    """A deployment file that asks for these containers in order."""
    path = folder / "containers.yaml"
    parameters = {"containers_sequence": True, "containers_list": containers}
    request = {"use_case": "containers", "site": "SANDBOX", "name": NAME, "parameters": parameters}
    path.write_text(yaml.safe_dump(request))
    return str(path)


def test_containers_run_in_order_and_tell_how_they_ended(
    person: Person, tmp_path: Path, small_image: str, web: dict[str, Any]
) -> None:
    def job(name: str, line: str) -> dict[str, Any]:
        volumes = ["/srv/data:/data"]
        return {
            "name": name,
            "image": small_image,
            "job": True,
            "volumes": volumes,
            "command": ["sh", "-c", line],
        }

    first, second = job("first", "echo 42 > /data/one"), job("second", "cat /data/one > /data/two")
    request = written(tmp_path, web, first, second)
    person.run("deploy", "--file", request, timeout=2400)

    def inside(*argv: str) -> str:
        return person.run("ssh", NAME, "--", *argv).stdout.strip()

    wanted = "web running, first ended with 0, second ended with 0"
    # Nobody waits for jobs: a deployment is ready while they run.
    until = time.monotonic() + 300
    while (status := inside("containers", "status")) != wanted and time.monotonic() < until:
        time.sleep(5)
    assert status == wanted
    assert inside("curl", "-s", "http://127.0.0.1:8080/") == "It works"
    assert inside("cat", "/srv/data/two") == "42"
    assert "docker" in inside("id", "-nG").split()
    again = person.run("deploy", "--file", request, "--configure", "--json", timeout=1200)
    assert ", 0 changed" in again.stdout
    person.run("destroy", NAME)
