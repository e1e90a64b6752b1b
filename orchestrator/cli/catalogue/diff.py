"""orchestrator catalogue diff"""

from __future__ import annotations

import json
from datetime import datetime

import click

from orchestrator.cli import context, tables, terminal, times
from orchestrator.cli.catalogue import surroundings
from orchestrator.cli.values import as_value
from orchestrator.collected import Changed, CollectedOffers


@click.command("diff")
@click.argument("site", required=False)
@click.option("--vo", help="Only what is offered to this VO.")
@click.option(
    "--since",
    type=times.Moment(),
    required=True,
    help="Changes since then: 2026-11-20, or 7d for a week.",
)
@surroundings.store_option
@context.json_option
def command(
    *, site: str | None, vo: str | None, since: datetime, store_url: str | None, as_json: bool
) -> None:
    """Show what has changed since a date at SITE, or at all sites: images, flavors, networks, limits."""
    offers = surroundings.open_store(store_url).offers
    found = CollectedOffers(offers, context.folders()).diff(site=site, vo=vo, since=since)
    if as_json:
        terminal.echo(json.dumps([_value(one) for one in found]))
        return
    moved = [one for one in found if one.changes]
    for one in moved:
        terminal.echo(f"{_heading(one, since)}\n{_list(one)}\n")
    still = len(found) - len(moved)
    if still:
        places = {one.last.offer.site for one in found if not one.changes}
        names = ", ".join(sorted(places, key=str.casefold))
        terminal.echo(f"Nothing has changed since {times.moment(since)} at {names}.")
    for line in (line for one in found for line in surroundings.unreached(one.last)):
        terminal.echo(line)
    ages = [one.last.offer.collected_at for one in found]
    terminal.echo(
        f"From what was collected, last {surroundings.age(min(ages))}; no site was asked now."
    )


def _heading(found: Changed, since: datetime) -> str:
    began = max(found.first.since.values())
    known = since if began <= since else began
    late = "" if began <= since else ", when it was first collected"
    return f"{found.last.offer.site} for {found.last.vo}, since {times.moment(known)}{late}"


def _list(found: Changed) -> str:
    rows = [
        (
            f"  {change.at:%d %b %H:%M}" if change.at else "  ",
            change.kind,
            change.what,
            change.name.replace("_", " ") if change.kind == "quota" else change.name,
            change.detail,
        )
        for change in sorted(found.changes, key=lambda one: str(one.at))
    ]
    return tables.render(("  WHEN", "", "", "WHAT", ""), rows)


def _value(found: Changed) -> dict[str, object]:
    offer = found.last.offer
    return {
        "site": offer.site,
        "vo": found.last.vo,
        "from": max(found.first.since.values()).isoformat(),
        "collected_at": offer.collected_at.isoformat(),
        "changes": [as_value(change) for change in found.changes],
    }
