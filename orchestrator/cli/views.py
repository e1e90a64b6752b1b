"""How a run looks: to a person at a terminal, in a pipe, or to a program."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from orchestrator.cli import terminal
from orchestrator.model import Progress
from orchestrator.plaintext import one_line

_HEARTBEAT_SECONDS = 30.0


class View(Protocol):
    """Shows the steps of a run as they come; to be entered before the run."""

    def __enter__(self) -> View: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __call__(self, progress: Progress) -> None: ...


def pick(*, as_json: bool) -> View:
    """Return the view for the place that standard output goes to."""
    if as_json:
        return JsonView()
    console = Console(highlight=False, soft_wrap=True)
    return TerminalView(console) if console.is_terminal else PlainView()


def clock(seconds: float) -> str:
    """Write a duration as a person reads it: 1.4 s, 0:41, 3:02."""
    if seconds < 30:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def lines_of(progress: Progress) -> list[str]:
    """Return the lines of a finished, failed or noted step, without marks and colour."""
    time_spent = clock(progress.seconds) if progress.seconds is not None else ""
    head = f"{progress.phase:<10} {time_spent:>7}   {one_line(progress.text)}".rstrip()
    details = [(one_line(first), one_line(second)) for first, second in progress.details]
    width = max((len(first) for first, _ in details), default=0)
    rows = [f"{'':<21}{first:<{width}}   {second}".rstrip() for first, second in details]
    return [head, *rows]


class JsonView:
    """One JSON object per step."""

    def __enter__(self) -> JsonView:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, progress: Progress) -> None:
        terminal.echo(json.dumps({"event": "progress", **asdict(progress)}))


class PlainView:
    """A line per finished step, and one every half minute so that a silent run is not taken for dead."""

    def __init__(self) -> None:
        self._now: Progress | None = None
        self._since = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> PlainView:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def __call__(self, progress: Progress) -> None:
        if progress.state in ("started", "running"):
            if progress.state == "started":
                self._since = time.monotonic()
            self._now = progress
            return
        if progress.state != "note":
            self._now = None
        for line in lines_of(progress):
            terminal.echo(line)

    def _beat(self) -> None:
        while not self._ended.wait(_HEARTBEAT_SECONDS):
            if now := self._now:
                spent = clock(time.monotonic() - self._since)
                terminal.echo(f"{now.phase:<10} {spent:>7}   … {one_line(now.text)}".rstrip())


class TerminalView:
    """Finished steps above, the one at work below with a spinner and its time."""

    _MARKS = {"finished": "[green]✓[/]", "failed": "[red]✗[/]", "note": " "}

    def __init__(self, console: Console) -> None:
        self._console = console
        self._at_work = _AtWork()
        self._live = Live(self._at_work, console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> TerminalView:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, progress: Progress) -> None:
        if progress.state in ("started", "running"):
            self._at_work.follow(progress)
            return
        if progress.state != "note":
            self._at_work.rest()
        head, *rows = lines_of(progress)
        mark = Text.from_markup(self._MARKS[progress.state])
        self._console.print(Text("  ") + mark + Text(f" {head}"))
        for row in rows:
            self._console.print(Text(f"    {row}"))


class _AtWork:
    """The line of the phase at work; empty between two phases."""

    def __init__(self) -> None:
        self._spinner = Spinner("dots")
        self._progress: Progress | None = None
        self._since = time.monotonic()

    def follow(self, progress: Progress) -> None:
        if progress.state == "started":
            self._since = time.monotonic()
        self._progress = progress

    def rest(self) -> None:
        self._progress = None

    def __rich__(self) -> Spinner | Text:
        if self._progress is None:
            return Text("")
        spent = clock(time.monotonic() - self._since)
        said = f"{self._progress.phase:<10} {spent:>7}   {one_line(self._progress.text)}"
        # A plain text would be read for rich's own marks: [/] in a name ends the display.
        self._spinner.update(text=Text(said))
        return self._spinner
