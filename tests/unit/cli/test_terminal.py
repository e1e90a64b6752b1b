"""Nothing that a site, a machine or a file tells acts on the terminal in which it is shown."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from orchestrator.cli import failures, logs, tables, terminal, views
from orchestrator.errors import SiteError
from orchestrator.model import Progress
from tests.mutating import HOSTILE, acts

CLI = Path(terminal.__file__).parent
MARKUP = ("[/]", "[bold]x[/bold", "[link=https://x.eu]y[/link]", "[/nothing]", "[red]")
NAMES = st.sampled_from((*HOSTILE, *MARKUP)) | st.text(max_size=12)


@pytest.mark.parametrize("path", sorted(CLI.rglob("*.py")), ids=lambda path: path.name)
def test_every_command_writes_by_the_one_function_that_looks_at_its_text(path):
    if path == Path(terminal.__file__):
        return
    called = [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]
    assert not {"click.echo", "click.secho", "print", "sys.stdout.write"} & set(called)


@given(NAMES)
def test_a_table_has_a_line_for_each_row(name):
    text = tables.render(("NAME", "WHAT"), [(name, name), ("x", "y")])
    assert len(text.splitlines()) == 3
    assert not acts(text)


def test_an_error_has_a_line_for_each_fact_whatever_stands_in_it(capsys):
    error = SiteError("no \x1b[2J", facts={name: name for name in HOSTILE}, way_out=HOSTILE)
    failures.show(error)
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 2 + 2 * len(HOSTILE)
    assert not acts(shown)


@given(NAMES)
def test_a_step_of_a_run_is_a_line(name):
    progress = Progress(
        phase="apply", state="finished", text=name, seconds=1.0, details=((name, name),)
    )
    for line in views.lines_of(progress):
        assert len(f"x{line}".splitlines()) == 1
        assert not acts(line)


@given(name=NAMES, state=st.sampled_from(("started", "running", "finished", "failed", "note")))
def test_no_name_ends_the_display_of_a_run_or_colours_it(name, state):
    shown = io.StringIO()
    view = views.TerminalView(Console(file=shown, force_terminal=False, width=500))
    view(Progress(phase="apply", state=state, text=name))
    view._console.print(view._at_work)
    assert not acts(shown.getvalue())


def test_a_line_of_a_log_is_a_line():
    line = {"phase": "apply", "text": "a\nb\x1b[2J", "details": [["id", "\x07"]]}
    assert not acts(logs._text(line))
    assert len(logs._text(line).splitlines()) == 2


def test_half_a_sign_is_written_where_the_terminal_takes_whole_ones_only():
    said = "from orchestrator.cli.terminal import echo; echo('half \\ud800 \\x1b[2J a sign')"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, check=True)
    assert done.stdout.decode() == "half � �[2J a sign\n"


def test_json_for_programs_says_what_is_there(capsys):
    terminal.echo(json.dumps({"name": "\x1b[2J"}))
    assert json.loads(capsys.readouterr().out) == {"name": "\x1b[2J"}
