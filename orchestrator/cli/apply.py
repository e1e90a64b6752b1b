"""orchestrator apply"""

from __future__ import annotations

import click

from orchestrator.cli import context, interrupts, show, terminal, views


@click.command("apply")
@click.argument("name")
@context.json_option
def command(*, name: str, as_json: bool) -> None:
    """Apply the saved plan of the deployment NAME, then configure and check it."""
    with interrupts.safe_stop() as stop, views.pick(as_json=as_json) as view:
        outcome = context.deployer(view, stop=stop).apply(name)
    terminal.echo(show.outcome(outcome, as_json=as_json))
