"""orchestrator volumes"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from orchestrator.cli import context, tables, terminal
from orchestrator.cli.values import as_value

if TYPE_CHECKING:
    from orchestrator import datavolumes

HEADINGS = ("VOLUME", "SIZE", "SITE", "VO", "FROM", "USED BY", "ID")


@click.command("volumes")
@click.option("--delete", "delete", metavar="ID", help="Delete this one, with all data on it.")
@context.json_option
def command(*, delete: str | None, as_json: bool) -> None:
    """List the data volumes that your destroyed deployments have left at their sites.

    A later deployment takes one by --set volume=ID, and leaves it again at its end.
    """
    from orchestrator import datavolumes

    if delete is not None:
        gone = context.deployer(lambda _progress: None).delete_volume(delete)
        if as_json:
            terminal.echo(json.dumps({"event": "deleted", **as_value(gone.volume)}))
        else:
            terminal.echo(f"The volume {gone.volume.name} ({gone.volume.id}) is deleted at {gone.origin.site}.")  # fmt: skip
        return
    listed = datavolumes.kept(context.store(), owner=context.owner())
    if as_json:
        terminal.echo(json.dumps([_as_value(one) for one in listed]))
    elif listed:
        terminal.echo(tables.render(HEADINGS, [_row(one) for one in listed]))
    else:
        terminal.echo("Your deployments have left no data volumes.")


def _row(one: datavolumes.Kept) -> tuple[str, ...]:
    volume, origin = one.volume, one.origin
    return (
        volume.name,
        f"{volume.size_gb} GB",
        origin.site,
        origin.vo,
        origin.name,
        one.used_by or "",
        volume.id,
    )


def _as_value(one: datavolumes.Kept) -> dict[str, object]:
    origin = {"site": one.origin.site, "vo": one.origin.vo, "deployment": one.origin.name}
    return {**as_value(one.volume), **origin, "used_by": one.used_by}
