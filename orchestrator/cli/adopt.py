"""orchestrator adopt"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from orchestrator.cli import context, interrupts, terminal, views
from orchestrator.cli.values import as_value

if TYPE_CHECKING:
    from orchestrator.adopting import Adopted


@click.command("adopt")
@click.argument("deployment_id", metavar="ID")
@click.option("--site", required=True, help="GOCDB name of the site, or an alias.")
@click.option("--vo", help="Virtual organisation.  [default: your configuration, else vo.access.egi.eu]")  # fmt: skip
@context.json_option
def command(*, deployment_id: str, site: str, vo: str | None, as_json: bool) -> None:
    """Take over the deployment ID, of which this computer has no record, by its site's listing alone.

    Status and destroy work then. Its SSH key is on the computer that made it: until it is copied
    here, what logs in to the nodes is refused. `orchestrator sweep SITE` lists the ids.
    """
    with interrupts.safe_stop() as stop, views.pick(as_json=as_json) as view:
        found = context.deployer(view, stop=stop).adopt(deployment_id, site=site, vo=vo)
    if as_json:
        value = {"deployment": as_value(found.deployment), "unknown": dict(found.unknown)}
        terminal.echo(json.dumps({"event": "result", **value}))
    else:
        terminal.echo("\n".join(_rows(found)))


def _rows(found: Adopted) -> list[str]:
    deployment = found.deployment
    name = deployment.name
    key = context.folders().deployments / deployment.id / "ssh" / "id_ed25519"
    rows = [
        f"\n{name} is taken over from {deployment.site}.",
        *(f"  {node.name:<13} {node.user}@{node.address}" for node in deployment.nodes),
        f"  works         orchestrator status {name}, make destroy NAME={name}, orchestrator extend {name}",
    ]
    if found.recovered is None:
        rows.append(
            "  no state      destroy goes by the site's own listing; nothing else can be done here"
        )
    else:
        rows += [
            "  needs its key ssh, open, results, verify, deploy: they are refused until it is there",
            f"  its place     {key}",
        ]
    rows += [f"  not known     {what}: {why}" for what, why in found.unknown.items()]
    rows.append(
        f"  expires       {deployment.expires_at:%d %b %Y, %H:%M} UTC, as your settings say"
    )
    return rows
