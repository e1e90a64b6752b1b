"""HI-FRIENDS' use case on the sandbox, killed and rebooted halfway: the known galaxies are found all the same.

The sandbox does not reach conda-forge: the workflow and `sofia` are the tests' own, see tests/standins.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from openstack.connection import Connection

from tests.e2e.people import Person, at_the_site
from tests.programs import load_program
from tests.standins.workflow import Workflow, pack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NAME = "galaxies"
CHECK = {"check_pixels": 48, "check_channels": 64, "check_sources": 8, "check_found": 0.75}


def deploy(archive: Path) -> list[str]:
    """The command line of the use case with the tests' workflow."""
    parameters = {
        "profile": "check",
        "archive": archive,
        "snakemake_backend": "pip",
        "snakemake_path": "[programs]",
        **CHECK,
    }
    given = [part for key, value in parameters.items() for part in ("--param", f"{key}={value}")]
    return ["deploy", "hi_friends", "--site", "SANDBOX", "--name", NAME, *given]


# On the node itself: from here a look takes seconds, and the workflow is over soon.
KILL_HALFWAY = """
until grep -qE '^([4-9]|1[0-3]) of' /srv/snakemake/job/progress; do sleep 0.3; done
sudo systemctl kill --signal=KILL snakemake-job
cat /srv/snakemake/job/progress
sudo systemctl --no-block reboot
"""


def has_begun(person: Person) -> bool:
    """Whether the job is there, whose first step is still to come."""
    progress = ["cat", "/srv/snakemake/job/progress"]
    return bool(person.run("ssh", NAME, "--", *progress, code=None).stdout.strip())


def test_a_workflow_killed_halfway_and_rebooted_ends_the_same(
    person: Person, admin: Connection, tmp_path: Path
):
    before = at_the_site(admin)
    archive = pack(tmp_path / "workflow.tar.gz")
    text = person.run(
        "deploy", "hi_friends", "--site", "SANDBOX", "--param", "num_subcubes=5", code=1
    )
    assert "5 is not a square number" in text.stderr
    assert at_the_site(admin) == before

    process = person.start(*deploy(archive))
    deadline = time.monotonic() + 1800
    while not has_begun(person):
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(2)
    said = person.run("ssh", NAME, "--", KILL_HALFWAY, code=None, timeout=900).stdout
    halfway = re.search(r"^(\d+) of 18 steps", said, re.M)
    assert halfway, said
    assert int(halfway[1]) < 18
    # It waits for the workflow, on a machine that goes away: it fails, or goes on to wait.
    process.communicate(timeout=1800)
    assert process.returncode in (0, 6)

    person.run(*deploy(archive), timeout=1800)
    status = person.run("status", NAME).stdout
    left = re.search(r"done: (\d+) of (\d+) steps", status)
    assert left, status
    assert int(left[1]) == int(left[2]) < 18, "it did not go on, it began anew"

    fetched = tmp_path / "results"
    person.run("results", NAME, str(fetched))
    (catalogue,) = fetched.rglob("final_catalog.csv")
    here = numbers(undisturbed(tmp_path))
    assert len(here) == 8
    assert numbers(catalogue.read_text()) == [pytest.approx(row, rel=1e-5) for row in here]
    for name in ("output_params_distribution.png", "sdc2_hi-friends.ipynb", "report.html"):
        assert len(list(fetched.rglob(name))) == 1, name
    (log,) = fetched.rglob("snakemake-job.log")
    assert "--unlock" in log.read_text()

    checks = person.run("verify", NAME, timeout=1800).stdout
    assert re.search(r"[78] of 8 known galaxies found", checks), checks
    again = person.run(*deploy(archive), "--configure", timeout=1800).stdout
    assert "0 changed" in again
    person.run("destroy", NAME)
    assert at_the_site(admin) == before


def undisturbed(folder: Path) -> str:
    """The catalogue of the same cube and workflow, run here in one go."""
    cube = folder / "cube.fits"
    sides = [f"--{key}={CHECK[f'check_{key}']}" for key in ("pixels", "channels", "sources")]
    load_program("hi_friends/files/laid_over/orchestrator/make_cube.py").main(
        [str(cube), str(folder / "truth"), *sides]
    )
    return Workflow(folder / "undisturbed").final_catalogue(cube)


def numbers(table: str) -> list[list[float]]:
    """The rows of a table; the last digits depend on what a processor can do."""
    return [[float(field) for field in line.split()] for line in table.splitlines()[1:]]
