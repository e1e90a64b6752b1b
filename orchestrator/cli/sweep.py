"""orchestrator sweep"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orchestrator.cli import context, interrupts, tables, terminal
from orchestrator.cli.values import as_value
from orchestrator.spans import span

if TYPE_CHECKING:
    from orchestrator.sweeping import Findings, Orphan, Removal, Sweep

FOUND = 2
_HEADINGS = ("KIND", "NAME", "DEPLOYMENT", "AGE", "TAKES")


@click.command("sweep")
@click.argument("site")
@click.option("--vo", help="Virtual organisation.  [default: your configuration, else vo.access.egi.eu]")  # fmt: skip
@click.option("--only", multiple=True, metavar="ID", help="Only what is left of this deployment; may be given again.")  # fmt: skip
@click.option("--volumes", "with_volumes", is_flag=True, help="Volumes too: what is on them is lost.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Remove what is found without asking.")
@context.json_option
def command(
    *,
    site: str,
    vo: str | None,
    only: tuple[str, ...],
    with_volumes: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """List what SITE still has of deployments of yours without a record here, and remove it if you agree.

    Exit code 2 when something was found and nothing removed, 6 when something stays. What has a
    record is never touched, nor what others made or what carries no mark of ours.
    """
    from orchestrator import sweeping

    sweep = context.deployer(lambda _progress: None).sweep(site, vo)
    findings = sweep.find()
    chosen = sweeping.choose(findings, only)
    if not as_json:
        terminal.echo(_text(findings, chosen, with_volumes=with_volumes))
    going = [one for one in chosen if with_volumes or len(one.volumes) < len(one.counted)]
    removals: list[Removal] = []
    if going and (yes or _agreed(going, as_json=as_json)):
        removals = _remove(sweep, going, with_volumes=with_volumes, as_json=as_json)
    if as_json:
        told = {"removed": [as_value(one) for one in removals]}
        terminal.echo(json.dumps({**as_value(findings), **told}))
    sweeping.raise_if_left(removals, findings.site)
    return FOUND if chosen and not removals else 0


def _remove(
    sweep: Sweep, going: Sequence[Orphan], *, with_volumes: bool, as_json: bool
) -> list[Removal]:
    """Remove what was agreed to, and tell of each as it is gone."""
    removals = []
    with interrupts.safe_stop() as stop:
        for one in sweep.remove(going, wait=stop.wait, with_volumes=with_volumes):
            removals.append(one)
            if not as_json:
                terminal.echo(_removed(one))
    return removals


def _agreed(going: Sequence[Orphan], *, as_json: bool) -> bool:
    """Ask; nobody is there to answer in a pipe or a program."""
    if as_json or not sys.stdin.isatty():
        return False
    return click.confirm(f"\nRemove what is left of {len(going)} deployments?", default=False)


def _text(findings: Findings, chosen: Sequence[Orphan], *, with_volumes: bool) -> str:
    blocks = []
    if chosen:
        now = datetime.now(UTC)
        rows = [row for one in chosen for row in _rows(one, now=now)]
        blocks += [tables.render(_HEADINGS, rows), _advice(findings, chosen)]
        if not with_volumes and any(one.volumes for one in chosen):
            blocks.append("Volumes stay unless --volumes is given: what is on them would be lost.")
    else:
        blocks.append(
            f"{findings.site} has nothing for {findings.vo} that is yours and without a record here."
        )
    if findings.living:
        blocks.append(f"With a record, and not touched: {', '.join(findings.living)}.")
    if findings.others:
        blocks.append(
            f"Of others, or of nobody knows whom, and not touched: {findings.others_resources}"
            f" resources of {findings.others} deployments."
        )
    return "\n\n".join(blocks)


def _rows(one: Orphan, *, now: datetime) -> list[tuple[str, ...]]:
    label = f"{one.deployment_id} ({one.name})" if one.name else one.deployment_id
    rows: list[tuple[str, ...]] = []
    for resource in one.counted:
        made = one.made_at.get(resource.id)
        age = span(now - made) if made else "?"
        kind = resource.kind.replace("_", " ")
        cost = one.costs.get(resource.id, "")
        rows.append((kind, resource.name or resource.id, label, age, cost))
    return rows


def _advice(findings: Findings, chosen: Sequence[Orphan]) -> str:
    lines = [f"{one.deployment_id}: {one.why_mine}" for one in chosen]
    return "\n".join(
        [
            *lines,
            "Another computer of yours may have the record. To take one over instead:",
            f"  orchestrator adopt ID --site {findings.site} --vo {findings.vo}",
        ]
    )


def _removed(one: Removal) -> str:
    count = f"{len(one.removed)} resources" if len(one.removed) != 1 else "1 resource"
    stays = f"; still there: {', '.join(one.left)}" if one.left else ", nothing of it is left"
    return f"{one.orphan.deployment_id}: removed {count}{stays}"
