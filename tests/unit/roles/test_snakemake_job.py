"""The program that runs a workflow on a node: what it fetches, how it goes on, how it ends."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import urllib.error
import zipfile
from pathlib import Path

import pytest

from tests.programs import load_program

# Stands where snakemake would: says steps as it does, fails when told, keeps its command line.
SNAKEMAKE = """#!/bin/sh
echo "$@" >>calls
case "$*" in *--unlock*) rm -rf .snakemake/locks; exit 0;; *--conda-create-envs-only*) exit 0;; esac
echo "1 of 3 steps (33%) done"
[ ! -e fail ] || { echo "Error in rule second:"; exit 1; }
mkdir -p results/catalogs; echo row >results/catalogs/final.csv
echo "3 of 3 steps (100%) done"
"""


@pytest.fixture
def job_program():
    return load_program("snakemake/files/snakemake_job.py")


@pytest.fixture
def make(job_program, tmp_path):
    """Make a job whose workflow is a small archive, unless told otherwise."""

    def job(**changes):
        home = tmp_path / "home"
        for folder in ("job", "results"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        snakemake = tmp_path / "snakemake"
        snakemake.write_text(SNAKEMAKE)
        snakemake.chmod(0o755)
        spec = {
            "home": str(home),
            "workflow": {"git": "", "commit": "", "archive": str(archive(tmp_path)), "sha256": ""},
            "files": {},
            "snakemake": str(snakemake),
            "snakefile": "workflow/Snakefile",
            "config": {},
            "targets": [],
            "resources": {},
            "arguments": [],
            "cores": 2,
            "conda": False,
            "path": [],
            "inputs": [],
            "before": [],
            "report": "",
            "results": "results",
            "wait_seconds": 0,
        }
        return job_program.Job({**spec, **changes})

    return job


def archive(folder: Path, name: str = "a.tar.gz", **files: str) -> Path:
    path = folder / name
    if not path.exists():
        with tarfile.open(path, "w:gz") as out:
            for file, text in {"workflow/Snakefile": "rule all:", **files}.items():
                info = tarfile.TarInfo(f"top/{file}")
                info.size = len(text)
                out.addfile(info, io.BytesIO(text.encode()))
    return path


def progress(job) -> str:
    return (job.notes / "progress").read_text().strip()


# --- fetching


def test_an_archive_is_put_in_place_without_its_outer_folder(job_program, make):
    job = make()
    assert not job_program.is_fetched(job)
    job_program.fetch(job)
    assert job_program.is_fetched(job)
    assert (job.tree / "workflow/Snakefile").read_text() == "rule all:"
    assert (job.tree / "results").resolve() == job.results


def test_a_zip_is_taken_too(job_program, make, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("workflow/Snakefile", "rule z:")
        out.writestr("README", "two things: no folder is left out")
    job = make(workflow={"git": "", "archive": str(tmp_path / "a.zip"), "sha256": ""})
    job_program.fetch(job)
    assert (job.tree / "workflow/Snakefile").read_text() == "rule z:"


def test_a_commit_is_checked_out_and_no_other(job_program, make, tmp_path):
    repository = tmp_path / "repository"

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = subprocess.run(
            ["git", "-C", str(repository), *who, *arguments], check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    (repository / "workflow").mkdir(parents=True)
    git("init", "--quiet")
    for text in ("first", "second"):
        (repository / "workflow/Snakefile").write_text(text)
        git("add", ".")
        git("commit", "--quiet", "--message", text)
    first = git("rev-parse", "HEAD~1")
    url = f"file://{repository}"
    for commit in (first, first[:7]):
        job = make(workflow={"git": url, "commit": commit})
        job_program.fetch(job)
        assert (job.tree / "workflow/Snakefile").read_text() == "first"
    job = make(workflow={"git": url, "commit": "0123456789"})
    with pytest.raises(job_program.JobError, match="has no commit 0123456789"):
        job_program.fetch(job)


@pytest.mark.parametrize("content", [b"", b"no archive"], ids=["empty", "text"])
def test_what_is_no_archive_is_told(job_program, make, tmp_path, content):
    (tmp_path / "bad").write_bytes(content)
    job = make(workflow={"git": "", "archive": str(tmp_path / "bad"), "sha256": ""})
    with pytest.raises(job_program.JobError, match="bad is"):
        job_program.fetch(job)
    assert not job_program.is_fetched(job)


def test_an_archive_with_another_checksum_is_refused(job_program, make, tmp_path):
    path = archive(tmp_path)
    job = make(workflow={"git": "", "archive": str(path), "sha256": "0" * 64})
    with pytest.raises(job_program.JobError, match="checksum"):
        job_program.fetch(job)


def test_a_file_that_is_replaced_is_kept_beside(job_program, make):
    job = make(files={"workflow/Snakefile": "rule ours:", "more/new": "text"})
    job_program.fetch(job)
    assert (job.tree / "workflow/Snakefile").read_text() == "rule ours:"
    assert (job.tree / "workflow/Snakefile.upstream").read_text() == "rule all:"
    assert (job.tree / "more/new").read_text() == "text"
    assert not job_program.is_fetched(make(files={"workflow/Snakefile": "rule other:"}))


def test_results_of_another_workflow_are_kept_and_do_not_mix(job_program, make, tmp_path):
    job = make()
    job_program.fetch(job)
    (job.results / "old").write_text("mine")
    other = archive(tmp_path, "b.tar.gz", README="other")
    job_program.fetch(make(workflow={"git": "", "archive": str(other), "sha256": ""}))
    assert (job.home / "results-1/old").read_text() == "mine"
    assert list(job.results.iterdir()) == []


# --- running


@pytest.fixture
def fetched(job_program, make):
    def fetch(**changes):
        job = make(**changes)
        job_program.fetch(job)
        return job

    return fetch


def test_a_run_ends_with_its_steps_and_is_not_run_again(job_program, fetched):
    job = fetched()
    assert job_program.run(job) == 0
    assert progress(job) == "done: 3 of 3 steps"
    assert (job.results / "catalogs/final.csv").is_file()
    assert "2 of 3" not in progress(job)
    assert "1 of 3 steps (33%) done" in job.log.read_text()
    assert job_program.run(job) == 0
    assert len((job.tree / "calls").read_text().splitlines()) == 1


def test_other_settings_are_another_job_but_a_longer_wait_is_not(job_program, fetched, make):
    job = fetched()
    job_program.run(job)
    assert make(wait_seconds=60).finished
    assert not make(cores=1).finished


def test_the_exit_code_is_that_of_snakemake(job_program, fetched):
    job = fetched()
    (job.tree / "fail").touch()
    assert job_program.run(job) == 1
    assert progress(job).startswith("failed after 1 of 3 steps")
    assert not job.finished
    (job.tree / "fail").unlink()
    assert job_program.run(job) == 0
    assert job.finished


def test_a_lock_of_a_killed_run_is_taken_away_first(job_program, fetched):
    job = fetched()
    (job.tree / ".snakemake/locks").mkdir(parents=True)
    assert job_program.run(job) == 0
    first, second = (job.tree / "calls").read_text().splitlines()
    assert "--unlock" in first
    assert "--rerun-incomplete" in second
    assert "--unlock" not in second


def test_the_command_line_says_all_that_was_asked_for(job_program, make):
    job = make(
        config={"threads": 4},
        resources={"bigfile": 1},
        targets=["all"],
        conda=True,
        cores=3,
        arguments=["--keep-going"],
    )
    line = " ".join(job_program.snakemake(job))
    assert "--cores 3 " in line
    assert f"--configfile {job.notes}/config.json" in line
    assert "--resources bigfile=1 --" in line
    assert "--use-conda --conda-frontend conda" in line
    assert line.endswith("--keep-going -- all")


def test_environments_are_made_before_the_first_step(job_program, fetched):
    job = fetched(conda=True)
    job_program.run(job)
    first, second = (job.tree / "calls").read_text().splitlines()
    assert "--conda-create-envs-only" in first
    assert "--conda-create-envs-only" not in second


def test_the_configuration_is_written_where_snakemake_reads_it(job_program, fetched):
    job = fetched(config={"incube": "/srv/a b.fits", "threads": 4})
    job_program.run(job)
    written = json.loads((job.notes / "config.json").read_text())
    assert written == {"incube": "/srv/a b.fits", "threads": 4}


def test_a_command_before_that_fails_ends_the_job(job_program, fetched):
    job = fetched(before=[["sh", "-c", "echo no such cube >&2; exit 3"]])
    with pytest.raises(job_program.JobError, match="sh ended with 3: no such cube"):
        job_program.run(job)
    assert not (job.tree / "calls").exists()


def test_a_report_is_made_at_the_end(job_program, fetched):
    job = fetched(report="report.html")
    assert job_program.run(job) == 0
    assert job.finished
    _run, report = (job.tree / "calls").read_text().splitlines()
    assert f"--report {job.results}/report.html" in report


def test_programs_inside_the_workflow_are_found(job_program, fetched, tmp_path):
    job = fetched(before=[["mytool"]], path=["bin", str(tmp_path / "absolute")])
    (job.tree / "bin").mkdir()
    shutil.copy("/bin/true", job.tree / "bin/mytool")
    assert job_program.run(job) == 0
    assert job_program.search_path(job).split(":")[1] == str(tmp_path / "absolute")


# --- inputs


class Answer(io.BytesIO):
    """A server's answer, which may end early."""

    def __init__(self, content: bytes, *, status: int, length: int) -> None:
        super().__init__(content)
        self.status = status
        self.headers = {"Content-Length": str(length)}


class Server:
    """A file behind a URL; it knows ranges unless told not to, and breaks off when told."""

    def __init__(self, content: bytes) -> None:
        self.content, self.ranges, self.breaks = content, True, [0]
        self.asked: list[str] = []

    def __call__(self, request, timeout):
        asked = request.headers.get("Range", "")
        self.asked.append(asked)
        start = int(asked[6:-1]) if asked and self.ranges else 0
        if start >= len(self.content):
            raise urllib.error.HTTPError(request.full_url, 416, "range", {}, None)
        rest = self.content[start:]
        cut = self.breaks.pop(0) if self.breaks else 0
        status = 206 if asked and self.ranges else 200
        return Answer(rest[:cut] if cut else rest, status=status, length=len(rest))


@pytest.fixture
def server(job_program, monkeypatch):
    made = Server(bytes(range(256)) * 20)
    monkeypatch.setattr(job_program.urllib.request, "urlopen", made)
    monkeypatch.setattr(job_program.time, "sleep", lambda _seconds: None)
    return made


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_download_goes_on_where_it_broke_off(job_program, server, tmp_path):
    server.breaks = [1000, 2000]
    target = tmp_path / "inputs/cube.fits"
    said: list[str] = []
    job_program.download("http://x/c", target, checksum(server.content), tell=said.append)
    assert target.read_bytes() == server.content
    assert server.asked == ["", "bytes=1000-", "bytes=3000-"]
    assert "trying again" in " ".join(said)
    job_program.download("http://x/c", target, checksum(server.content), tell=said.append)
    assert len(server.asked) == 3, "what is there is not asked for again"


def test_a_server_without_ranges_starts_from_the_beginning(job_program, server, tmp_path):
    server.ranges, server.breaks = False, [1000]
    target = tmp_path / "cube.fits"
    job_program.download("http://x/c", target, "", tell=lambda _text: None)
    assert target.read_bytes() == server.content


def test_a_download_that_was_complete_is_only_compared(job_program, server, tmp_path):
    (tmp_path / "cube.fits.part").write_bytes(server.content)
    target = tmp_path / "cube.fits"
    job_program.download("http://x/c", target, checksum(server.content), tell=lambda _text: None)
    assert target.read_bytes() == server.content


def test_a_wrong_checksum_leaves_nothing(job_program, server, tmp_path):
    with pytest.raises(job_program.JobError, match="nothing was kept"):
        job_program.download("http://x/c", tmp_path / "c", "0" * 64, tell=lambda _text: None)
    assert list(tmp_path.glob("c*")) == []


def test_a_file_that_does_not_fit_is_refused_before_it_is_downloaded(
    job_program, server, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        job_program.shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(9, 9, 1000)
    )
    with pytest.raises(job_program.JobError, match="needs 0.0 GB, 0.0 GB are free"):
        job_program.download("http://x/c", tmp_path / "c", "", tell=lambda _text: None)


def test_what_does_not_exist_is_not_asked_for_again(job_program, tmp_path, monkeypatch):
    asked = []

    def missing(request, timeout):
        asked.append(request.full_url)
        raise urllib.error.HTTPError(request.full_url, 404, "Not Found", {}, None)

    monkeypatch.setattr(job_program.urllib.request, "urlopen", missing)
    with pytest.raises(job_program.JobError, match="404"):
        job_program.download("http://x/c", tmp_path / "c", "", tell=lambda _text: None)
    assert len(asked) == 1


# --- waiting


def test_waiting_ends_well_with_the_job(job_program, fetched, capsys):
    job = fetched()
    job_program.run(job)
    assert job_program.wait(job, unit_state=lambda: "inactive") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "done: 3 of 3 steps"


def test_waiting_for_a_job_that_failed_ends_at_once_and_says_how_far_it_came(
    job_program, fetched, capsys
):
    job = fetched(wait_seconds=60)
    (job.tree / "fail").touch()
    job_program.run(job)
    assert job_program.wait(job, unit_state=lambda: "failed") == 1
    assert "failed after 1 of 3 steps" in capsys.readouterr().out.splitlines()[-1]


def test_a_job_that_takes_longer_than_the_wait_goes_on(job_program, fetched, capsys):
    job = fetched(wait_seconds=0)
    job.tell("1 of 3 steps")
    assert job_program.wait(job, unit_state=lambda: "active") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "still running: 1 of 3 steps"


# --- its command line


def test_the_program_tells_its_state_and_keeps_why_it_failed(
    job_program, make, tmp_path, monkeypatch, capsys
):
    job = make()
    monkeypatch.setattr(job_program, "SPEC", tmp_path / "spec.json")
    job_program.SPEC.write_text(json.dumps(job.spec))
    assert job_program.main(["state"]) == 0
    assert json.loads(capsys.readouterr().out) == {"fetched": False, "finished": False}
    assert job_program.main(["fetch"]) == 0
    assert job_program.main(["run"]) == 0
    capsys.readouterr()
    job_program.main(["state"])
    assert json.loads(capsys.readouterr().out) == {"fetched": True, "finished": True}
    assert job_program.main(["dance"]) == 2
    job.spec["workflow"]["archive"] = str(tmp_path / "gone")
    job_program.SPEC.write_text(json.dumps(job.spec))
    assert job_program.main(["fetch"]) == 1
    assert "gone is not there" in progress(job)
