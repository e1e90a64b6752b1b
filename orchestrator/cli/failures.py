"""From an error to its message and exit code: the only place that does so."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from orchestrator import __version__
from orchestrator.cli import terminal
from orchestrator.errors import OrchestratorError
from orchestrator.plaintext import one_line

BUG = 70
INTERRUPTED = 130


def run(command: click.Command) -> None:
    """Run a click command; never return, never show a traceback."""
    sys.exit(_outcome(lambda: command.main(standalone_mode=False)))


def _outcome(call: Callable[[], object]) -> int:
    try:
        result = call()
        return result if isinstance(result, int) else 0
    except OrchestratorError as error:
        show(error)
        return error.exit_code
    except click.exceptions.Abort:
        terminal.echo("orchestrator: stopped.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        # click's own 2 means "there are changes" with us.
        return OrchestratorError.exit_code
    except BrokenPipeError:
        # `orchestrator list | head`: nobody reads on. Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        terminal.echo("orchestrator: stopped.", err=True)
        return INTERRUPTED
    except Exception as error:
        _report_bug(error)
        return BUG


def show(error: OrchestratorError) -> None:
    """Show what happened, the facts around it and the way out."""
    if _wants_json():
        terminal.echo(json.dumps({"event": "error", **as_value(error)}))
        return
    terminal.echo(f"orchestrator: {one_line(error.message)}", err=True)
    rows = [(one_line(label), one_line(text)) for label, text in error.facts.items()]
    rows += [
        ("next" if not number else "", one_line(step)) for number, step in enumerate(error.way_out)
    ]
    if not rows:
        return
    width = max(len(label) for label, _ in rows)
    terminal.echo("", err=True)
    for label, text in rows:
        terminal.echo(f"  {label:<{width}}    {text}".rstrip(), err=True)


def as_value(error: OrchestratorError) -> dict[str, object]:
    """Return an error as a program reads it."""
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "facts": error.facts,
        "way_out": list(error.way_out),
        "exit_code": error.exit_code,
    }


def _wants_json() -> bool:
    # An error may come before click has parsed anything.
    return "--json" in sys.argv


def _report_bug(error: Exception) -> None:
    # The names and lines of the stack, not the values: a value may be a token.
    lines = [f"orchestrator {__version__}, {datetime.now(UTC).isoformat(timespec='seconds')}"]
    lines += traceback.format_tb(error.__traceback__)
    lines += [f"{type(error).__name__}: {error}"]
    from orchestrator.cli.context import folders

    folder = folders().state
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        report = folder / "bug-report.txt"
        _write_private(report, "\n".join(lines) + "\n")
        where = f"the report is in {report}"
    except OSError:
        where = "no report could be written:\n" + "\n".join(lines)
    terminal.echo(
        f"orchestrator: this is a bug of ours ({type(error).__name__}); {where}", err=True
    )


def _write_private(file: Path, text: str) -> None:
    with open(
        file, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)
    ) as out:
        out.write(text)
