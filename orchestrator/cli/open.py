"""orchestrator open"""

from __future__ import annotations

import json
import os
import signal
import threading
import webbrowser
from types import FrameType

import click

from orchestrator.cli import context, terminal
from orchestrator.visiting import OpenTunnel


@click.command("open")
@click.argument("name")
@click.option("--tunnel", "tunnel", help="Which service, where there are several.  [default: the first]")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), help="Port of this machine.  [default: a free one]")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Only print where it is.")
@context.json_option
def command(
    *, name: str, tunnel: str | None, port: int | None, no_browser: bool, as_json: bool
) -> None:
    """Open a service of the deployment NAME in the browser, through SSH; Ctrl-C closes it."""
    visit = context.visit(name)
    ended = _ended_by_signal()
    with visit.open(
        tunnel, port=port, on_wait=lambda text: terminal.echo(text, err=True)
    ) as opened:
        if as_json:
            value = {"event": "open", "url": opened.url, "tunnel": opened.tunnel.name}
            terminal.echo(json.dumps(value))
        else:
            terminal.echo("\n".join(_text(name, opened)))
        if not no_browser and _is_desktop():
            webbrowser.open(opened.url)
        ended.wait()
    terminal.echo("closed", err=True)


def _text(name: str, opened: OpenTunnel) -> list[str]:
    lines = [f"{opened.tunnel.title} is at", f"  {opened.url}"]
    if login := opened.tunnel.login:
        lines.append(f"  user {login.user}, password: orchestrator secret {name} {login.secret}")
    return [*lines, "Ctrl-C closes it."]


def _is_desktop() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _ended_by_signal() -> threading.Event:
    """Give an event that Ctrl-C and a polite end set, so that the tunnel is closed in order."""
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        if ended.is_set():
            raise KeyboardInterrupt
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    return ended
