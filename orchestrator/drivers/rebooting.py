"""A node booted anew over SSH, and waited for until it is another boot than before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from orchestrator.drivers import remote, ssh
from orchestrator.errors import DeploymentFailedError, InterruptedRunError
from orchestrator.model import Node
from orchestrator.workdir import Workdir

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_PAUSE = 3.0


def reboot(
    nodes: Sequence[Node],
    *,
    workdir: Workdir,
    env: Mapping[str, str],
    seconds: float,
    stop: threading.Event,
    on_wait: Callable[[str], None],
) -> None:
    """Boot all nodes anew; raise DeploymentFailedError when one does not come back in time.

    Those behind another node go first: afterwards nothing leads to them for a while.
    """
    before = {node.name: _boot_id(node, workdir=workdir, env=env) for node in nodes}
    silent = [name for name, boot in before.items() if not boot]
    if silent:
        raise DeploymentFailedError(f"{', '.join(silent)} does not answer, so it is not rebooted")
    behind_first = sorted(nodes, key=lambda node: node.hop is None)
    for node in behind_first:
        on_wait(f"{node.name}: rebooting")
        remote.run(node, ["sudo", "-n", "systemctl", "reboot"], workdir=workdir, env=env)
    deadline = time.monotonic() + seconds
    for node in reversed(behind_first):
        on_wait(f"{node.name}: waiting for its next boot")
        while _boot_id(node, workdir=workdir, env=env) in ("", before[node.name]):
            if time.monotonic() > deadline:
                raise DeploymentFailedError(
                    f"{node.name} has not come back within {seconds:g} s after its reboot",
                    way_out=["look at its console at the site"],
                )
            if stop.wait(_PAUSE):
                raise InterruptedRunError(f"stopped while {node.name} was booting")
        ssh.wait_until_ssh(
            node, workdir=workdir, env=env, deadline=deadline, stop=stop, on_wait=on_wait
        )


def _boot_id(node: Node, *, workdir: Workdir, env: Mapping[str, str]) -> str:
    """Return what is another one after each boot; nothing where the node does not answer."""
    answer = remote.run(node, ["cat", _BOOT_ID], workdir=workdir, env=env)
    return answer.stdout.strip() if answer.code == 0 else ""
