"""deploy, plan, apply and destroy as a person, a pipe and a program see them."""

from __future__ import annotations

import pytest

TOY = ("toy", "--site", "SIM", "--name", "sky")


def test_a_person_reads_how_to_get_in_and_how_to_remove_it(command):
    ended = command("deploy", *TOY)
    assert ended.code == 0
    assert "sky is ready after" in ended.out
    assert "orchestrator ssh sky" in ended.out
    assert "make destroy NAME=sky" in ended.out
    assert "flavor          small (2 vCPU, 4 GB, 20 GB): smallest of 2 that fit" in ended.out


def test_the_same_again_has_nothing_to_do(command, sky):
    ended = command("deploy", *TOY)
    assert ended.code == 0
    assert "sky is ready and as described: nothing to do" in ended.out


def test_a_program_reads_one_object_per_line_and_the_result_last(command):
    ended = command("deploy", *TOY, "--json")
    *steps, result = ended.values
    assert {step["event"] for step in steps} == {"progress"}
    phases = list(dict.fromkeys(step["phase"] for step in steps))
    assert phases == [
        "login",
        "discover",
        "choose",
        "plan",
        "apply",
        "reach",
        "configure",
        "verify",
    ]
    assert (result["event"], result["changed"]) == ("result", True)
    assert (result["name"], result["phase"]) == ("sky", "ready")
    assert result["nodes"][0]["address"] == "198.51.100.17"


def test_configure_is_an_option_of_deploy_alone(command, sky, world):
    assert command("deploy", *TOY, "--configure").code == 0
    assert len(world.playbooks) == 2
    assert command("plan", *TOY, "--configure").code == 1


def test_a_failure_says_what_exists_and_the_ways_on(command, world):
    world.playbook_error = "the mirror is silent"
    ended = command("deploy", *TOY)
    assert ended.code == 6
    assert ended.err.startswith("orchestrator: the mirror is silent\n")
    assert "exists    1 server, 1 floating IP, 1 key pair" in ended.err
    for way in (
        "make deploy SITE=SIM USECASE=toy VO=vo.access.egi.eu NAME=sky",
        "logs sky",
        "make destroy NAME=sky",
    ):
        assert way in ended.err


def test_a_program_reads_a_failure_as_the_last_object(command, world):
    world.playbook_error = "the mirror is silent"
    ended = command("deploy", *TOY, "--json")
    *_, error = ended.values
    assert (ended.code, error["event"], error["exit_code"]) == (6, "error", 6)
    assert error["facts"]["phase"] == "configuring"


def test_nothing_that_is_said_holds_a_token(command, world, monkeypatch):
    token = world.token(sub="canary")
    monkeypatch.setenv("OIDC_ACCESS_TOKEN", token)
    ended = command("deploy", *TOY, "--json")
    assert token not in ended.out + ended.err
    assert token not in command("show", "sky", "--json").out


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"login_error": "no role"}, 4),
        ({"plan_error": "the site is down"}, 5),
        ({"apply_breaks_at": "openstack_compute_instance_v2"}, 5),
        ({"playbook_starts": ()}, 6),
    ],
    ids=["login", "site", "apply", "checks"],
)
def test_each_kind_of_failure_has_its_exit_code(command, world, fault, code):
    for name, value in fault.items():
        setattr(world, name, value)
    assert command("deploy", *TOY).code == code


def test_a_plan_that_would_lose_a_machine_is_refused_with_exit_code_3(command, sky, world):
    world.rebuilds = True
    ended = command("plan", *TOY)
    assert ended.code == 3
    assert "sky-toy" in ended.err


def test_a_request_that_makes_no_sense_is_exit_code_1(command):
    assert command("deploy", "toy", "--site", "NOWHERE").code == 1
    assert command("deploy", "none", "--site", "SIM").code == 1
    assert command("deploy", "toy").code == 1


def test_a_plan_with_changes_is_exit_code_2_and_names_what_comes_next(command, world):
    ended = command("plan", *TOY)
    assert ended.code == 2
    assert "  create   module.nodes.openstack_compute_instance_v2.node" in ended.out
    assert "sky: 3 to create." in ended.out
    assert "orchestrator apply sky" in ended.out
    assert world.resources == {}


def test_a_plan_without_changes_is_exit_code_0(command, sky):
    ended = command("plan", *TOY)
    assert ended.code == 0
    assert ended.out.endswith("sky: nothing to do.\n")


def test_a_plan_for_what_exists_never_offers_to_forget_it(command, sky, world):
    del world.resources["floating_ip", "sky-toy"]
    ended = command("plan", *TOY)
    assert ended.code == 2
    assert "destroy" not in ended.out
    assert "apply      orchestrator deploy toy --site SIM --name sky" in ended.out


def test_a_program_reads_a_plan_as_one_object_at_the_end(command):
    *_, result = command("plan", *TOY, "--json").values
    assert (result["event"], result["name"]) == ("result", "sky")
    assert result["counts"] == {"create": 3}


def test_an_apply_runs_the_saved_plan(command, world):
    command("plan", *TOY)
    ended = command("apply", "sky", "--json")
    assert ended.code == 0
    assert ended.values[-1]["phase"] == "ready"
    assert world.kinds == ["floating_ip", "keypair", "server"]


def test_an_apply_without_a_plan_is_refused(command, sky):
    ended = command("apply", "sky")
    assert ended.code == 1
    assert "no plan waiting" in ended.err


def test_a_destroy_says_that_nothing_is_left(command, sky, world):
    ended = command("destroy", sky)
    assert ended.code == 0
    assert ended.out.endswith("sky is gone: nothing of it is left at SIM.\n")
    assert world.resources == {}


def test_a_program_reads_a_destroy_as_one_object_at_the_end(command, sky):
    *_, result = command("destroy", sky, "--json").values
    assert (result["event"], result["phase"], result["nodes"]) == ("result", "destroyed", [])


def test_a_destroy_of_what_there_is_not_names_what_there_is(command, sky):
    ended = command("destroy", "sea")
    assert ended.code == 1
    assert "you have    sky" in ended.err
