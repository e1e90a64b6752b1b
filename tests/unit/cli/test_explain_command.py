"""orchestrator explain"""

from __future__ import annotations

import pytest


def test_each_choice_is_shown_with_its_reason_and_how_sure_it_is(command, world):
    ended = command("explain", "SIM", "toy")
    assert ended.code == 0
    rows = [line.split("   ") for line in ended.out.splitlines()]
    (network,) = [row for row in rows if row[0] == "public_network" and "only" in "".join(row)]
    assert [cell.strip() for cell in network if cell.strip()][1:] == [
        "ext",
        "only external network, global addresses seen",
        "1",
        "certain",
    ]
    assert "certain: the site's own listing leaves one answer" in ended.out
    assert world.resources == {}


def test_nothing_is_kept_of_an_explanation(command):
    command("explain", "SIM", "toy")
    assert "You have no deployments" in command("list").out


def test_a_program_reads_choices_limits_and_how_to_override(command):
    value = command("explain", "SIM", "toy", "--json").value
    assert [one["key"] for one in value["choices"]] == [
        "flavor",
        "image",
        "topology",
        "public_network",
    ]
    assert value["choices"][3]["override"] == "--set public_network=..."


def test_two_equal_networks_end_with_5_and_the_lines_that_settle_it(command, world):
    world.externals = ("ext-a", "ext-b")
    ended = command("explain", "SIM", "toy")
    assert ended.code == 5
    assert "--set public_network=ext-a" in ended.err
    assert "public_network: ext-a" in ended.err


def test_who_has_the_last_word_is_shown_with_whom_it_beats(command, world, tmp_path):
    world.externals = ("ext-a", "ext-b", "ext-c")
    sites = world.folders.config / "sites"
    with (sites / "SIM.yaml").open("a") as file:
        file.write("public_network: ext-a\n")
    written = tmp_path / "sky.yaml"
    written.write_text("use_case: toy\nsite: SIM\nchoices: {public_network: ext-b}\n")
    ended = command(
        "explain", "SIM", "toy", "--file", str(written), "--set", "public_network=ext-c"
    )
    rows = [line.split() for line in ended.out.splitlines() if line.startswith("public_network")]
    said = [(row[1], row[-1]) for row in rows if row[1].startswith("ext-")]
    assert said[1:4] == [
        ("ext-c", "--set"),
        ("ext-b", str(written)),
        ("ext-a", str(sites / "SIM.yaml")),
    ]


def test_a_deployment_is_explained_by_what_was_stored_with_it(command, sky, world):
    world.refresh_image()
    ended = command("explain", sky)
    assert ended.code == 0
    assert "debian 12, 2026-11-20" in ended.out


def test_markdown_is_a_table(command):
    out = command("explain", "SIM", "toy", "--markdown").out
    assert out.startswith("### toy on SIM (vo.access.egi.eu)\n\n| CHOICE | TAKEN |")


@pytest.mark.parametrize("words", [("a", "b", "c"), ("nowhere", "toy"), ("SIM", "no-such")])
def test_what_cannot_be_explained_is_refused(command, words):
    assert command("explain", *words).code == 1
