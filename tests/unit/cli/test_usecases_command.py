"""orchestrator usecases"""

from __future__ import annotations


def test_ones_own_use_cases_stand_beside_the_shipped_ones(command):
    ended = command("usecases")
    assert ended.code == 0
    names = [line.split()[0] for line in ended.out.splitlines()[1:]]
    assert {"docker", "toy"} <= set(names)


def test_one_use_case_tells_what_it_needs_takes_and_checks(command):
    assert command("usecases", "toy").out.splitlines() == [
        "toy 1.0: A machine with a toy",
        "  One VM that plays.",
        "  needs      2 vCPU, 2048 MB, 8 GB, debian 12",
        "  --param    colour=red   what it looks like",
        "  checked    the toy plays",
    ]


def test_a_program_reads_a_list_of_use_cases(command):
    (toy,) = command("usecases", "toy", "--json").value
    assert (toy["name"], toy["need"]["vcpus"]) == ("toy", 2)


def test_an_unknown_use_case_brings_near_names(command):
    ended = command("usecases", "dokcer")
    assert ended.code == 1
    assert "did you mean    docker" in ended.err
