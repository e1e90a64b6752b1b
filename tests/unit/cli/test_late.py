"""Commands are loaded when they are named, and listed without."""

import subprocess
import sys

import click
import pytest

from orchestrator.cli.late import LateGroup


@pytest.fixture
def group(tmp_path, monkeypatch):
    (tmp_path / "late_command.py").write_text(
        "import click\n\n\n@click.command()\ndef command():\n    '''Say so.'''\n    click.echo('so')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "late_command", raising=False)
    return LateGroup(modules={"second": "late_command", "first": "no_such_module"})


def test_commands_are_listed_in_the_order_given_and_not_loaded(group):
    assert group.list_commands(click.Context(group)) == ["second", "first"]
    assert "late_command" not in sys.modules


def test_a_named_command_is_loaded_and_run(group, capsys):
    group.main(["second"], standalone_mode=False)
    assert capsys.readouterr().out == "so\n"


def test_an_unknown_command_is_refused(group):
    with pytest.raises(click.UsageError, match="third"):
        group.main(["third"], standalone_mode=False)


def test_the_catalogue_has_its_commands(command):
    told = command("catalogue", "--help").out
    assert all(f"\n  {name} " in told for name in ("collect", "show", "search", "diff"))


def test_what_needs_no_store_does_not_load_its_library():
    """SQLAlchemy takes longer to load than all the rest of such a command."""
    # A process of its own: here something else has loaded it long ago.
    words = "import sys, orchestrator.cli.usecases, orchestrator.cli.sites; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert "orchestrator.cli.context" in told.stdout.split()
    assert "sqlalchemy" not in told.stdout.split()
