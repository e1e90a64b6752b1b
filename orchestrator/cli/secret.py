"""orchestrator secret"""

from __future__ import annotations

import click

from orchestrator.cli import context, terminal


@click.command("secret")
@click.argument("name")
@click.argument("key")
def command(*, name: str, key: str) -> None:
    """Print the secret KEY of the deployment NAME: a password that was made for it."""
    terminal.echo(context.visit(name).secret(key))
