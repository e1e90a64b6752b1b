"""orchestrator usecase"""

from __future__ import annotations

import click

from orchestrator import newusecase
from orchestrator.cli import context


@click.group("usecase")
def command() -> None:
    """Make use cases of your own."""


@command.command("new")
@click.argument("name")
def new(*, name: str) -> None:
    """Make a use case NAME that works as it is: a folder of yours, to be changed step by step."""
    made = newusecase.make(name, context.folders().config)
    click.echo(f"{made.folder}")
    click.echo("  usecase.yaml    what it needs, takes, opens and checks; its comments explain")
    click.echo("  playbook.yml    what is set up on the machine")
    click.echo(f"  try             make deploy SITE=SANDBOX USECASE={name}")
