"""orchestrator recover"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from orchestrator.cli import context, interrupts, terminal, views
from orchestrator.cli.values import as_value

if TYPE_CHECKING:
    from orchestrator.takingback import Recovered

CHANGES = 2


@click.command("recover")
@click.argument("name")
@context.json_option
def command(*, name: str, as_json: bool) -> int:
    """Take back into the state of NAME what its site has of it; exit code 2 when a deploy has more to do.

    Needed only where you want to see it: deploy and destroy do the same by themselves after a
    run that did not end cleanly.
    """
    with interrupts.safe_stop() as stop, views.pick(as_json=as_json) as view:
        found = context.deployer(view, stop=stop).recover(name)
    if as_json:
        value = {"event": "result", **as_value(found), "rest": found.rest.as_value()}
        terminal.echo(json.dumps(value))
    else:
        terminal.echo("\n".join(_rows(found)))
    return CHANGES if found.rest.changes else 0


def _rows(found: Recovered) -> list[str]:
    name = found.deployment.name
    total = found.known + len(found.taken_back)
    rows = [f"\n{name}: the state knows all {total} counted resources of it."]
    rows += [f"  taken back   {one}" for one in found.taken_back]
    rows += [f"  removed      {one}: broken, or nobody's" for one in found.removed]
    if found.rest.changes:
        one = found.deployment
        rows += [
            f"  to do        {found.rest.summary}",
            f"  next         make deploy SITE={one.site} USECASE={one.use_case} NAME={name}",
        ]
    return rows
