"""The command and its subcommands, each loaded only when it is asked for."""

from __future__ import annotations

import click

from orchestrator import __version__
from orchestrator.cli import failures
from orchestrator.cli.late import LateGroup

# Ordered as a person meets them. Loading all of them would make `--version` and
# `list` pay for libraries that only a deployment needs.
COMMANDS = {
    "deploy": "orchestrator.cli.deploy",
    "explain": "orchestrator.cli.explain",
    "plan": "orchestrator.cli.plan",
    "apply": "orchestrator.cli.apply",
    "open": "orchestrator.cli.open",
    "results": "orchestrator.cli.results",
    "verify": "orchestrator.cli.verify",
    "status": "orchestrator.cli.status",
    "list": "orchestrator.cli.list",
    "show": "orchestrator.cli.show",
    "logs": "orchestrator.cli.logs",
    "ssh": "orchestrator.cli.ssh",
    "secret": "orchestrator.cli.secret",
    "extend": "orchestrator.cli.extend",
    "expire": "orchestrator.cli.expire",
    "recover": "orchestrator.cli.recover",
    "adopt": "orchestrator.cli.adopt",
    "destroy": "orchestrator.cli.destroy",
    "volumes": "orchestrator.cli.volumes",
    "sweep": "orchestrator.cli.sweep",
    "report": "orchestrator.cli.report",
    "sites": "orchestrator.cli.sites",
    "discover": "orchestrator.cli.discover",
    "catalogue": "orchestrator.cli.catalogue",
    "access": "orchestrator.cli.access",
    "usecases": "orchestrator.cli.usecases",
    "usecase": "orchestrator.cli.usecase",
    "login": "orchestrator.cli.login",
    "logout": "orchestrator.cli.logout",
    "doctor": "orchestrator.cli.doctor",
}


@click.command(cls=LateGroup, modules=COMMANDS)
@click.version_option(__version__, prog_name="orchestrator")
def cli() -> None:
    """Turn "this use case, on that site" into a running, checked, expiring deployment."""


def main() -> None:
    """Run the command and exit with the code its outcome has."""
    failures.run(cli)


if __name__ == "__main__":
    main()
