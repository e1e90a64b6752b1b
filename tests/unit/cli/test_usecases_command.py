"""orchestrator usecases"""

from __future__ import annotations

import json
import shutil


def test_ones_own_use_cases_stand_beside_the_shipped_ones(command):
    ended = command("usecases")
    assert ended.code == 0
    names = [line.split()[0] for line in ended.out.splitlines()[1:]]
    assert {"docker", "toy"} <= set(names)


def test_one_use_case_tells_what_it_needs_takes_and_checks(command, world):
    assert command("usecases", "toy").out.splitlines() == [
        "toy 1.0: A machine with a toy",
        "  One VM that plays.",
        "  needs      2 vCPU, 2048 MB, 8 GB, debian 12",
        "  --param    colour=red   what it looks like",
        "  checked    the toy plays",
        f"  from       yours: {world.use_case_folder}",
    ]


def test_a_use_case_with_everything_tells_everything(command):
    assert command("usecase", "new", "mine").code == 0
    out = command("usecases", "mine").out
    for line in (
        "             with size=large: 2 vCPU, 4096 MB, 8 GB, debian 12",
        "  --param    size=small   how big the machine is (one of small, large)",
        "  --param    attachment=   a file that the page offers (a file here, taken to the machine)",
        "  opens      The page: orchestrator open NAME",
        "  results    /srv/mine/results: orchestrator results NAME",
        "  tells      visits: orchestrator status NAME",
    ):
        assert line in out.splitlines()


def test_a_form_reads_the_schema_of_the_parameters(command):
    schema = json.loads(command("usecases", "toy", "--schema").out)
    assert schema["properties"]["colour"]["default"] == "red"
    assert "needs" in json.loads(command("usecases", "--schema").out)["properties"]


def test_where_a_use_case_comes_from_is_told_and_that_it_hides_another(command, world):
    shutil.copytree(world.use_case_folder, world.use_case_folder.parent / "docker")
    rows = {line.split()[0]: line for line in command("usecases").out.splitlines()}
    assert rows["docker"].endswith("yours, in place of the shipped one")
    assert rows["machine"].endswith("shipped")


def test_a_broken_use_case_is_told_and_the_others_are_listed(command, world):
    broken = world.use_case_folder.parent / "broken"
    shutil.copytree(world.use_case_folder, broken)
    (broken / "usecase.yaml").write_text("title: x\nversoin: 1\n")
    ended = command("usecases")
    assert ended.code == 0
    assert "toy" in ended.out
    assert "versoin: line 2: there is no such key here, did you mean version?" in ended.err


def test_a_program_reads_a_list_of_use_cases(command):
    (toy,) = command("usecases", "toy", "--json").value
    assert (toy["name"], toy["need"]["vcpus"]) == ("toy", 2)


def test_an_unknown_use_case_brings_near_names(command):
    ended = command("usecases", "dokcer")
    assert ended.code == 1
    assert "did you mean    docker" in ended.err
