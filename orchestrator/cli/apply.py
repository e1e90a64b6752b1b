"""orchestrator apply"""

from __future__ import annotations

import json

import click

from orchestrator.cli import context, interrupts, show, views
from orchestrator.cli.values import as_value


@click.command("apply")
@click.argument("name")
@context.json_option
def command(*, name: str, as_json: bool) -> None:
    """Apply the saved plan of the deployment NAME, then configure and check it."""
    with interrupts.safe_stop() as stop, views.pick(as_json=as_json) as view:
        outcome = context.deployer(view, stop=stop).apply(name)
    if as_json:
        value = {"event": "result", "changed": outcome.changed, **as_value(outcome.deployment)}
        click.echo(json.dumps(value))
    else:
        click.echo(show.after_deploy(outcome))
