"""orchestrator sites"""

from __future__ import annotations

import json

import click

from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.cli import context, tables
from orchestrator.cli.values import as_value


@click.command("sites")
@click.option("--vo", help="Only the sites that serve this VO.")
@context.json_option
def command(*, vo: str | None, as_json: bool) -> None:
    """List the sites, and which VOs each serves."""
    catalogue = Catalogue.usual(context.folders().config)
    sites = catalogue.sites(vo)
    for warning in catalogue.warnings:
        click.echo(f"orchestrator: {warning}", err=True)
    if as_json:
        click.echo(json.dumps([as_value(site) for site in sites]))
        return
    rows = [(s.name, s.endpoint, ", ".join(sorted(share.vo for share in s.shares))) for s in sites]
    click.echo(
        tables.render(("SITE", "KEYSTONE", "SERVES"), rows) if rows else f"No site serves {vo}."
    )
    click.echo(f"\nSite list of {catalogue.dated:%d %b %Y}, shipped with this version.")
