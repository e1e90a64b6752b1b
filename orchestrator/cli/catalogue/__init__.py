"""orchestrator catalogue: what is known about the sites, and how old it is."""

from __future__ import annotations

import click

from orchestrator.cli.late import LateGroup

COMMANDS = {
    "refresh": "orchestrator.cli.catalogue.refresh",
}


@click.command("catalogue", cls=LateGroup, modules=COMMANDS)
def command() -> None:
    """Renew what is known about the sites and their VOs, and look into it."""
