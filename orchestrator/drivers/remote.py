"""A short program on a node, by SSH: what it answered, or that the node did not."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from orchestrator.drivers import command, ssh
from orchestrator.drivers.command import Answer
from orchestrator.drivers.environment import child_environment
from orchestrator.model import Node
from orchestrator.workdir import Workdir

_NO_CONNECTION = 255


def run(
    node: Node,
    argv: Sequence[str],
    *,
    workdir: Workdir,
    env: Mapping[str, str],
    seconds: float = 30.0,
    stdin: str | None = None,
    options: Sequence[str] = (),
) -> Answer:
    """Run a program as the login user; a node that does not answer in time is a code of 255, as ssh has it."""
    line = ssh.ssh_argv(node, workdir=workdir, command=[shlex.join(argv)])
    try:
        return command.run(
            [line[0], "-oBatchMode=yes", *options, *line[1:]],
            env=child_environment(env),
            timeout=seconds,
            stdin=stdin,
        )
    except command.CommandTimeoutError as error:
        return Answer(code=_NO_CONNECTION, stdout="", stderr=str(error))
