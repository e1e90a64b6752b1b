"""orchestrator usecase"""

from __future__ import annotations

import click

from orchestrator import newusecase
from orchestrator.cli import context, terminal


@click.group("usecase")
def command() -> None:
    """Make use cases of your own."""


@command.command("new")
@click.argument("name")
def new(*, name: str) -> None:
    """Make a use case NAME that works as it is: a folder of yours, to be changed step by step."""
    made = newusecase.make(name, context.folders().config)
    terminal.echo(f"{made.folder}")
    terminal.echo("  usecase.yaml    what it needs, takes, opens and checks; its comments explain")
    terminal.echo("  playbook.yml    what is set up on the machine")
    terminal.echo(f"  try             make deploy SITE=SANDBOX USECASE={name}")
