"""Which ports of a node answer: from here, or from what SSH goes through on its way there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from orchestrator.drivers import command, ports, ssh
from orchestrator.drivers.environment import child_environment
from orchestrator.model import Node
from orchestrator.workdir import Workdir

# One connection each; an sshd refuses more than a few that have not logged in yet.
_AT_ONCE = 4
_PATIENCE = 15
# The far end of a forwarded channel took the connection; the other words are those of a
# connection that the person shares.
_TAKEN = ("open confirm", "master session id")


def answering_ports(
    node: Node, tried: Sequence[int], *, workdir: Workdir, env: Mapping[str, str]
) -> set[int]:
    """Return those of a node's ports that take a connection: from here, or from its hop.

    Raises DeploymentFailedError where a host of the person's does not let us through: what
    nobody could try is not closed.
    """
    hop = node.hop
    if hop is None:
        return ports.answering_ports(node.address, tried)

    def answers(port: int) -> bool:
        target = f"[{node.address}]:{port}"
        argv = ssh.forward_argv(hop, target=target, workdir=workdir, more=["-vv"])
        words = _words(argv, env)
        refused = ssh.no_way_through(node, words)
        if refused is not None:
            raise refused
        return any(taken in words for taken in _TAKEN)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = zip(tried, pool.map(answers, tried), strict=True)
        return {port for port, is_open in found if is_open}


def _words(argv: Sequence[str], env: Mapping[str, str]) -> str:
    try:
        return command.run(argv, env=child_environment(env), timeout=_PATIENCE).stderr
    except command.CommandTimeoutError as error:
        # What it has said by then counts, also of a port that keeps the connection.
        return error.stderr
