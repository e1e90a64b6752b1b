"""The tests' workflow on this machine: its archive, and its steps run one by one without Snakemake."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from orchestrator.paths import ANSIBLE_ROLES

STANDINS = Path(__file__).parent
SHAPE = STANDINS / "hi_friends_shape"
OVERLAY = ANSIBLE_ROLES / "hi_friends/files/laid_over"


def pack(target: Path) -> Path:
    """Make the archive of the workflow, with the stand-in for SoFiA in its folder `programs`."""
    with tarfile.open(target, "w:gz") as out:
        out.add(SHAPE, arcname="shape", filter=_without_caches)
        out.add(STANDINS / "programs", arcname="shape/programs", filter=_without_caches)
    return target


def _without_caches(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in info.name else info


class Workflow:
    """The workflow's folder as the role makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = f"{STANDINS / 'programs'}:{Path(sys.executable).parent}:/usr/bin:/bin"
        shutil.copytree(SHAPE, folder)
        own = folder / "workflow/scripts/sofia2cat.py"
        own.rename(own.with_name("sofia2cat.py.upstream"))
        shutil.copytree(OVERLAY, folder, dirs_exist_ok=True)

    def run(self, script: str, *arguments: object, code: int = 0) -> str:
        """Run a script of the workflow in its folder."""
        command = [sys.executable, f"workflow/scripts/{script}", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=self.folder, env={"PATH": self.path}, capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def step(self, name: str, *arguments: object) -> None:
        """Run one of the plain steps."""
        self.run("steps.py", name, *arguments)

    def sofia(self, index: int, *, code: int = 0) -> str:
        """Search one subcube."""
        given = ["-s", "4.0", "-f", "6.0", "-t", "0.4", "-r", "results/sofia", "-o", index]
        cube = f"interim/subcubes/subcube_{index}.fits"
        return self.run("run_sofia.py", "-p", "config/sofia_12.par", "-d", cube, *given, code=code)

    def catalogue(self, index: int) -> Path:
        """Return where SoFiA's catalogue of a subcube is."""
        return self.folder / f"results/sofia/{index}/subcube_{index}_cat.txt"

    def to_catalogue(self, index: int) -> Path:
        """Convert SoFiA's catalogue of a subcube."""
        given = ["--outname", index, "-r", "results/sofia", "--incatalog"]
        self.run("sofia2cat.py", *given, self.catalogue(index).relative_to(self.folder))
        return self.catalogue(index).with_name(f"subcube_{index}_final_catalog.csv")

    def split(self, cube: Path, index: int) -> None:
        """Cut a subcube out of the cube."""
        target = f"interim/subcubes/subcube_{index}.fits"
        self.step("split_subcube", cube, "results/coord.csv", index, target)

    def final_catalogue(self, cube: Path) -> str:
        """Run all of it, with four subcubes, and return the catalogue it ends with."""
        self.step("define_chunks", cube, 4, 0, "results/coord.csv")
        parts = []
        for index in range(4):
            self.split(cube, index)
            self.sofia(index)
            parts.append(self.to_catalogue(index))
        self.step("concatenate_catalogs", "results/all.csv", *parts)
        self.step("eliminate_duplicates", "results/all.csv", "results/unfiltered.csv")
        self.step("final_catalog", "results/unfiltered.csv", "results/final.csv")
        return (self.folder / "results/final.csv").read_text()
