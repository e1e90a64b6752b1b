"""How a run looks to a person, in a pipe, to a program."""

import io
import json

import pytest
from rich.console import Console

from orchestrator.cli import views
from orchestrator.model import Progress

FINISHED = Progress(
    phase="choose",
    state="finished",
    text="",
    seconds=1.42,
    details=(("m1.medium", "smallest of 3"), ("debian 12", "newest of 2")),
)


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.42, "1.4 s"), (29.96, "30.0 s"), (41.2, "0:41"), (182, "3:02")]
)
def test_durations_read_as_people_say_them(seconds, text):
    assert views.clock(seconds) == text


def test_details_are_aligned_under_their_phase():
    head, first, second = views.lines_of(FINISHED)
    assert head == "choose       1.4 s"
    assert first.index("smallest") == second.index("newest")


def test_in_a_pipe_only_what_is_over_is_a_line(capsys):
    with views.PlainView() as view:
        view(Progress(phase="plan", state="started", text=""))
        view(Progress(phase="plan", state="running", text="asking"))
        view(Progress(phase="plan", state="finished", text="11 to create", seconds=1.0))
    assert capsys.readouterr().out == "plan         1.0 s   11 to create\n"


def test_a_silent_phase_gives_a_sign_of_life(capsys, monkeypatch):
    monkeypatch.setattr(views, "_HEARTBEAT_SECONDS", 0.01)
    view = views.PlainView()
    with view:
        view(Progress(phase="configure", state="started", text=""))
        view(Progress(phase="configure", state="running", text="Install the packages"))
        for _ in range(200):
            if "Install the packages" in (seen := capsys.readouterr().out):
                break
            view._ended.wait(0.01)
    assert "configure" in seen


def test_a_program_gets_one_object_per_step(capsys):
    with views.JsonView() as view:
        view(FINISHED)
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["phase"], line["seconds"]) == ("progress", "choose", 1.42)


def test_a_terminal_shows_marks():
    out = io.StringIO()
    with views.TerminalView(Console(file=out, force_terminal=True, width=100)) as view:
        view(Progress(phase="plan", state="started", text=""))
        view(Progress(phase="plan", state="finished", text="[11] to create", seconds=1.0))
        view(Progress(phase="apply", state="failed", text="no room", seconds=2.0))
    text = out.getvalue()
    assert "✓" in text
    assert "[11] to create" in text
    assert "✗" in text
