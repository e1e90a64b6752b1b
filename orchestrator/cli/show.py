"""orchestrator show, and how a deployment reads everywhere."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from orchestrator.cli import context, terminal, views
from orchestrator.cli.values import as_value
from orchestrator.lifecycle import Phase
from orchestrator.model import Deployment
from orchestrator.spans import span

if TYPE_CHECKING:
    from orchestrator.deployer import Outcome

HEADINGS = ("NAME", "USE CASE", "SITE", "PHASE", "SINCE", "EXPIRES", "WHERE")


@click.command("show")
@click.argument("name")
@context.json_option
def command(*, name: str, as_json: bool) -> None:
    """Show the record of the deployment NAME: what was chosen and why, and what happened."""
    store, deployment = context.existing(name, destroyed=True)
    events = store.events(deployment)
    if as_json:
        value = as_value(deployment) | {"events": [asdict(event) for event in events]}
        terminal.echo(json.dumps(value, default=str))
        return
    terminal.echo("\n".join([*_describe(deployment), "", *(f"  {e.at:%Y-%m-%d %H:%M:%S}   {e.phase:<10} {e.text}" for e in events)]))  # fmt: skip


def row(deployment: Deployment, *, now: datetime) -> tuple[str, ...]:
    """Return the cells of a deployment in the list."""
    phase = f"{deployment.phase.value} !" if deployment.failure else deployment.phase.value
    where = ", ".join(node.address for node in deployment.nodes)
    since = span(now - deployment.updated_at)
    return (
        deployment.name,
        deployment.use_case,
        deployment.site,
        phase,
        since,
        _expiry(deployment, now=now),
        where,
    )


def outcome(found: Outcome, *, as_json: bool) -> str:
    """Return what a finished run says, to a program or to a person."""
    if not as_json:
        return after_deploy(found)
    value = {"event": "result", "changed": found.changed, "page": found.page}
    return json.dumps({**value, **as_value(found.deployment)})


def after_deploy(outcome: Outcome) -> str:
    """Return what a person reads when a deployment is ready."""
    deployment = outcome.deployment
    spent = views.clock(outcome.seconds)
    if not outcome.changed:
        return f"{deployment.name} is ready and as described: nothing to do ({spent})."
    name = deployment.name
    rows = [
        f"\n{name} is ready after {spent}.",
        *([f"  page            {outcome.page}"] if outcome.page else []),
        *_open(outcome),
        f"  in              orchestrator ssh {name}",
        f"  remove          make destroy NAME={name}          expires {deployment.expires_at:%d %b %Y, %H:%M} UTC",
    ]
    rows += [f"  {key:<15} {text}" for key, text in (*_data(deployment), *_choices(deployment))]
    return "\n".join([*rows, f"  more            orchestrator show {name}"])


def _open(outcome: Outcome) -> list[str]:
    """Return how each service is opened, the first without naming it."""
    name = outcome.deployment.name
    return [
        f"  {'open' if not number else '':<15} orchestrator open {name}"
        f"{f' --tunnel {tunnel.name}' if number else ''}          {tunnel.title}"
        for number, tunnel in enumerate(outcome.use_case.tunnels)
    ]


def _describe(deployment: Deployment) -> list[str]:
    nodes = [f"{node.user}@{node.address}" for node in deployment.nodes]
    rows = [
        ("use case", f"{deployment.use_case} {deployment.use_case_version}"),
        ("site", f"{deployment.site}, VO {deployment.vo}, project {deployment.project_id}"),
        ("phase", f"{deployment.phase.value} since {deployment.updated_at:%Y-%m-%d %H:%M} UTC"),
        ("expires", f"{deployment.expires_at:%Y-%m-%d %H:%M} UTC"),
        ("where", ", ".join(nodes) or "nowhere"),
        ("made with", ", ".join(f"{k} {v}" for k, v in deployment.versions.items())),
        *_data(deployment),
        *_choices(deployment),
    ]
    rows += [
        ("kept", f"the volume {one.name}, {one.size_gb} GB, {one.id}") for one in deployment.kept
    ]
    if deployment.failure:
        rows.append(("failure", deployment.failure))
    return [deployment.name, *(f"  {label:<15} {text}" for label, text in rows)]


def _data(deployment: Deployment) -> list[tuple[str, str]]:
    """Return a line for each data volume: what becomes of it differs by whose it is."""
    return [
        (
            "data",
            f"a volume of {one.size_gb} GB, {one.id}: {'kept' if one.made else 'yours, and stays'} at the end",
        )  # fmt: skip
        for one in deployment.volumes
    ]


def _choices(deployment: Deployment) -> list[tuple[str, str]]:
    if deployment.selection is None:
        return []
    choices = deployment.selection.choices
    return [(c.key.replace("_", " "), f"{c.label}: {c.reason}") for c in choices]


def _expiry(deployment: Deployment, *, now: datetime) -> str:
    if deployment.phase is Phase.DESTROYED:
        return ""
    left = deployment.expires_at - now
    if left < timedelta():
        return f"{span(-left)} ago !"
    return f"in {span(left)}" + (" !" if left < timedelta(days=1) else "")
