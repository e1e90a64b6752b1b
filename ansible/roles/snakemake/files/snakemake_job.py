#!/usr/bin/python3
"""Runs one Snakemake workflow to its end: fetch, inputs, environments, steps, each resumed where it stopped.

The standard library alone, since it runs with the system's Python (3.9 or newer). systemd starts
`run` as an unprivileged user; Ansible calls `fetch`; checks of the use case call `wait`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPEC = Path("/etc/snakemake-job.json")
UNIT = "snakemake-job.service"
STEPS = re.compile(r"(\d+) of (\d+) steps")
BLOCK = 1 << 20
PATIENCE = 60.0  # seconds that a silent server is waited for
ATTEMPTS = 8


class JobError(Exception):
    """The job cannot go on; its text says why."""


class Job:
    """A workflow as its description says, and the folders it lives in."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.home = Path(spec["home"])
        self.tree = self.home / "workflow"
        self.results = self.home / "results"
        self.notes = self.home / "job"

    @property
    def log(self) -> Path:
        """Where all that Snakemake says is kept; it is fetched with the results."""
        return self.results / "snakemake-job.log"

    @property
    def digest(self) -> str:
        """Tell one job from another: other settings or another workflow have to be run again."""
        asked = {name: value for name, value in self.spec.items() if name != "wait_seconds"}
        return digest_of(asked)

    @property
    def finished(self) -> bool:
        """Whether this very job has ended well."""
        return read(self.notes / "done") == self.digest

    def tell(self, text: str) -> None:
        """Say how far it is: the last line is what `orchestrator status` shows."""
        print(text, flush=True)
        write(self.notes / "progress", text + "\n")


# --- files


def read(path: Path) -> str:
    """Return the text of a file, nothing where there is none."""
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def write(path: Path, text: str) -> None:
    """Write a file so that a reader, and a reboot, sees all of it or what was there before."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)


def digest_of(value: Any) -> str:
    """Return a digest of a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the checksum of a file of any size."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while block := content.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


# --- the workflow itself


def wanted_workflow(job: Job) -> str:
    """Tell one workflow from another."""
    return digest_of([job.spec["workflow"], job.spec["files"]])


def is_fetched(job: Job) -> bool:
    """Tell whether the workflow that is in place is the one that is wanted."""
    return read(job.notes / "workflow") == wanted_workflow(job) and job.tree.is_dir()


def fetch(job: Job) -> None:
    """Put the workflow in place, beside the results of an earlier one."""
    job.notes.mkdir(exist_ok=True)
    fresh = job.home / "workflow.new"
    shutil.rmtree(fresh, ignore_errors=True)
    if job.spec["workflow"].get("git"):
        clone(job.spec["workflow"], fresh)
    else:
        unpack(archive(job), fresh)
    for name, text in job.spec["files"].items():
        lay_over(fresh / name, text)
    put_results_aside(job)
    link_results(job, fresh)
    (job.notes / "workflow").unlink(missing_ok=True)
    shutil.rmtree(job.tree, ignore_errors=True)
    fresh.rename(job.tree)
    write(job.notes / "workflow", wanted_workflow(job))


def lay_over(target: Path, text: str) -> None:
    """Write a file over the workflow; one of the workflow's own is kept beside, as NAME.upstream."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(target.with_name(target.name + ".upstream"))
    target.write_text(text, encoding="utf-8")


def clone(workflow: dict[str, Any], target: Path) -> None:
    """Clone a repository and check out exactly the commit that was asked for."""
    commit = workflow["commit"]
    git(["clone", "--quiet", "--no-checkout", "--", workflow["git"], str(target)])
    try:
        git(["-C", str(target), "checkout", "--quiet", "--detach", f"{commit}^{{commit}}"])
    except JobError as error:
        raise JobError(f"{workflow['git']} has no commit {commit}: {error}") from error


def git(arguments: list[str]) -> None:
    """Run git, which must not ask anybody anything."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", *arguments], env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise JobError(f"git {arguments[0]} failed: {last_line(done.stderr)}")


def archive(job: Job) -> Path:
    """Return the archive, downloaded where it is a URL, with the checksum that was asked for."""
    workflow = job.spec["workflow"]
    place, checksum = workflow["archive"], workflow["sha256"]
    if "://" not in place:
        if checksum and sha256_of(Path(place)) != checksum:
            raise JobError(f"{place} does not have the checksum {checksum}")
        return Path(place)
    target = job.notes / "archive"
    download(place, target, checksum, tell=job.tell)
    return target


def unpack(path: Path, target: Path) -> None:
    """Unpack an archive; a single folder around everything is left out."""
    if not path.is_file():
        raise JobError(f"the archive {path} is not there")
    target.mkdir()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as content:
            content.extractall(target)
    else:
        # GNU tar leaves out leading slashes and refuses `..`; Debian 12's tarfile does not.
        command = ["tar", "-xf", str(path), "-C", str(target), "--no-same-owner"]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise JobError(f"{path} is neither a zip nor a tar archive: {last_line(done.stderr)}")
    inside = list(target.iterdir())
    if len(inside) == 1 and inside[0].is_dir():
        inner = inside[0].rename(target.with_name(target.name + ".inner"))
        target.rmdir()
        inner.rename(target)


def put_results_aside(job: Job) -> None:
    """Keep the results of another workflow where the new ones do not mix with them."""
    if job.results.is_dir() and any(job.results.iterdir()):
        number = 1
        while (aside := job.home / f"results-{number}").exists():
            number += 1
        job.results.rename(aside)
    job.results.mkdir(exist_ok=True)


def link_results(job: Job, tree: Path) -> None:
    """Let the workflow write its results into the folder that is fetched."""
    inside = tree / job.spec["results"]
    if inside.is_dir():
        shutil.copytree(inside, job.results, dirs_exist_ok=True)
        shutil.rmtree(inside)
    inside.parent.mkdir(parents=True, exist_ok=True)
    inside.symlink_to(job.results)


# --- inputs


def download(url: str, target: Path, checksum: str, *, tell: Callable[[str], None]) -> None:
    """Download a file, going on where an earlier try ended, and compare its checksum."""
    if target.is_file() and (not checksum or sha256_of(target) == checksum):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            transfer(url, part, tell=tell)
            break
        except (OSError, urllib.error.URLError) as error:
            if attempt == ATTEMPTS or isinstance(error, urllib.error.HTTPError):
                raise JobError(f"{url} cannot be downloaded: {error}") from error
            tell(f"{target.name}: {error}; trying again")
            time.sleep(min(2.0**attempt, PATIENCE))
    found = sha256_of(part)
    if checksum and found != checksum:
        part.unlink()
        raise JobError(f"{url} has the checksum {found}, not {checksum}: nothing was kept of it")
    part.replace(target)


def transfer(url: str, part: Path, *, tell: Callable[[str], None]) -> None:
    """Transfer what is missing of a file."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            return  # nothing is missing
        raise
    with answer:
        if answer.status != 206:
            have = 0  # a server that knows no ranges starts from the beginning
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else 0
        require_room(part.parent, total - have, name=part.name)
        with part.open("r+b" if have else "wb") as out:
            out.seek(have)
            copy(answer, out, have, total, lambda text: tell(f"downloading {part.stem}: {text}"))


def copy(source: Any, out: Any, have: int, total: int, tell: Callable[[str], None]) -> None:
    """Copy a stream, saying now and then how far it is; raise OSError when it ends early."""
    told = 0.0
    while block := source.read(BLOCK):
        out.write(block)
        have += len(block)
        if time.monotonic() > told + 5:
            told = time.monotonic()
            tell(f"{have / 1e9:.1f} of {total / 1e9:.1f} GB" if total else f"{have / 1e9:.1f} GB")
    if have < total:
        raise OSError(f"the connection ended after {have} of {total} bytes")


def require_room(folder: Path, size: int, *, name: str) -> None:
    """Raise JobError when a file of this size does not fit."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise JobError(f"{name} needs {size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free")


# --- the run


def run(job: Job) -> int:
    """Bring the workflow to its end; return Snakemake's own exit code."""
    if job.finished:
        print("this job has ended well before: nothing to do")
        return 0
    (job.notes / "done").unlink(missing_ok=True)
    job.tell("started")
    for one in job.spec["inputs"]:
        target = job.home / "inputs" / one["path"]
        download(one["url"], target, one.get("sha256", ""), tell=job.tell)
    for argv in job.spec["before"]:
        require(job, argv)
    if (job.tree / ".snakemake" / "locks").is_dir():
        # Nothing else runs this workflow: a lock is of a run that was killed.
        require(job, snakemake(job, "--unlock"))
    if job.spec["conda"]:
        job.tell("making the environments of the rules")
        require(job, snakemake(job, "--conda-create-envs-only"))
    code, said = follow(job, snakemake(job))
    if code != 0:
        job.tell(f"failed after {steps_in(said) or 'no step'}: see {job.log}")
        return code
    if job.spec["report"]:
        # Without it the results are as good; the log says why there is none.
        follow(job, snakemake(job, "--report", str(job.results / job.spec["report"])))
    write(job.notes / "done", job.digest)
    job.tell(f"done: {steps_in(said) or 'nothing was left to do'}")
    return 0


def snakemake(job: Job, *more: str) -> list[str]:
    """Return Snakemake's command line."""
    spec = job.spec
    argv = [spec["snakemake"], "--snakefile", spec["snakefile"]]
    argv += ["--cores", str(spec["cores"] or os.cpu_count() or 1), "--rerun-incomplete"]
    if spec["config"]:
        argv += ["--configfile", str(job.notes / "config.json")]
    if spec["conda"]:
        argv += ["--use-conda", "--conda-frontend", "conda"]
        argv += ["--conda-prefix", str(job.home / "environments")]
    if spec["resources"]:
        argv += ["--resources", *(f"{name}={value}" for name, value in spec["resources"].items())]
    # An option that takes a list would take the targets too.
    return [*argv, "--printshellcmds", *spec["arguments"], *more, "--", *spec["targets"]]


def require(job: Job, argv: list[str]) -> None:
    """Run a program; raise JobError when it fails."""
    code, said = follow(job, argv)
    if code != 0:
        raise JobError(f"{Path(argv[0]).name} ended with {code}: {last_line(said)}")


def follow(job: Job, argv: list[str]) -> tuple[int, str]:
    """Run a program in the workflow's folder; keep what it says and tell its steps."""
    write(job.notes / "config.json", json.dumps(job.spec["config"], indent=2))
    said: list[str] = []
    with job.log.open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(argv)}\n")
        process = subprocess.Popen(
            argv,
            cwd=job.tree,
            env={**os.environ, "PATH": search_path(job)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert process.stdout is not None
        for line in process.stdout:
            said = [*said[-50:], line]
            log.write(line)
            log.flush()
            if steps := steps_in(line):
                job.tell(steps)
    return process.wait(), "".join(said)


def search_path(job: Job) -> str:
    """Return where programs are looked for; what is not absolute lies inside the workflow."""
    own = [str(job.tree / folder) for folder in job.spec["path"]]
    return os.pathsep.join([*own, os.environ["PATH"]])


def steps_in(text: str) -> str:
    """Return the last `n of m steps` of a text, nothing where there is none."""
    found = STEPS.findall(text)
    return "{} of {} steps".format(*found[-1]) if found else ""


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


# --- looking at it


def wait(job: Job, *, pause: float = 2.0, unit_state: Callable[[], str] | None = None) -> int:
    """Wait for the end for as long as the job's description says; 1 when it has failed."""
    state = unit_state or systemd_state
    deadline = time.monotonic() + job.spec["wait_seconds"]
    while not job.finished:
        progress = read(job.notes / "progress")
        if state() in ("failed", "inactive") and not job.finished:
            print(progress or "the job has not started")
            return 1
        if time.monotonic() > deadline:
            print(f"still running: {progress}")
            return 0
        time.sleep(pause)
    print(read(job.notes / "progress"))
    return 0


def systemd_state() -> str:
    """Return what systemd calls the state of the job's unit."""
    command = ["systemctl", "is-active", UNIT]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()


def main(arguments: list[str]) -> int:
    """Do what the first argument says."""
    job = Job(json.loads(SPEC.read_text(encoding="utf-8")))
    verb = arguments[0] if arguments else ""
    try:
        if verb == "state":
            print(json.dumps({"fetched": is_fetched(job), "finished": job.finished}))
            return 0
        if verb == "fetch":
            fetch(job)
            return 0
        if verb == "run":
            return run(job)
        if verb == "wait":
            return wait(job)
    except JobError as error:
        job.tell(f"failed: {error}")
        return 1
    print("usage: snakemake-job state|fetch|run|wait", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
