"""The command and its subcommands, each loaded only when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

import click

from orchestrator import __version__
from orchestrator.cli import failures

# Ordered as a person meets them. Loading all of them would make `--version` and
# `list` pay for libraries that only a deployment needs.
COMMANDS = {
    "deploy": "orchestrator.cli.deploy",
    "explain": "orchestrator.cli.explain",
    "plan": "orchestrator.cli.plan",
    "apply": "orchestrator.cli.apply",
    "status": "orchestrator.cli.status",
    "list": "orchestrator.cli.list",
    "show": "orchestrator.cli.show",
    "logs": "orchestrator.cli.logs",
    "ssh": "orchestrator.cli.ssh",
    "destroy": "orchestrator.cli.destroy",
    "sites": "orchestrator.cli.sites",
    "discover": "orchestrator.cli.discover",
    "access": "orchestrator.cli.access",
    "usecases": "orchestrator.cli.usecases",
    "login": "orchestrator.cli.login",
    "logout": "orchestrator.cli.logout",
    "doctor": "orchestrator.cli.doctor",
}


class LateGroup(click.Group):
    """A group that imports a subcommand when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the module of a subcommand and return its ``command``."""
        if name not in COMMANDS:
            return None
        command: Any = importlib.import_module(COMMANDS[name]).command
        return command if isinstance(command, click.Command) else None


@click.command(cls=LateGroup)
@click.version_option(__version__, prog_name="orchestrator")
def cli() -> None:
    """Turn "this use case, on that site" into a running, checked, expiring deployment."""


def main() -> None:
    """Run the command and exit with the code its outcome has."""
    failures.run(cli)


if __name__ == "__main__":
    main()
