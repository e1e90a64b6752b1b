"""orchestrator deploy"""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import context, interrupts, requests, show, terminal, views


@click.command("deploy")
@requests.request_options
@click.option("--configure", is_flag=True, help="Run Ansible again although nothing has changed.")
@click.option(
    "--upgrade",
    is_flag=True,
    help="Take the present use case and roles, not those it was made with.",
)
@context.json_option
def command(*, as_json: bool, **options: Any) -> None:
    """Bring USECASE up on a site: plan, apply, configure, check.

    The same command again changes nothing, and goes on where an earlier run ended.
    """
    request = requests.read_request(**options)
    with interrupts.safe_stop() as stop, views.pick(as_json=as_json) as view:
        outcome = context.deployer(view, stop=stop).deploy(request)
    terminal.echo(show.outcome(outcome, as_json=as_json))
