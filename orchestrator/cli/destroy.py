"""orchestrator destroy"""

from __future__ import annotations

import json

import click

from orchestrator.cli import context, interrupts, views
from orchestrator.cli.values import as_value


@click.command("destroy")
@click.argument("name")
@context.json_option
def command(*, name: str, as_json: bool) -> None:
    """Remove the deployment NAME from its site, and its files from here but the record."""
    with interrupts.safe_stop() as stop, views.pick(as_json=as_json) as view:
        gone = context.deployer(view, stop=stop).destroy(name)
    if as_json:
        click.echo(json.dumps({"event": "result", **as_value(gone)}))
    else:
        click.echo(f"\n{gone.name} is gone: nothing of it is left at {gone.site}.")
