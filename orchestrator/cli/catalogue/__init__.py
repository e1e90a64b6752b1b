"""orchestrator catalogue: what sites there are and what they offer, collected for later."""

from __future__ import annotations

import click

from orchestrator.cli.late import LateGroup

COMMANDS = {
    "collect": "orchestrator.cli.catalogue.collect",
    "show": "orchestrator.cli.catalogue.show",
    "search": "orchestrator.cli.catalogue.search",
    "diff": "orchestrator.cli.catalogue.diff",
}


@click.command("catalogue", cls=LateGroup, modules=COMMANDS)
def command() -> None:
    """Collect what sites offer; then look, search and compare without asking them."""
