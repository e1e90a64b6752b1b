"""The steps that are laid over HI-FRIENDS, in the tests' own workflow and with the stand-in for SoFiA."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import load_program
from tests.standins.workflow import STANDINS, Workflow


@pytest.fixture
def workflow(tmp_path) -> Workflow:
    return Workflow(tmp_path / "workflow")


@pytest.fixture
def split(workflow, tmp_path) -> Workflow:
    """A cube with galaxies in it, split in four, whose last part is noise alone."""
    cubes = load_program("hi_friends/files/laid_over/orchestrator/make_cube.py")
    shape = cubes.Shape(40, 48)
    content, _ = cubes.make_cube(shape, 4, 3)
    (tmp_path / "cube.fits").write_bytes(content)
    workflow.step("define_chunks", tmp_path / "cube.fits", 4, 0, "results/coord.csv")
    for index in range(4):
        workflow.split(tmp_path / "cube.fits", index)
    last = workflow.folder / "interim/subcubes/subcube_3.fits"
    empty, _ = cubes.make_cube(cubes.Shape(20, 48), 0, 3)
    last.write_bytes(empty)
    return workflow


def test_the_stand_in_says_what_it_is(workflow):
    said = subprocess.run(
        [STANDINS / "programs/sofia", "--version"], capture_output=True, text=True, check=True
    )
    assert "not SoFiA-2" in said.stdout


def test_a_subcube_with_a_galaxy_gives_a_row(split):
    said = split.sofia(0)
    assert "1 sources above" in said
    head, row = split.to_catalogue(0).read_text().splitlines()
    assert head.split()[0] == "id_subcube"
    assert row.split()[-1] == "0"


def test_the_words_of_the_parameter_file_are_filled_in(split):
    split.sofia(1)
    text = (split.folder / "results/sofia/1/sofia.par").read_text()
    values = dict(
        (part.strip() for part in line.split("=")) for line in text.splitlines() if "=" in line
    )
    assert values["input.data"] == "interim/subcubes/subcube_1.fits"
    assert values["scfind.threshold"] == "4.0"
    assert values["output.directory"] == "results/sofia/1"
    assert values["output.filename"] == "subcube_1"


def test_a_subcube_of_noise_gives_a_catalogue_without_rows_and_no_traceback(split):
    assert "no source in interim/subcubes/subcube_3.fits" in split.sofia(3)
    assert split.catalogue(3).read_text().splitlines()[10].split()[:4] == ["#", "name", "id", "x"]
    assert split.to_catalogue(3).read_text().splitlines() == [
        "id_subcube ra dec hi_size line_flux_integral central_freq pa i w20 rms subcube"
    ]


def test_a_subcube_without_voxels_says_what_to_change(workflow):
    cube = workflow.folder / "interim/subcubes/subcube_0.fits"
    cube.parent.mkdir(parents=True)
    cards = [
        "SIMPLE  = T",
        "NAXIS   = 3",
        *(f"NAXIS{axis}  = {n}" for axis, n in ((1, 0), (2, 9), (3, 9))),
    ]
    cube.write_bytes("".join(card.ljust(80) for card in [*cards, "END"]).ljust(2880).encode())
    said = workflow.sofia(0, code=1)
    assert "has no voxels" in said
    assert "pixel_overlap=0" in said


def test_another_failure_of_sofia_is_kept(split):
    (split.folder / "bin").mkdir()
    broken = split.folder / "bin/sofia"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    split.path = f"{split.folder}/bin:{split.path}"
    assert "sofia ended with 3" in split.sofia(0, code=1)


def test_a_missing_sofia_is_named(split):
    split.path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    assert "no program `sofia`" in split.sofia(0, code=1)


def test_the_same_source_twice_is_one(workflow):
    rows = ["id_subcube ra dec hi_size line_flux_integral central_freq pa i w20 rms subcube"]
    rows += [
        f"1 {ra} -30.0 20 {flux} 1100000000.0 10 40 150 1 0"
        for ra, flux in ((180.0, 300), (180.001, 200), (180.01, 100))
    ]
    (workflow.folder / "both.csv").write_text("\n".join(rows) + "\n")
    workflow.step("eliminate_duplicates", "both.csv", "one.csv")
    kept = (workflow.folder / "one.csv").read_text().splitlines()
    assert [line.split()[4] for line in kept[1:]] == ["300", "100"]
