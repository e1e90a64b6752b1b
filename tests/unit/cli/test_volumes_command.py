"""Data volumes as a person and a program see them: at the end of a deployment, and afterwards."""

from __future__ import annotations

import pytest

ID = "volume-sky-toy"


@pytest.fixture
def roomy(world):
    """Let the toy ask for a data volume."""
    file = world.use_case_folder / "usecase.yaml"
    file.write_text(file.read_text().replace("disk_gb: 8,", "disk_gb: 8, volume_gb: 20,"))


@pytest.fixture
def deployed(roomy, sky):
    return sky


def test_what_will_become_of_the_data_is_told_at_once(command, deployed):
    line = f"a volume of 20 GB, {ID}: kept at the end"
    assert line in command("show", deployed).out


def test_a_destroy_says_what_is_kept_and_what_can_be_done_with_it(command, deployed, world):
    out = command("destroy", deployed).out
    assert "sky is gone: nothing of it is left at SIM but its data." in out
    assert "kept     the volume sky-toy, 20 GB" in out
    assert f"--set volume={ID}" in out
    assert f"orchestrator volumes --delete {ID}" in out
    assert world.kinds == ["volume"]
    assert f"kept            the volume sky-toy, 20 GB, {ID}" in command("show", deployed).out


def test_a_program_reads_what_is_kept(command, deployed):
    *_, result = command("destroy", deployed, "--json").values
    assert result["kept"] == [{"id": ID, "name": "sky-toy", "size_gb": 20}]


def test_the_data_goes_too_when_asked_to(command, deployed, world):
    out = command("destroy", deployed, "--delete-data").out
    assert "nothing of it is left at SIM." in out
    assert world.resources == {}


def test_what_was_left_is_listed_and_deleted(command, deployed, world):
    assert command("volumes").out == "Your deployments have left no data volumes.\n"
    command("destroy", deployed)
    heading, row = command("volumes").out.splitlines()
    assert heading.split()[:3] == ["VOLUME", "SIZE", "SITE"]
    assert row.split() == ["sky-toy", "20", "GB", "SIM", "vo.access.egi.eu", "sky", ID]
    assert command("volumes", "--json").value == [
        {
            "id": ID,
            "name": "sky-toy",
            "size_gb": 20,
            "site": "SIM",
            "vo": "vo.access.egi.eu",
            "deployment": "sky",
            "used_by": None,
        }
    ]
    ended = command("volumes", "--delete", ID)
    assert (ended.code, ended.out) == (0, f"The volume sky-toy ({ID}) is deleted at SIM.\n")
    assert world.resources == {}
    assert command("volumes", "--json").value == []


def test_what_nobody_left_is_not_deleted(command, deployed, world):
    ended = command("volumes", "--delete", ID)
    assert ended.code == 1
    assert f"has left a volume {ID}" in ended.err
    assert ("volume", "sky-toy") in world.resources
