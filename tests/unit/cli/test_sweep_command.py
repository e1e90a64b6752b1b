"""orchestrator sweep"""

from __future__ import annotations

import pytest


@pytest.fixture
def orphan(world):
    """A machine of ada's with its address, of which no record speaks; beside it what is not hers."""
    world.resources |= {
        ("server", "old-toy"): "0ld",
        ("floating_ip", "old-toy"): "0ld",
        ("server", "eves"): "eve",
        ("network", "somebodys"): "n0b",
    }
    world.makers["eve"] = "u-eve"
    world.names["0ld"] = "old"
    return "0ld"


def others(world):
    return {mark for mark in world.resources.values()}


def test_what_is_left_over_is_shown_and_without_agreement_stays(command, world, orphan):
    before = dict(world.resources)
    ended = command("sweep", "SIM")
    assert ended.code == 2
    assert "server        old-toy" in ended.out
    assert "0ld (old)" in ended.out
    assert "2 vCPU, 4 GB" in ended.out
    assert "orchestrator adopt ID --site SIM --vo vo.access.egi.eu" in ended.out
    assert "not touched: 2 resources of 2 deployments" in ended.out
    assert "eves" not in ended.out
    assert world.resources == before


def test_with_agreement_it_goes_and_nothing_else(command, world, sky, orphan):
    ended = command("sweep", "SIM", "--yes")
    assert ended.code == 0
    assert "0ld: removed 2 resources, nothing of it is left" in ended.out
    assert "With a record, and not touched: sky." in ended.out
    assert orphan not in others(world)
    assert {"eve", "n0b"} <= others(world)
    assert ("server", "sky-toy") in world.resources


def test_there_is_nothing_to_do_where_all_has_a_record(command, sky):
    ended = command("sweep", "SIM", "--yes")
    assert ended.code == 0
    assert "nothing for vo.access.egi.eu that is yours" in ended.out


def test_volumes_stay_until_they_are_agreed_to(command, world, orphan):
    world.resources["volume", "data"] = orphan
    assert "Volumes stay unless --volumes is given" in command("sweep", "SIM", "--yes").out
    assert world.resources["volume", "data"] == orphan
    # What is left is a volume alone: still shown, still kept.
    assert command("sweep", "SIM", "--yes").code == 2
    assert command("sweep", "SIM", "--yes", "--volumes").code == 0
    assert orphan not in others(world)


def test_what_the_site_keeps_is_exit_code_6_and_goes_the_next_time(command, world, orphan):
    world.stuck = {"server"}
    ended = command("sweep", "SIM", "--yes")
    assert ended.code == 6
    assert "server old-toy" in ended.err
    assert "a server is using it" in ended.err
    world.stuck = set()
    assert command("sweep", "SIM", "--yes").code == 0


def test_one_that_is_named_goes_alone(command, world, orphan):
    world.resources["server", "older-toy"] = "0lder"
    assert command("sweep", "SIM", "--yes", "--only", orphan).code == 0
    assert world.resources["server", "older-toy"] == "0lder"
    assert command("sweep", "SIM", "--yes", "--only", "eve").code == 1


def test_a_program_reads_what_was_found_and_what_was_removed(command, world, orphan):
    ended = command("sweep", "SIM", "--json")
    assert ended.code == 2
    assert [one["deployment_id"] for one in ended.value["orphans"]] == [orphan]
    assert ended.value["removed"] == []
    ended = command("sweep", "SIM", "--json", "--yes")
    assert ended.code == 0
    assert ended.value["removed"][0]["left"] == []


def test_what_a_destroy_left_is_found_by_the_record_that_says_it_is_gone(command, world, sky):
    """A site that lists late: the network appeared after the destroy had looked for the last time."""
    (deployment_id,) = set(world.resources.values())
    assert command("destroy", sky).code == 0
    world.resources["network", "late"] = deployment_id
    ended = command("sweep", "SIM", "--yes")
    assert ended.code == 0
    assert "your record says that it was removed" in ended.out
    assert world.resources == {}
