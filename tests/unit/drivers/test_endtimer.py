"""The timer in a node that powers it off at the end, as it is written there."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta, timezone

import pytest

from orchestrator.drivers import endtimer, remote
from orchestrator.drivers.command import Answer

END = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def written(tmp_path):
    """Run the program with a systemctl that notes its words, and return all that it wrote."""
    folder, programs = tmp_path / "system", tmp_path / "bin"
    for made in (folder, programs):
        made.mkdir()
    systemctl = programs / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/said\n')
    systemctl.chmod(0o755)

    def run(end=END):
        argv = ["sh", "-s", "--", *endtimer.arguments(end, folder=str(folder))]
        path = f"{programs}:/usr/bin:/bin"
        subprocess.run(argv, input=endtimer.PROGRAM, text=True, check=True, env={"PATH": path})
        return {file.suffix: file.read_text() for file in folder.iterdir()}, tmp_path / "said"

    return run


def test_the_timer_is_written_and_started(written):
    files, said = written()
    assert "OnCalendar=2026-12-01 12:30:00 UTC\n" in files[".timer"]
    assert "OnBootSec=1h\n" in files[".timer"]
    assert said.read_text().splitlines() == [
        "-q --no-reload enable deployment-end.timer",
        "restart deployment-end.timer",
    ]


def test_a_timer_that_systemd_has_read_is_read_again(written):
    written()
    files, said = written(END + timedelta(days=1))
    assert "OnCalendar=2026-12-02 12:30:00 UTC\n" in files[".timer"]
    assert said.read_text().splitlines()[2:] == [
        "daemon-reload",
        "-q --no-reload enable deployment-end.timer",
        "restart deployment-end.timer",
    ]


def test_what_it_starts_powers_off_at_the_end_and_not_before(written, tmp_path):
    for hours, expected in ((-1, "poweroff"), (1, "")):
        files, said = written(datetime.now(UTC) + timedelta(hours=hours))
        said.unlink()
        (line,) = [one for one in files[".service"].splitlines() if one.startswith("ExecStart=")]
        # As systemd reads it: quotes, then %% and $$.
        command = line.removeprefix("ExecStart=/bin/sh -c ")[1:-1]
        shell = command.replace("%%", "%").replace("$$", "$")
        assert "$(date +%s)" in shell
        path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
        subprocess.run(["sh", "-c", shell], env={"PATH": path}, check=True)
        assert (said.read_text().strip() if said.exists() else "") == expected


def test_a_moment_of_another_zone_is_told_in_utc():
    other = END.astimezone(timezone(timedelta(hours=5)))
    assert endtimer.arguments(other) == endtimer.arguments(END)


def test_a_node_without_systemd_says_so(tmp_path):
    only = tmp_path / "bin"
    only.mkdir()
    argv = ["/bin/sh", "-s", "--", *endtimer.arguments(END, folder=str(tmp_path))]
    ended = subprocess.run(
        argv, input=endtimer.PROGRAM, text=True, capture_output=True, env={"PATH": str(only)}
    )
    assert (ended.returncode, ended.stderr.strip()) == (69, "it has no systemd")


def test_why_a_node_could_not_be_told_is_said(monkeypatch, node, workdir):
    silent = Answer(code=255, stdout="", stderr="ssh: connect to host: Connection timed out\n")
    monkeypatch.setattr(remote, "run", lambda *_args, **_known: silent)
    why = endtimer.set_end(node, END, workdir=workdir, env={})
    assert why == "ssh: connect to host: Connection timed out"
