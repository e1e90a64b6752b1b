"""orchestrator logs"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import context, terminal
from orchestrator.plaintext import one_line

if TYPE_CHECKING:
    from orchestrator.workdir import Workdir


@click.command("logs")
@click.argument("name")
@click.option("--phase", help="Only this phase: discover, plan, apply, configure, ...")
@click.option("--all", "every_run", is_flag=True, help="All runs, not only the last.")
@click.option("--raw", is_flag=True, help="What Terraform and Ansible themselves wrote in it, secrets struck out.")  # fmt: skip
@context.json_option
def command(*, name: str, phase: str | None, every_run: bool, raw: bool, as_json: bool) -> None:
    """Show what the last run on the deployment NAME did, line by line."""
    from orchestrator import runlogs
    from orchestrator.workdir import Workdir

    _, deployment = context.existing(name, destroyed=True)
    workdir = Workdir(context.folders().deployments / deployment.id)
    found = runlogs.runs(workdir)
    if not found:
        terminal.echo(f"{name} has no logs here.", err=True)
        return
    runs = found if every_run else found[-1:]
    if raw:
        _show_raw(workdir, [file for run in runs for file in runlogs.raw_of(workdir, run)])
        return
    for run in runs:
        for line in _lines(run, phase=phase):
            terminal.echo(json.dumps(line) if as_json else _text(line))


def _show_raw(workdir: Workdir, files: list[Path]) -> None:
    from orchestrator import reporting

    redact = reporting.redaction_of(
        workdir, known=context.known_secrets(), tokens=context.folders().tokens
    )
    for file in files:
        terminal.echo(f"--- {file.relative_to(workdir.path)}")
        terminal.echo(redact(file.read_text(encoding="utf-8", errors="replace")))


def _lines(run: Path, *, phase: str | None) -> Iterator[dict[str, Any]]:
    with run.open(encoding="utf-8") as file:
        for text in file:
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                # A killed run may end in half a line; it is shown as it is.
                line = {"phase": "?", "text": text.rstrip()}
            if phase in (None, line.get("phase")):
                yield line


def _text(line: dict[str, Any]) -> str:
    at = str(line.get("at", ""))[:19].replace("T", " ")
    head = f"{at}  {line.get('phase', ''):<10} {line.get('state', ''):<9} {line.get('text', '')}"
    details = [f"{'':<42}{'  '.join(pair)}" for pair in line.get("details") or ()]
    return "\n".join(map(one_line, [head.rstrip(), *details]))
