"""orchestrator sites"""

from __future__ import annotations

import json

import click

from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.catalogue.refusals import near_vos
from orchestrator.cli import context, tables, terminal
from orchestrator.cli.values import as_value
from orchestrator.model import Site


@click.command("sites")
@click.option("--vo", help="Only the sites that serve this VO.")
@context.json_option
def command(*, vo: str | None, as_json: bool) -> None:
    """List the sites, which VOs each serves, and how old the list is."""
    folders = context.folders()
    catalogue = Catalogue.usual(folders.config, cache=folders.cache)
    sites = catalogue.sites(vo)
    for warning in catalogue.warnings:
        terminal.echo(f"orchestrator: {warning}", err=True)
    if as_json:
        terminal.echo(json.dumps([as_value(site) for site in sites]))
        return
    terminal.echo(
        tables.render(("SITE", "KEYSTONE", "SERVES"), [_row(site) for site in sites])
        if sites
        else _nobody(str(vo), catalogue.vos())
    )
    terminal.echo(
        f"\nSite list of {catalogue.age.text()}. Renew it: orchestrator catalogue refresh"
    )


def _row(site: Site) -> tuple[str, str, str]:
    mark = "" if site.is_listed else " (no longer listed)"
    vos = ", ".join(sorted(share.vo for share in site.shares))
    return f"{site.name}{mark}", site.endpoint, vos


def _nobody(vo: str, known: tuple[str, ...]) -> str:
    near = near_vos(vo, known)
    return f"No site serves {vo}." + (f" Did you mean {', '.join(near)}?" if near else "")
