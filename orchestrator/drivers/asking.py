"""What a web service answers: one on a node, asked there, or one at the local end of a tunnel."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.drivers import onnode, remote
from orchestrator.drivers.onnode import web
from orchestrator.model import Node
from orchestrator.workdir import Workdir

_PROGRAM = Path(onnode.__file__).with_name("web.py")
_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAnswer:
    """An answer; a status of 0 says that there was none, and the text why."""

    status: int
    text: str = field(repr=False)


def ask_here(url: str, *, user: str = "", password: str = "") -> WebAnswer:
    """Ask a service of this machine."""
    return WebAnswer(**web.ask(url, user, password, _SECONDS))


def ask_on_node(
    node: Node,
    url: str,
    *,
    workdir: Workdir,
    env: Mapping[str, str],
    user: str = "",
    password: str = "",
    options: Sequence[str] = (),
) -> WebAnswer:
    """Ask a service from inside the node; the password is on no command line, here or there."""
    question = {"url": url, "user": user, "password": password, "seconds": _SECONDS}
    told = remote.run(
        node,
        ["python3", "-c", _PROGRAM.read_text(encoding="utf-8")],
        workdir=workdir,
        env=env,
        seconds=6 * _SECONDS,
        stdin=json.dumps(question) + "\n",
        options=options,
    )
    if told.code != 0:
        return WebAnswer(status=0, text=told.last_words)
    return WebAnswer(**json.loads(told.stdout))
