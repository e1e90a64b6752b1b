"""orchestrator adopt: another computer, without the store and the work folder of the first."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def elsewhere(command, sky, world):
    """Go to a computer that knows the site and nothing of sky; return sky's id."""
    (deployment_id,) = set(world.resources.values())
    folder = world.folders.deployments / deployment_id
    world.public_key = (folder / "ssh" / "id_ed25519.pub").read_text()
    world.lost_key = (folder / "ssh" / "id_ed25519").read_text()
    shutil.rmtree(world.folders.data)
    return deployment_id


def test_a_record_and_a_state_are_made_and_nothing_at_the_site_changes(command, world, elsewhere):
    before = dict(world.resources)
    ended = command("adopt", elsewhere, "--site", "SIM")
    assert ended.code == 0, ended.err
    assert "sky is taken over from SIM." in ended.out
    assert "taken back: 1 server, 1 floating IP, 1 key pair" in ended.out
    assert world.resources == before
    listed = command("list", "--json").value[0]
    assert (listed["id"], listed["name"], listed["phase"]) == (elsewhere, "sky", "applied")
    assert listed["selection"]["flavor"]["name"] == "small"
    assert listed["selection"]["topology"]["value"] == "floating"
    assert listed["nodes"][0]["address"] == "198.51.100.17"
    assert listed["nodes"][0]["groups"] == ["toy"]


def test_it_can_be_looked_at_planned_for_and_destroyed(command, world, elsewhere):
    command("adopt", elsewhere, "--site", "SIM")
    assert "SSH answers" in command("status", "sky").out
    plan = command("plan", "toy", "--site", "SIM", "--name", "sky")
    assert "nothing to do" in plan.out
    assert command("destroy", "sky").code == 0
    assert world.resources == {}


@pytest.mark.parametrize(
    "words",
    [("ssh", "sky"), ("verify", "sky"), ("deploy", "toy", "--site", "SIM", "--name", "sky")],
    ids=["ssh", "verify", "deploy"],
)
def test_what_needs_its_key_is_refused_with_the_cause(command, elsewhere, words):
    command("adopt", elsewhere, "--site", "SIM")
    ended = command(*words)
    assert ended.code == 6
    assert "the key of sky is not on this machine" in ended.err
    assert "ssh/id_ed25519" in ended.err


def test_with_its_key_it_goes_on_to_ready(command, world, elsewhere):
    command("adopt", elsewhere, "--site", "SIM")
    key = world.folders.deployments / elsewhere / "ssh" / "id_ed25519"
    key.write_text(world.lost_key)
    assert (key.parent / "known_hosts").read_text().startswith("198.51.100.17 ssh-ed25519")
    assert command("deploy", "toy", "--site", "SIM", "--name", "sky").code == 0
    assert command("list", "--json").value[0]["phase"] == "ready"


def test_a_use_case_that_is_not_here_leaves_status_and_destroy(command, world, elsewhere):
    shutil.rmtree(world.use_case_folder)
    ended = command("adopt", elsewhere, "--site", "SIM")
    assert ended.code == 0, ended.err
    assert "toy: it is not on this computer" in ended.out
    assert "SSH answers" in command("status", "sky").out
    assert command("destroy", "sky").code == 0
    assert world.resources == {}


def test_a_network_without_a_machine_gets_a_record_by_its_name(command, world):
    world.resources["network", "sea-network"] = "0ld"
    ended = command("adopt", "0ld", "--site", "SIM")
    assert ended.code == 0, ended.err
    assert "no state" in ended.out
    assert command("destroy", "sea").code == 0
    assert world.resources == {}


def test_what_the_store_knows_is_not_taken_over_twice(command, world, sky):
    (deployment_id,) = set(world.resources.values())
    ended = command("adopt", deployment_id, "--site", "SIM")
    assert ended.code == 1
    assert "has a record here already: it is sky" in ended.err


def test_a_name_that_another_deployment_has_here_is_told(command, world, sky):
    world.resources["network", "sky-network"] = "0ld"
    ended = command("adopt", "0ld", "--site", "SIM")
    assert ended.code == 1
    assert "is called sky at its site" in ended.err
    assert len(command("list", "--json").value) == 1


@pytest.mark.parametrize("wrong", ["nothing", "../../etc", "x" * 50])
def test_an_id_of_nothing_is_refused_and_leaves_no_record(command, wrong):
    ended = command("adopt", wrong, "--site", "SIM")
    assert ended.code == 1
    assert command("list", "--json").value == []


def test_what_could_not_be_taken_over_in_one_go_is_recovered_later(command, world, elsewhere):
    world.plan_error = "the site does not answer"
    assert command("adopt", elsewhere, "--site", "SIM").code == 5
    world.plan_error = None
    assert command("recover", "sky").code == 0
    assert command("destroy", "sky").code == 0
    assert world.resources == {}
