"""From an error to its message and exit code."""

import json

import click
import pytest

from orchestrator.cli import failures
from orchestrator.errors import AmbiguousChoiceError, LoginError, RequestError


def outcome(error):
    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def command(as_json):
        raise error

    with pytest.raises(SystemExit) as ended:
        failures.run(command)
    return ended.value.code


@pytest.fixture(autouse=True)
def no_arguments(monkeypatch):
    monkeypatch.setattr("sys.argv", ["orchestrator"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestError("x"), 1),
        (LoginError("x"), 4),
        (AmbiguousChoiceError("x"), 5),
        (click.UsageError("x"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_has_its_exit_code(error, code):
    assert outcome(error) == code


def test_facts_and_the_way_out_stand_under_the_message(capsys):
    outcome(RequestError("no such site", facts={"near": "SCAI"}, way_out=["first", "second"]))
    assert capsys.readouterr().err.splitlines() == [
        "orchestrator: no such site",
        "",
        "  near    SCAI",
        "  next    first",
        "          second",
    ]


def test_a_program_reads_the_error_as_an_object(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["orchestrator", "--json"])
    outcome(RequestError("no such site", way_out=["look"]))
    value = json.loads(capsys.readouterr().out)
    assert (value["kind"], value["exit_code"], value["way_out"]) == ("RequestError", 1, ["look"])


def test_a_bug_leaves_a_private_report_and_no_traceback(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path))
    assert outcome(ZeroDivisionError("oops")) == 70
    shown = capsys.readouterr().err
    report = tmp_path / "state" / "bug-report.txt"
    assert str(report) in shown
    assert "Traceback" not in shown
    assert "ZeroDivisionError: oops" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0
