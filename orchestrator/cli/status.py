"""orchestrator status"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from orchestrator.cli import context, show, tables, terminal
from orchestrator.cli.values import as_value
from orchestrator.errors import OrchestratorError
from orchestrator.lifecycle import Phase
from orchestrator.model import Deployment


@click.command("status")
@click.argument("name")
@context.json_option
def command(*, name: str, as_json: bool) -> int:
    """Show how the deployment NAME is and whether its nodes answer; exit code 6 when not."""
    _, deployment = context.existing(name, destroyed=True)
    answers = _answers(deployment)
    image = _image(deployment)
    lines = _lines(deployment, answers)
    if as_json:
        value = {**as_value(deployment), "answers": answers, "image": image, "status": lines}
        terminal.echo(json.dumps(value))
    else:
        terminal.echo(tables.render(show.HEADINGS, [show.row(deployment, now=datetime.now(UTC))]))
        for node, answer in answers.items():
            terminal.echo(f"  {node}: {'SSH answers' if answer else 'SSH does not answer'}")
        for title, text in lines.items():
            terminal.echo(f"  {title}: {text}")
        if image:
            terminal.echo(f"  image: {image}")
        if deployment.failure:
            terminal.echo(f"  the last run failed: {deployment.failure}")
    well = deployment.phase in (Phase.READY, Phase.DESTROYED) and all(answers.values())
    return 0 if well else 6


def _answers(deployment: Deployment) -> dict[str, bool]:
    """Return for each node whether its SSH answers, from here or from what leads to it."""
    if not deployment.nodes:
        return {}
    from orchestrator.drivers.hops import answering_ports
    from orchestrator.workdir import Workdir

    workdir = Workdir(context.folders().deployments / deployment.id)
    env = context.child_environment()
    return {
        node.name: bool(answering_ports(node, [node.port], workdir=workdir, env=env))
        for node in deployment.nodes
    }


def _lines(deployment: Deployment, answers: dict[str, bool]) -> dict[str, str]:
    """Return what the use case tells of its state, asked of a machine that answers."""
    if deployment.phase is not Phase.READY or not all(answers.values()):
        return {}
    return dict(context.visit(deployment.name).status_lines())


def _image(deployment: Deployment) -> str | None:
    """Say whether the site has a newer image than the one of the machines, or why nobody knows."""
    if deployment.phase is not Phase.READY:
        return None
    try:
        newer = context.deployer(lambda _progress: None).newer_image(deployment.name)
    except OrchestratorError as error:
        return f"whether there is a newer one is not known: {error.message}"
    if newer is None:
        return "the newest of its kind at the site"
    return f"a newer one is there, {newer.label}; these machines keep theirs"
