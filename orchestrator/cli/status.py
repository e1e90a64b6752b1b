"""orchestrator status"""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime

import click

from orchestrator.cli import context, show, tables
from orchestrator.cli.values import as_value
from orchestrator.lifecycle import Phase
from orchestrator.model import Node

_TIMEOUT_SECONDS = 3.0


@click.command("status")
@click.argument("name")
@context.json_option
def command(*, name: str, as_json: bool) -> int:
    """Show how the deployment NAME is and whether its nodes answer; exit code 6 when not."""
    _, deployment = context.existing(name, destroyed=True)
    answers = {node.name: _answers(node) for node in deployment.nodes}
    if as_json:
        click.echo(json.dumps({**as_value(deployment), "answers": answers}))
    else:
        click.echo(tables.render(show.HEADINGS, [show.row(deployment, now=datetime.now(UTC))]))
        for node, answer in answers.items():
            click.echo(f"  {node}: {'SSH answers' if answer else 'SSH does not answer'}")
        if deployment.failure:
            click.echo(f"  the last run failed: {deployment.failure}")
    well = deployment.phase in (Phase.READY, Phase.DESTROYED) and all(answers.values())
    return 0 if well else 6


def _answers(node: Node) -> bool:
    try:
        with socket.create_connection((node.address, node.port), timeout=_TIMEOUT_SECONDS):
            return True
    except OSError:
        return False
