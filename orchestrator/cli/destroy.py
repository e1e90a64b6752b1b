"""orchestrator destroy"""

from __future__ import annotations

import json

import click

from orchestrator.cli import context, interrupts, terminal, views
from orchestrator.cli.values import as_value


@click.command("destroy")
@click.argument("name")
@click.option("--delete-data", is_flag=True, help="Delete its data volume too, which is kept otherwise.")  # fmt: skip
@context.json_option
def command(*, name: str, delete_data: bool, as_json: bool) -> None:
    """Remove the deployment NAME from its site, and its files from here but the record.

    A data volume that was made with it is kept there.
    """
    with interrupts.safe_stop() as stop, views.pick(as_json=as_json) as view:
        gone = context.deployer(view, stop=stop).destroy(name, delete_data=delete_data)
    if as_json:
        terminal.echo(json.dumps({"event": "result", **as_value(gone)}))
    else:
        terminal.echo(f"\n{gone.name} is gone: nothing of it is left at {gone.site}{' but its data' if gone.kept else ''}.")  # fmt: skip
        for volume in gone.kept:
            terminal.echo(f"  kept     the volume {volume.name}, {volume.size_gb} GB")
            terminal.echo(f"  use      orchestrator deploy ... --site {gone.site} --set volume={volume.id}")  # fmt: skip
            terminal.echo(f"  delete   orchestrator volumes --delete {volume.id}")
