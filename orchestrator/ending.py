"""The end of a deployment as its machines know it: they power themselves off then."""

from __future__ import annotations

from collections.abc import Mapping

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


def _mark(deployment: Deployment) -> str:
    names = ",".join(sorted(node.name for node in deployment.nodes))
    return f"{deployment.expires_at.isoformat()} {names}"
