"""The end of a deployment as its machines know it: they power themselves off then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from orchestrator.drivers import endtimer
from orchestrator.model import Deployment
from orchestrator.workdir import Workdir, write_atomically

_FILE = "end-known-to-nodes"


def is_known(deployment: Deployment, workdir: Workdir) -> bool:
    """Tell whether all machines were told of this end, as far as is remembered here."""
    file = workdir.path / _FILE
    return file.is_file() and file.read_text(encoding="ascii") == _mark(deployment)


def tell(deployment: Deployment, *, workdir: Workdir, env: Mapping[str, str]) -> Mapping[str, str]:
    """Tell every machine when to power itself off; return why not for those that could not be told."""
    asked = {
        node.name: endtimer.set_end(node, deployment.expires_at, workdir=workdir, env=env)
        for node in deployment.nodes
    }
    untold = {name: why for name, why in asked.items() if why}
    if not untold:
        write_atomically(workdir.path / _FILE, _mark(deployment))
    return untold


def settle(deployment: Deployment, *, workdir: Workdir, env: Mapping[str, str], again: bool) -> str:
    """Let the machines power themselves off at the end; say what they know of it.

    Those that know it already are told ``again`` or not at all, and then there is nothing to say.
    """
    name, end = deployment.name, f"{deployment.expires_at:%d %b %Y, %H:%M} UTC"
    if deployment.expires_at <= datetime.now(UTC):
        return f"the end of {name} came on {end}; orchestrator extend {name}        puts it off"
    if not again and is_known(deployment, workdir):
        return ""
    untold = tell(deployment, workdir=workdir, env=env)
    if untold:
        why = ", ".join(f"{node}: {reason}" for node, reason in untold.items())
        return f"not every machine knows when to power itself off ({why})"
    return f"the machines power themselves off on {end}"


def _mark(deployment: Deployment) -> str:
    names = ",".join(sorted(node.name for node in deployment.nodes))
    return f"{deployment.expires_at.isoformat()} {names}"
