"""orchestrator status"""

from __future__ import annotations


def test_what_is_ready_and_answers_is_exit_code_0(command, sky):
    ended = command("status", sky)
    assert ended.code == 0
    assert "  sky-toy: SSH answers\n" in ended.out
    assert "  image: the newest of its kind at the site\n" in ended.out


def test_a_newer_image_is_told_and_changes_nothing(command, sky, world):
    before = dict(world.servers)
    world.refresh_image()
    assert "a newer one is there, debian 12, 2026-11-23" in command("status", sky).out
    assert command("plan", "toy", "--site", "SIM", "--name", sky).code == 0
    assert world.servers == before


def test_a_site_that_does_not_answer_leaves_the_newer_image_open(command, sky, world):
    world.login_error = "SIM does not answer"
    ended = command("status", sky)
    assert ended.code == 0
    assert "whether there is a newer one is not known: SIM does not answer" in ended.out


def test_what_does_not_answer_is_exit_code_6(command, sky, world):
    world.servers["sky-toy"].answers = False
    ended = command("status", sky)
    assert ended.code == 6
    assert "SSH does not answer" in ended.out


def test_what_failed_is_exit_code_6_with_the_failure(command, failed):
    ended = command("status", failed)
    assert ended.code == 6
    assert "the last run failed: the mirror is silent" in ended.out


def test_what_is_only_planned_is_not_ready(command):
    command("plan", "toy", "--site", "SIM", "--name", "sky")
    assert command("status", "sky").code == 6


def test_what_is_destroyed_is_well(command, sky):
    command("destroy", sky)
    assert command("status", sky).code == 0


def test_a_program_reads_which_nodes_answer(command, sky, world):
    world.servers["sky-toy"].answers = False
    ended = command("status", sky, "--json")
    assert (ended.code, ended.value["answers"]) == (6, {"sky-toy": False})
