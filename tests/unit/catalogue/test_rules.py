"""Rules of a use case: what is refused before anything is made, and in which words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import TypeAdapter

from orchestrator.catalogue.rulefile import RuleFile
from orchestrator.catalogue.rules import check_rules
from orchestrator.errors import RequestError
from orchestrator.model import ImageNeed, Need, Rule

NEED = Need(vcpus=2, ram_mb=4096, disk_gb=12, image=ImageNeed(distribution="debian", version="12"))
GB = 1000**3
ROOM = {
    "kind": "room",
    "parameter": "cube",
    "or_gb": "cube_gb",
    "disk_times": 2.2,
    "disk_plus_gb": 4,
}
HEADER = {
    "kind": "fits_header",
    "parameter": "cube",
    "keys": ["CTYPE3", "BMAJ"],
    "values": {"CTYPE3": ["FREQ", "VRAD"]},
    "equal": ["NAXIS1", "NAXIS2"],
}


def broken(rule: dict, need: Need = NEED, **parameters) -> dict[str, str]:
    """What a rule complains about."""
    read = TypeAdapter(RuleFile).validate_python(rule)
    use_case = SimpleNamespace(
        name="toy", parameters=(), rules=(Rule(kind=read.kind, settings=read.settings),)
    )
    try:
        check_rules(use_case, parameters, need)  # type: ignore[arg-type]
    except RequestError as error:
        return error.facts
    return {}


def fits(path: Path, *cards: str) -> str:
    text = "".join(card.ljust(80) for card in ("SIMPLE  = T", *cards, "END"))
    path.write_bytes(text.ljust(2880).encode())
    return str(path)


@pytest.mark.parametrize("number", [0, 1, 4, 36, 10_000])
def test_a_square_number_is_taken(number):
    assert broken({"kind": "square", "parameter": "n"}, n=number) == {}


@pytest.mark.parametrize(("number", "near"), [(35, "25 or 36"), (2, "1 or 4"), (-4, "1 or 4")])
def test_another_number_is_refused_with_those_that_are_near(number, near):
    facts = broken({"kind": "square", "parameter": "n"}, n=number)
    assert facts == {"n": f"{number} is not a square number; {near} is"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"git": "g", "zip": ""}, {}),
        ({"git": "", "zip": ""}, {"git, zip": "one of them is needed"}),
        ({"git": "g", "zip": "z"}, {"git, zip": "only one of them: git and zip are given"}),
    ],
)
def test_exactly_one_of_several_is_wanted(given, said):
    assert broken({"kind": "one_of", "parameters": ["git", "zip"]}, **given) == said


def test_what_belongs_together_is_given_together():
    rule = {"kind": "together", "parameters": ["git", "commit"]}
    assert broken(rule, git="", commit="") == {}
    assert broken(rule, git="g", commit="c") == {}
    assert broken(rule, git="g", commit="") == {"commit": "is needed with git"}


def test_a_rule_holds_for_some_values_alone_and_says_why():
    rule = {
        "kind": "allowed",
        "parameter": "overlap",
        "values": [0],
        "when": {"backend": ["pip"]},
        "because": "edges are empty",
    }
    assert broken(rule, overlap=10, backend="miniforge") == {}
    assert broken(rule, overlap=0, backend="pip") == {}
    said = broken(rule, overlap=10, backend="pip")
    assert said == {"overlap": "10 is none of 0 with backend=pip (edges are empty)"}


def test_a_cube_with_the_wanted_header_is_taken(tmp_path):
    path = fits(
        tmp_path / "c", "CTYPE3  = 'FREQ'", "BMAJ = 1", "NAXIS1  = 9", "NAXIS2  = 9", "BMAJ    = 1."
    )
    assert broken(HEADER, cube=path) == {}
    assert broken(HEADER, cube="") == {}


def test_all_that_is_wrong_with_a_header_is_told_at_once(tmp_path):
    path = fits(tmp_path / "c", "CTYPE3  = 'WAVE'", "NAXIS1  = 9", "NAXIS2  = 8")
    said = broken(HEADER, cube=path)["cube"]
    assert path in said
    assert "BMAJ is missing" in said
    assert "CTYPE3 is 'WAVE', not FREQ or VRAD" in said
    assert "NAXIS1 is 9, NAXIS2 is 8: not the same" in said


def test_what_is_no_cube_is_refused(tmp_path):
    (tmp_path / "c").write_text("hello")
    assert "is no FITS file" in broken(HEADER, cube=str(tmp_path / "c"))["cube"]


def test_room_is_compared_with_the_size_of_a_local_file(tmp_path):
    path = tmp_path / "cube"
    with path.open("wb") as out:
        out.truncate(3 * GB)  # sparse
    said = broken(ROOM, cube=str(path), cube_gb=0)["disk"]
    assert said == "an input of 3.0 GB wants 11 GB of disk, there are 8 GB beside the system"
    with path.open("wb") as out:
        out.truncate(GB)
    assert broken(ROOM, cube=str(path), cube_gb=0) == {}


def test_room_is_compared_with_the_size_that_was_told():
    large = Need(vcpus=8, ram_mb=8192, disk_gb=12, volume_gb=60, image=NEED.image)
    assert broken(ROOM, large, cube="", cube_gb=10) == {}
    assert "on the volume" in broken(ROOM, large, cube="", cube_gb=40)["disk"]
    assert broken(ROOM, cube="", cube_gb=0) == {}, "nothing is known"


def test_memory_is_wanted_for_one_part_at_a_time():
    rule = ROOM | {"disk_times": 0, "ram_times": 4, "ram_divided_by": "n", "ram_plus_gb": 2}
    assert broken(rule, cube="", cube_gb=10, n=36) == {}
    said = broken(rule, cube="", cube_gb=10, n=4)["memory"]
    assert said == "an input of 10.0 GB in 4 parts wants 12.0 GB of memory, there are 4 GB"
    assert broken(rule | {"ram_parts": 36}, cube="", cube_gb=10, n=0) == {}


def test_a_rule_names_the_parameters_it_speaks_of():
    read = TypeAdapter(RuleFile).validate_python(ROOM | {"when": {"profile": ["big"]}})
    assert sorted(read.names) == ["cube", "cube_gb", "profile"]
    read = TypeAdapter(RuleFile).validate_python({"kind": "one_of", "parameters": ["a", "b"]})
    assert read.names == ["a", "b"]


def test_a_file_that_is_gone_from_here_was_looked_at_before():
    assert broken(HEADER, cube="/nowhere/cube.fits") == {}
    assert broken(ROOM, cube="/nowhere/cube.fits", cube_gb=0) == {}
