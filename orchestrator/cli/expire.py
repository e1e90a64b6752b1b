"""orchestrator expire"""

from __future__ import annotations

import json

import click

from orchestrator.cli import context, terminal
from orchestrator.cli.values import as_value


@click.command("expire")
@context.json_option
def command(*, as_json: bool) -> int:
    """Remove the deployments whose end has come, and warn of those that end within a day; for cron.

    Warnings go to warning_hook and warning_mail of config.yaml. Without a login that answers, what
    is due is removed by its application credential, where app_credential was set there.

    Exit code 6 when one could not be removed: it is tried again the next time.
    """
    from orchestrator import warning
    from orchestrator.expiring import Expiry
    from orchestrator.settings import Settings

    settings = Settings.read(context.folders().config)
    ended = Expiry(
        deployer=context.deployer(lambda _progress: None),
        store=context.store(),
        owner=context.owner(),
        ways=warning.ways(settings, environment=context.child_environment()),
    ).run()
    for one in ended:
        if as_json:
            terminal.echo(json.dumps(as_value(one)))
        else:
            terminal.echo(f"{one.deployment.name}: {_WORDS[one.what]}{f' ({one.detail})' if one.detail else ''}")  # fmt: skip
    if not (ended or as_json):
        terminal.echo("Nothing ends today.")
    return 6 if any(one.what == "failed" for one in ended) else 0


_WORDS = {
    "removed": "its end had come, and it is gone",
    "failed": "its end has come, but it could not be removed; it is tried again next time",
    "warned": "it ends within a day: orchestrator extend",
}
