"""orchestrator report"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from orchestrator.cli import context, terminal


@click.command("report")
@click.argument("name")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.  [default: orchestrator-report-NAME-TIME.tar.gz here]")  # fmt: skip
@context.json_option
def command(*, name: str, output: Path | None, as_json: bool) -> None:
    """Gather what a ticket about the deployment NAME needs into one file, without secrets.

    Its record and choices, what happened, the logs of its runs, versions and errors; no token, key
    or password. Look into it before you send it: names and addresses stay as they are.
    """
    from orchestrator import reporting
    from orchestrator.workdir import Workdir

    store, deployment = context.existing(name, destroyed=True)
    workdir = Workdir(context.folders().deployments / deployment.id)
    redact = reporting.redaction_of(
        workdir, known=context.known_secrets(), tokens=context.folders().tokens
    )
    parts = reporting.gather(deployment, store.events(deployment), workdir=workdir, redact=redact)
    now = datetime.now(UTC)
    target = output or Path(f"orchestrator-report-{name}-{now:%Y%m%d-%H%M%S}.tar.gz")
    reporting.write(target, parts, at=now)
    if as_json:
        files = [part.name for part in parts]
        terminal.echo(json.dumps({"report": str(target.absolute()), "files": files}))
        return
    terminal.echo("\n".join([str(target.absolute()), *(f"  {part.name}" for part in parts)]))
