"""The steps that are laid over HI-FRIENDS, in the tests' own workflow and with the stand-in for SoFiA."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.paths import ANSIBLE_ROLES

STANDINS = Path(__file__).parents[2] / "standins"
OVERLAY = ANSIBLE_ROLES / "hi_friends/files/overlay"


class Workflow:
    """The workflow's folder as the role makes it, whose steps are run one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = f"{STANDINS / 'programs'}:{Path(sys.executable).parent}:/usr/bin:/bin"
        shutil.copytree(STANDINS / "hi_friends_shape", folder)
        own = folder / "workflow/scripts/sofia2cat.py"
        own.rename(own.with_name("sofia2cat.py.upstream"))
        shutil.copytree(OVERLAY, folder, dirs_exist_ok=True)

    def run(self, script: str, *arguments: object, code: int = 0) -> str:
        command = [sys.executable, f"workflow/scripts/{script}", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=self.folder, env={"PATH": self.path}, capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def step(self, name: str, *arguments: object) -> None:
        self.run("steps.py", name, *arguments)

    def sofia(self, index: int, *, code: int = 0) -> str:
        given = ["-s", "4.0", "-f", "6.0", "-t", "0.4", "-r", "results/sofia", "-o", index]
        cube = f"interim/subcubes/subcube_{index}.fits"
        return self.run("run_sofia.py", "-p", "config/sofia_12.par", "-d", cube, *given, code=code)

    def catalogue(self, index: int) -> Path:
        return self.folder / f"results/sofia/{index}/subcube_{index}_cat.txt"


@pytest.fixture
def workflow(tmp_path) -> Workflow:
    return Workflow(tmp_path / "workflow")


@pytest.fixture
def split(workflow, program, tmp_path) -> Workflow:
    """A cube with galaxies in it, split in four, whose last part is noise alone."""
    cubes = program("hi_friends/files/make_cube.py")
    shape = cubes.Shape(40, 48)
    content, _ = cubes.make_cube(shape, 4, 3)
    (tmp_path / "cube.fits").write_bytes(content)
    workflow.step("define_chunks", tmp_path / "cube.fits", 4, 0, "results/coord.csv")
    for index in range(4):
        target = f"interim/subcubes/subcube_{index}.fits"
        workflow.step("split_subcube", tmp_path / "cube.fits", "results/coord.csv", index, target)
    last = workflow.folder / "interim/subcubes/subcube_3.fits"
    empty, _ = cubes.make_cube(cubes.Shape(20, 48), 0, 3)
    last.write_bytes(empty)
    return workflow


def to_catalogue(workflow: Workflow, index: int) -> list[str]:
    catalogue = f"results/sofia/{index}/subcube_{index}_cat.txt"
    workflow.run(
        "sofia2cat.py", "--outname", index, "-r", "results/sofia", "--incatalog", catalogue
    )
    made = workflow.folder / f"results/sofia/{index}/subcube_{index}_final_catalog.csv"
    return made.read_text().splitlines()


def test_the_stand_in_says_what_it_is(workflow):
    said = subprocess.run(
        [STANDINS / "programs/sofia", "--version"], capture_output=True, text=True, check=True
    )
    assert "not SoFiA-2" in said.stdout


def test_a_subcube_with_a_galaxy_gives_a_row(split):
    said = split.sofia(0)
    assert "1 sources above" in said
    head, row = to_catalogue(split, 0)
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
    assert to_catalogue(split, 3) == [
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
