"""A bundle for a ticket: what a deployment is, what happened, what went wrong, and no secret."""

from __future__ import annotations

import io
import json
import os
import platform
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from orchestrator import __version__, runlogs
from orchestrator.drivers.diagnostics import as_event, errors_among
from orchestrator.errors import SetupError
from orchestrator.model import Deployment
from orchestrator.redaction import Redaction
from orchestrator.store import Event
from orchestrator.workdir import Workdir

_LIBRARIES = ("ansible-core", "ansible-runner", "openstacksdk", "keystoneauth1", "python-terraform", "SQLAlchemy", "pytest-testinfra")  # fmt: skip
_RUNS = 10  # the last ones
_SIZE = 500_000  # of each file, its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a report."""

    name: str
    text: str


def redaction_of(
    workdir: Workdir, *, known: Iterable[str] = (), tokens: Path | None = None
) -> Redaction:
    """Return what strikes out the secrets of a deployment; ``known`` are others, ``tokens`` a folder of logins."""
    return Redaction([*known, *_kept_secrets(workdir), *(_kept_logins(tokens) if tokens else ())])


def gather(
    deployment: Deployment, events: Sequence[Event], *, workdir: Workdir, redact: Redaction
) -> list[Part]:
    """Return the files of a report, secrets struck out of each."""
    runs = runlogs.runs(workdir)[-_RUNS:]
    parts = [
        Part(name="record.json", text=_json(asdict(deployment))),
        Part(name="choices.txt", text=_choices(deployment)),
        Part(name="events.txt", text=_events(events)),
        Part(name="versions.json", text=_json(_versions(deployment))),
        Part(name="plan.txt", text=_plan(workdir)),
        Part(name="errors.txt", text=_errors(deployment, workdir, runs)),
        *_run_files(workdir, runs),
    ]
    return [Part(name=one.name, text=redact(one.text)) for one in parts if one.text.strip()]


def write(target: Path, parts: Sequence[Part], *, at: datetime) -> None:
    """Write a report for its owner alone; what is there already is not overwritten."""
    folder = target.name.removesuffix(".gz").removesuffix(".tar")
    try:
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as bundle:
            for part in parts:
                content = part.text.encode()
                member = tarfile.TarInfo(f"{folder}/{part.name}")
                member.size, member.mode, member.mtime = len(content), 0o600, int(at.timestamp())
                bundle.addfile(member, io.BytesIO(content))
    except OSError as error:
        raise SetupError(
            f"the report cannot be written to {target}: {error.strerror}",
            way_out=["name another place: --output FILE.tar.gz"],
        ) from error


# --- what is secret


def _kept_secrets(workdir: Workdir) -> Iterator[str]:
    """Yield the secrets of a work folder: passwords, and the private key line by line."""
    files = [*workdir.secrets.glob("*.secret"), workdir.private_key]
    for file in files:
        if file.is_file():
            yield file.read_text(encoding="utf-8", errors="replace")


def _kept_logins(folder: Path) -> Iterator[str]:
    """Yield every long value of the kept logins; addresses are no secret."""
    for file in folder.glob("*"):
        if file.is_file():
            for text in _texts(file.read_text(encoding="utf-8", errors="replace")):
                if len(text) >= 16 and not text.startswith("http"):
                    yield text


def _texts(content: str) -> Iterator[str]:
    try:
        todo: list[Any] = [json.loads(content)]
    except ValueError:
        todo = [content]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, list):
            todo += one


# --- the files


def _json(value: object) -> str:
    return json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n"


def _choices(deployment: Deployment) -> str:
    lines = []
    for one in deployment.selection.choices if deployment.selection else ():
        lines.append(f"{one.key}: {one.label}")
        lines.append(f"    {one.reason} (of {one.candidates}; {one.confidence}, {one.origin})")
        lines += [f"    not {rival.label}: {rival.why_not}" for rival in one.rivals]
    return "".join(f"{line}\n" for line in lines)


def _events(events: Sequence[Event]) -> str:
    return "".join(f"{one.at:%Y-%m-%d %H:%M:%S}  {one.phase:<10} {one.text}\n" for one in events)


def _versions(deployment: Deployment) -> dict[str, object]:
    return {
        "when it was planned": dict(deployment.versions),
        "now": {
            "orchestrator": __version__,
            "python": platform.python_version(),
            "system": platform.platform(),
            **{name: _version(name) for name in _LIBRARIES},
        },
    }


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def _plan(workdir: Workdir) -> str:
    """Return what the last plan would have done, from Terraform's own events."""
    plans = sorted(workdir.runs.glob("*-terraform-plan.jsonl"))
    lines = []
    for line in _lines(plans[-1]) if plans else ():
        event = as_event(line) or {}
        if event.get("type") == "planned_change":
            change = event.get("change") or {}
            lines.append(f"{change.get('action')}  {(change.get('resource') or {}).get('addr')}")
        elif event.get("type") == "change_summary":
            lines.append(str(event.get("@message", "")))
    return "".join(f"{line}\n" for line in lines)


def _errors(deployment: Deployment, workdir: Workdir, runs: Sequence[Path]) -> str:
    """Return how each run failed, and the complaints of Terraform that are behind it."""
    lines = [f"the last run failed: {deployment.failure}"] if deployment.failure else []
    for run in runs:
        failed = (line for line in _lines(run) if '"state": "failed"' in line)
        lines += [f"{run.name}: {line}" for line in failed]
        for file in runlogs.raw_of(workdir, run):
            told = (event for line in _lines(file) if (event := as_event(line)))
            lines += [f"{file.name}: {json.dumps(one)}" for one in errors_among(told)]
    return "".join(f"{line}\n" for line in lines)


def _run_files(workdir: Workdir, runs: Sequence[Path]) -> Iterator[Part]:
    for run in runs:
        yield Part(name=f"runs/{run.name}", text=runlogs.tail(run, _SIZE))
        for file in runlogs.raw_of(workdir, run):
            name = f"{file.parent.name}.txt" if file.name == "stdout" else file.name
            yield Part(name=f"runs/{name}", text=runlogs.tail(file, _SIZE))


def _lines(file: Path) -> list[str]:
    return runlogs.tail(file, _SIZE).splitlines()
