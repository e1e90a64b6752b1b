"""orchestrator ssh"""

from __future__ import annotations

import os

import click

from orchestrator.cli import context
from orchestrator.errors import RequestError, SetupError


@click.command("ssh", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.option("--node", help="Which node, where there are several.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(*, name: str, node: str | None, arguments: tuple[str, ...]) -> None:
    """Log in to the deployment NAME, or run a command on it: orchestrator ssh NAME -- COMMAND"""
    _, deployment = context.existing(name)
    nodes = {found.name: found for found in deployment.nodes}
    chosen = nodes.get(node) if node else next(iter(nodes.values()), None)
    if chosen is None:
        raise RequestError(
            f"{name} has no node {node}" if node else f"{name} has no node yet",
            facts={"nodes": ", ".join(nodes) or "none", "phase": deployment.phase.value},
        )
    from orchestrator.drivers import ssh
    from orchestrator.workdir import Workdir

    workdir = Workdir(context.folders().deployments / deployment.id)
    workdir.require_key(name)
    argv = ssh.ssh_argv(chosen, workdir=workdir, command=arguments)
    # In our place, so that its terminal, signals and exit code are the person's own.
    try:
        os.execvp(argv[0], argv)
    except FileNotFoundError as error:
        raise SetupError(
            "there is no ssh on this machine", way_out=["apt-get install openssh-client"]
        ) from error
