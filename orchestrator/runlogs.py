"""What the runs of a deployment wrote: their own logs, and what Terraform and Ansible said in them."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.workdir import Workdir

_NUMBER = re.compile(r"(\d{4,})-")


def runs(workdir: Workdir) -> list[Path]:
    """Return the logs of the runs, oldest first."""
    return sorted(workdir.runs.glob("*-run-*.jsonl"), key=_number)


def raw_of(workdir: Workdir, run: Path) -> list[Path]:
    """Return what outside programs wrote during a run, in the order in which they were started."""
    later = [_number(one) for one in runs(workdir) if _number(one) > _number(run)]
    end = min(later, default=None)
    written = sorted(workdir.runs.iterdir(), key=lambda one: (_number(one), one.name))
    found = []
    for file in written:
        if _number(file) > _number(run) and (end is None or _number(file) < end):
            # What Ansible printed lies where ansible-runner puts it; its file here only has the number.
            printed = workdir.path / "ansible" / "artifacts" / file.stem / "stdout"
            found.append(printed if printed.is_file() else file)
    return [file for file in found if file.stat().st_size]


def tail(file: Path, size: int) -> str:
    """Return the end of a file, from the beginning of a line."""
    with file.open("rb") as read:
        read.seek(0, 2)
        whole = read.tell() <= size
        read.seek(0 if whole else -size, 0 if whole else 2)
        text = read.read().decode("utf-8", errors="replace")
    return text if whole else f"[the beginning is left out]\n{text.partition(chr(10))[2]}"


def _number(file: Path) -> int:
    found = _NUMBER.match(file.name)
    return int(found[1]) if found else 0
