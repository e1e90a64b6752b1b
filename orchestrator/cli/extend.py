"""orchestrator extend"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import click

from orchestrator.cli import context, terminal
from orchestrator.cli.values import as_value
from orchestrator.model import Deployment


@click.command("extend")
@click.argument("name")
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    default=7,
    show_default=True,
    help="Days from now until it ends.",
)
@context.json_option
def command(*, name: str, days: int, as_json: bool) -> None:
    """Put the end of the deployment NAME off."""  # fmt: skip
    from orchestrator import ending, expiring
    from orchestrator.auth import appcredentials
    from orchestrator.settings import Settings
    from orchestrator.workdir import Workdir

    store, deployment = context.existing(name)
    settings = Settings.read(context.folders().config)
    changed = expiring.extend(
        store, deployment, days=days, longest_days=settings.longest_days, now=datetime.now(UTC)
    )
    workdir = Workdir(context.folders().deployments / changed.id)
    untold = ending.tell(changed, workdir=workdir, env=context.child_environment())
    if as_json:
        terminal.echo(json.dumps({**as_value(changed), "untold": dict(untold)}))
        return
    terminal.echo(f"{name} now ends on {changed.expires_at:%d %b %Y, %H:%M} UTC.")
    if untold:
        terminal.echo("\n".join(_of_the_untold(changed, untold)))
    credential = appcredentials.kept(workdir.secrets)
    if credential and credential.ends_at < changed.expires_at:
        terminal.echo(
            f"  its application credential ends before; a deploy makes another: {changed.again}"
        )


def _of_the_untold(deployment: Deployment, untold: Mapping[str, str]) -> list[str]:
    lines = [f"  {node} could not be told ({why})" for node, why in untold.items()]
    return [
        *lines,
        "  and powers itself off at the end that it knows. The next deploy tells it,",
        f"  and starts it where it is off: {deployment.again}",
    ]
