"""orchestrator list"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from orchestrator.cli import context, show, tables, terminal
from orchestrator.cli.values import as_value


@click.command("list")
@click.option("--all", "destroyed", is_flag=True, help="Destroyed ones too.")
@context.json_option
def command(*, destroyed: bool, as_json: bool) -> None:
    """List your deployments."""
    found = context.store().all(owner=context.owner(), destroyed=destroyed)
    if as_json:
        terminal.echo(json.dumps([as_value(deployment) for deployment in found]))
        return
    if not found:
        terminal.echo("You have no deployments. Try: make deploy SITE=SANDBOX USECASE=docker")
        return
    now = datetime.now(UTC)
    rows = [show.row(deployment, now=now) for deployment in found]
    terminal.echo(tables.render(show.HEADINGS, rows))
