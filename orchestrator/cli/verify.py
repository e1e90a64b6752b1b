"""orchestrator verify"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

import click

from orchestrator.cli import context, interrupts, tables, terminal, views
from orchestrator.junit import as_junit
from orchestrator.model import Progress
from orchestrator.verifying import NodeResult
from orchestrator.visiting import Visit

FAILED = 6
PHASE = "verify"


@click.command("verify")
@click.argument("name")
@click.option("--reboot", is_flag=True, help="Reboot the machines afterwards, and check again.")
@click.option("--junit", type=click.Path(dir_okay=False, writable=True), help="Write JUnit XML to this file.")  # fmt: skip
@context.json_option
def command(*, name: str, reboot: bool, junit: str | None, as_json: bool) -> int:
    """Make all checks of the deployment NAME again; exit code 6 when one does not hold."""
    store, deployment = context.existing(name)
    visit = context.visit(name)
    with contextlib.ExitStack() as held:
        view = held.enter_context(views.pick(as_json=as_json))
        if reboot:
            # Nobody configures a machine that is being rebooted.
            held.enter_context(store.lease(deployment))
        results = _results(visit, view, reboot=reboot)
    if junit:
        Path(junit).write_text(as_junit(name, results), encoding="utf-8")
    failed = sum(not one.result.ok for one in results)
    if as_json:
        value = {"event": "result", "ok": not failed, "checks": [_as_value(r) for r in results]}
        terminal.echo(json.dumps(value))
    else:
        terminal.echo(_table(results, nodes=len(deployment.nodes)))
        total = len(results)
        terminal.echo(f"\n{total - failed} of {total} checks hold.")
    return FAILED if failed else 0


def _results(visit: Visit, view: views.View, *, reboot: bool) -> list[NodeResult]:
    def tell(text: str) -> None:
        view(Progress(phase=PHASE, state="running", text=text))

    view(Progress(phase=PHASE, state="started", text=""))
    results = visit.verify(on_result=lambda one: tell(one.title))
    if reboot:
        with interrupts.safe_stop() as stop:
            visit.reboot(stop=stop, on_wait=tell)
        results += visit.verify(rebooted=True, on_result=lambda one: tell(one.title))
    return results


def _table(results: Sequence[NodeResult], *, nodes: int) -> str:
    rows = []
    for one in results:
        where = one.node if nodes > 1 else ""
        when = "after reboot" if one.rebooted else ""
        title = ", ".join(part for part in (one.result.title, where, when) if part)
        rows.append(("ok" if one.result.ok else "FAILS", title, one.result.detail))
    return tables.render(("", "CHECK", "SEEN"), rows)


def _as_value(one: NodeResult) -> dict[str, object]:
    return {
        "node": one.node,
        "after_reboot": one.rebooted,
        "title": one.result.title,
        "ok": one.result.ok,
        "seen": one.result.detail,
        "seconds": round(one.result.seconds, 3),
    }
