"""orchestrator extend"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from orchestrator.cli import context
from orchestrator.cli.values import as_value


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
    from orchestrator import expiring
    from orchestrator.settings import Settings

    store, deployment = context.existing(name)
    settings = Settings.read(context.folders().config)
    changed = expiring.extend(
        store, deployment, days=days, longest_days=settings.longest_days, now=datetime.now(UTC)
    )
    if as_json:
        click.echo(json.dumps(as_value(changed)))
        return
    click.echo(f"{name} now ends on {changed.expires_at:%d %b %Y, %H:%M} UTC.")
