"""orchestrator catalogue: what is known about the sites and what they offer, and how old it is."""

from __future__ import annotations

import click

from orchestrator.cli.late import LateGroup

COMMANDS = {
    "refresh": "orchestrator.cli.catalogue.refresh",
    "collect": "orchestrator.cli.catalogue.collect",
    "show": "orchestrator.cli.catalogue.show",
    "search": "orchestrator.cli.catalogue.search",
    "diff": "orchestrator.cli.catalogue.diff",
}


@click.command("catalogue", cls=LateGroup, modules=COMMANDS)
def command() -> None:
    """Renew what is known about the sites and what they offer, and look into it without asking them."""
