"""orchestrator results"""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from orchestrator.cli import context, terminal, views
from orchestrator.fetching import Fetched, in_words
from orchestrator.model import Progress

PHASE = "fetch"


@click.command("results")
@click.argument("name")
@click.argument("folder", required=False, type=click.Path(file_okay=False))
@context.json_option
def command(*, name: str, folder: str | None, as_json: bool) -> None:
    """Fetch the results of the deployment NAME into FOLDER (NAME-results unless given).

    Every file is checked by its sum. What is there already is not fetched again, and what was
    cut off is continued.
    """
    visit, start = context.visit(name), time.monotonic()
    target = Path(folder or f"{name}-results").absolute()
    with views.pick(as_json=as_json) as view:
        view(Progress(phase=PHASE, state="started", text="the machine lists its files"))
        fetched = visit.results(
            target, on_progress=lambda text: view(Progress(phase=PHASE, state="running", text=text))
        )
        text = f"{fetched.fetched} of {fetched.files} files, {in_words(fetched.bytes)}"
        spent = time.monotonic() - start
        view(Progress(phase=PHASE, state="finished", text=text, seconds=spent))
    if as_json:
        terminal.echo(json.dumps({"event": "result", **_as_value(fetched)}))
        return
    terminal.echo(f"{fetched.files} files are in {fetched.folder}, each with the right checksum.")
    for left_out, why in fetched.left_out:
        terminal.echo(f"  left out: {left_out}: {why}")


def _as_value(fetched: Fetched) -> dict[str, object]:
    return {
        "folder": str(fetched.folder),
        "files": fetched.files,
        "fetched": fetched.fetched,
        "bytes": fetched.bytes,
        "left_out": [{"name": name, "why": why} for name, why in fetched.left_out],
    }
