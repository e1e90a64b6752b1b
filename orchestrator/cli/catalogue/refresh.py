"""orchestrator catalogue refresh"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import click

from orchestrator.catalogue import refreshing
from orchestrator.catalogue.ages import day
from orchestrator.catalogue.refreshing import Change, Refreshed, Report
from orchestrator.cli import context, tables, terminal
from orchestrator.cli.values import as_value
from orchestrator.errors import SiteError
from orchestrator.spans import span


@click.command("refresh")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 600),
    default=refreshing.TIMEOUT,
    show_default=True,
    help="Seconds that each source has.",
)
@context.json_option
def command(*, timeout: float, as_json: bool) -> int:
    """Ask EGI's site files, fedcloudclient's list, is.cloud.egi.eu and GOCDB for their sites.

    What cannot be had keeps the copy of before. Exit code 0 when at least one source could be
    renewed, 5 when none could.
    """
    found = refreshing.refresh(context.folders().cache, timeout=timeout)
    if as_json:
        terminal.echo(json.dumps(as_value(found) | {"renewed": found.renewed}))
    else:
        terminal.echo("\n".join(_told(found)))
    return 0 if found.renewed else SiteError.exit_code


def _told(found: Refreshed) -> list[str]:
    rows = [
        (one.title, str(one.sites), str(one.vos) if one.vos else "", _state(one))
        for one in found.reports
    ]
    lines = [tables.render(("SOURCE", "SITES", "VOS", "STATE"), rows)]
    for one in found.reports:
        lines += [f"  {one.title}: {warning}" for warning in one.warnings]
    lines += ["", f"Together {found.sites} sites and {found.vos} VOs."]
    return lines + _changes(found.change)


def _state(report: Report) -> str:
    if report.renewed:
        change = report.change
        if change is None:
            return "renewed: the first copy"
        counts = {
            "new": len(change.new_sites),
            "gone": len(change.gone_sites),
            "VOs new at a site": len(change.new_shares),
            "VOs gone from a site": len(change.gone_shares),
        }
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"renewed: {told or 'as before'}"
    if report.at is None:
        return f"not renewed, and there is no older copy: {report.problem}"
    ago = span(datetime.now(UTC) - report.at)
    return f"not renewed, the copy of {day(report.at)} stays ({ago} old): {report.problem}"


def _changes(change: Change) -> list[str]:
    rows = [
        ("new", _sites(change.new_sites)),
        ("gone", _sites(change.gone_sites)),
        ("VO new", _shares(change.new_shares, but=change.new_sites)),
        ("VO gone", _shares(change.gone_shares, but=change.gone_sites)),
    ]
    return [f"  {label:<9} {text}" for label, texts in rows for text in texts]


def _sites(names: Iterable[str]) -> list[str]:
    return [", ".join(names)] if names else []


def _shares(shares: Iterable[tuple[str, str]], *, but: Iterable[str]) -> list[str]:
    at: dict[str, list[str]] = {}
    for site, vo in shares:
        if site not in but:
            at.setdefault(site, []).append(vo)
    return [f"{site}: {', '.join(vos)}" for site, vos in at.items()]
