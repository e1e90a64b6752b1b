"""orchestrator plan"""

from __future__ import annotations

import json
from typing import Any

import click

from orchestrator.cli import context, interrupts, requests, terminal, views
from orchestrator.lifecycle import Phase

CHANGES = 2


@click.command("plan")
@requests.request_options
@context.json_option
def command(*, as_json: bool, **options: Any) -> int:
    """Show what deploy would choose and create; exit code 2 when there is something to do.

    Nothing changes at the site. The plan is kept: `orchestrator apply` runs that plan
    and no other.
    """
    request = requests.read_request(**options)
    with interrupts.safe_stop() as stop, views.pick(as_json=as_json) as view:
        outcome = context.deployer(view, stop=stop).plan(request)
    if as_json:
        value = {"event": "result", "name": outcome.deployment.name, **outcome.plan.as_value()}
        terminal.echo(json.dumps(value))
    else:
        for change in outcome.plan.changes:
            terminal.echo(f"  {change.action:<8} {change.address}")
        terminal.echo(f"\n{outcome.deployment.name}: {outcome.plan.summary}.")
        if outcome.plan.changes and outcome.deployment.phase is Phase.PLANNED:
            terminal.echo(f"  apply      orchestrator apply {outcome.deployment.name}")
            terminal.echo(f"  forget     orchestrator destroy {outcome.deployment.name}")
        elif outcome.plan.changes:
            one = outcome.deployment
            again = f"orchestrator deploy {one.use_case} --site {one.site} --name {one.name}"
            terminal.echo(f"  apply      {again}")
    return CHANGES if outcome.plan.changes else 0
