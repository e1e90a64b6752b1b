"""make bench: many deployments at once on one machine, which has places for a few Terraforms only.

Alone: COUNT=6 python -m tests.bench.many. Each deployment is a process of its own in one shared
home: a machine with an empty disk on a network that is there. The machines are real, and stop in
their firmware.
"""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openstack import exceptions
from openstack.connection import Connection
from openstack.proxy import Proxy

from orchestrator.drivers import leftovers
from orchestrator.drivers.slots import usual_count
from tests.bench import blank
from tests.bench.blank import LONGEST, Ground
from tests.faults.ways import Started

COUNT = int(os.environ.get("COUNT", "50"))
# Its project has neither a network to make nor floating addresses: a private network that is there.
VO = "jump.sandbox"
USE_CASES = Path(__file__).with_name("usecases")
# The bound must hold at every moment; what memory there is changes slowly, and costs more to ask.
_TICK, _MEMORY_TICK = 0.2, 1.0

_FLAVOR = "bench-blank"
# A machine that stops in its firmware needs none of what Placement would set aside for it.
_TAKES_NOTHING = {"resources:VCPU": "0", "resources:MEMORY_MB": "1", "resources:DISK_GB": "0"}
_QUOTAS: Mapping[str, tuple[str, str, Mapping[str, int]]] = {
    "compute": ("/os-quota-sets", "quota_set", {"cores": -1, "instances": -1, "ram": -1}),
    "network": (
        "/quotas",
        "quota",
        {"port": -1, "security_group": -1, "security_group_rule": -1},
    ),
}


@dataclass(slots=True)
class Load:
    """How long runs took that began together, and what they took of this machine at the most."""

    seconds: dict[str, float] = field(default_factory=dict)  # by deployment
    terraforms: int = 0
    orchestrators_mb: float = 0.0
    terraforms_mb: float = 0.0

    @property
    def span(self) -> float:
        """Seconds from the beginning of all to the end of the last."""
        return max(self.seconds.values())

    def look(self, home: Path, orchestrators: Collection[int], *, memory: bool) -> None:
        """Look what is at work now."""
        # Each works in its deployment's folder, its provider too.
        found = leftovers.find(home / "data" / "deployments")
        terraforms = [one for one in found if one.program.split()[:1] == ["terraform"]]
        self.terraforms = max(self.terraforms, len(terraforms))
        if memory:
            ours = sum(map(_memory_mb, orchestrators))
            theirs = sum(_memory_mb(one.pid) for one in found if one.is_terraform)
            self.orchestrators_mb = max(self.orchestrators_mb, ours)
            self.terraforms_mb = max(self.terraforms_mb, theirs)


def measure() -> dict[str, float]:
    """Return throughput, times and peaks of so many deployments at once, and of their removal."""
    names = tuple(f"many-{number:03d}" for number in range(1, COUNT + 1))
    with blank.prepared(VO, names=names, use_cases=USE_CASES) as ground, room_for_all(ground):
        made = at_once(ground, "deploy")
        # Figures that took minutes are not lost where the removal goes wrong.
        print(told(f"{COUNT} at once", made), file=sys.stderr, flush=True)
        removed = at_once(ground, "destroy")
        ground.require_nothing_left()
    peak = max(made.terraforms, removed.terraforms)
    if peak > usual_count():
        raise SystemExit(f"{peak} Terraforms at once, in {usual_count()} places")
    return {
        **told(f"{COUNT} at once", made),
        f"{COUNT} at once: greatest number of Terraforms": peak,
        f"{COUNT} at once: places for Terraform": usual_count(),
        f"{COUNT} at once: peak MB of all orchestrators": made.orchestrators_mb,
        f"{COUNT} at once: peak MB of all Terraforms": made.terraforms_mb,
        **told(f"{COUNT} destroyed at once", removed),
    }


def told(what: str, load: Load) -> dict[str, float]:
    """Return the figures of time."""
    seconds = sorted(load.seconds.values())
    # The smallest time that 95 of 100 do not exceed.
    p95 = seconds[-(-95 * len(seconds) // 100) - 1]
    return {
        f"{what}: a minute": 60 * len(seconds) / load.span,
        f"{what}: p50 seconds": statistics.median(seconds),
        f"{what}: p95 seconds": p95,
    }


def at_once(ground: Ground, verb: str) -> Load:
    """Start a verb on all deployments, a process each; return what that took once all have ended well."""
    load = Load()
    began = time.monotonic()
    runs: dict[str, Started] = {}
    try:
        for name in ground.names:
            runs[name] = ground.begin(verb, name)
        _follow(load, ground, runs, began)
    finally:
        for run in runs.values():
            run.process.kill()
            run.process.wait()
    blank.require_good_end(verb, runs)
    return load


def _follow(load: Load, ground: Ground, runs: Mapping[str, Started], began: float) -> None:
    looked = began
    while True:
        now = time.monotonic()
        for name, run in runs.items():
            if name not in load.seconds and run.process.poll() is not None:
                load.seconds[name] = now - began
        working = [run.process.pid for name, run in runs.items() if name not in load.seconds]
        if not working:
            return
        if now - began > LONGEST:
            raise SystemExit(f"{len(working)} of {len(runs)} have not ended in {LONGEST:.0f} s")
        memory = now - looked > _MEMORY_TICK
        looked = now if memory else looked
        load.look(ground.home, working, memory=memory)
        time.sleep(_TICK)


def _memory_mb(pid: int) -> float:
    """Return what a process has of memory, its part only of what it shares; zero when it has ended."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        if found := re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE):
            return int(found[1]) / 1024
    return 0.0


# --- room at the site


@contextmanager
def room_for_all(ground: Ground) -> Iterator[None]:
    """Let the project have any number of machines, of a flavor that takes nothing of the site; then no more."""
    admin, project = ground.admin, ground.project.id
    _remove_flavor(admin)
    with ExitStack() as stack:
        stack.callback(_remove_flavor, admin)
        made = admin.compute.create_flavor(
            id=_FLAVOR, name=_FLAVOR, vcpus=1, ram=128, disk=1, is_public=False
        )
        admin.compute.create_flavor_extra_specs(made, _TAKES_NOTHING)
        admin.compute.flavor_add_tenant_access(made.id, project)
        for service, (path, word, limits) in _QUOTAS.items():
            quotas = getattr(admin, service)
            # The site gives this VO the usual limits: without any of its own it has them again.
            stack.callback(_without_own_limits, quotas, f"{path}/{project}")
            answer = quotas.put(f"{path}/{project}", json={word: dict(limits)})
            exceptions.raise_from_response(answer)
        yield


def _without_own_limits(quotas: Proxy, path: str) -> None:
    exceptions.raise_from_response(quotas.delete(path))


def _remove_flavor(admin: Connection) -> None:
    admin.compute.delete_flavor(_FLAVOR, ignore_missing=True)


if __name__ == "__main__":
    for what, value in measure().items():
        print(f"{what:<50} {value:>9.2f}")
