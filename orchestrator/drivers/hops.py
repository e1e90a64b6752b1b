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
# The far end of a forwarded channel took the connection.
_TAKEN = "open confirm"


def answering_ports(
    node: Node, tried: Sequence[int], *, workdir: Workdir, env: Mapping[str, str]
) -> set[int]:
    """Return those of a node's ports that take a connection: from here, or from its hop."""
    if node.hop is None:
        return ports.answering_ports(node.address, tried)
    hop = node.hop

    def answers(port: int) -> bool:
        target = f"[{node.address}]:{port}"
        argv = ssh.forward_argv(hop, target=target, workdir=workdir, more=["-vv"])
        # What it has said by then counts, also of a port that keeps the connection.
        ended = ["timeout", str(_PATIENCE), *argv]
        answer = command.run(ended, env=child_environment(env), timeout=2 * _PATIENCE)
        return _TAKEN in answer.stderr

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = zip(tried, pool.map(answers, tried), strict=True)
        return {port for port, is_open in found if is_open}
