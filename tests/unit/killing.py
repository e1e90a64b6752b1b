"""A process that ends at a step of the test's choice, as by SIGKILL: nothing that follows in it happens."""

from __future__ import annotations

import functools
import pkgutil
import threading
from collections.abc import Callable
from dataclasses import dataclass

# What a run leaves behind: what the site, the store and the work folder are told.
STEPS = (
    "tests.unit.simulations.Terraform._apply",
    "tests.unit.simulations.Terraform._write",
    "tests.unit.simulations.Cloud.remove",
    "tests.unit.simulations.Cloud.stop",
    "tests.unit.simulations.Cloud.keep",
    "orchestrator.store.opening.writing",
    "orchestrator.keeping.keep",
    "orchestrator.workdir.write_atomically",
    "orchestrator.workdir.Workdir.create",
    "orchestrator.workdir.Workdir.keep_state",
    "orchestrator.workdir.Workdir.set_state_aside",
    "orchestrator.workdir.Workdir.write_imports",
    "orchestrator.workdir.Workdir.remove",
)


class Killed(BaseException):
    """The process is gone; nothing in the product may catch this and go on."""


@dataclass
class Process:
    """The one that is at work: how many steps it has left, and what happens before one of them."""

    left: int | None = None
    of: str = ""  # what the steps that count have in their names
    act: Callable[[], None] | None = None  # done once, where the steps end, instead of dying there
    is_dead: bool = False

    def step(self, name: str) -> None:
        """Take one more step, or none where the process ends here."""
        # A heartbeat dies with its process, and takes no step of the run.
        if threading.current_thread() is not threading.main_thread():
            return
        counts = self.of in name
        if self.left == 0 and counts:
            self.left, act, self.act = None, self.act, None
            if act is not None:
                act()
                return
            self.is_dead = True
        if self.is_dead:
            raise Killed
        if self.left is not None and counts:
            self.left -= 1


def watch(patch, process: Callable[[], Process]) -> None:
    """Have every step of the product taken by the process that is at work then."""
    for name in STEPS:
        patch.setattr(name, _stepping(name, process))


def _stepping(name: str, process: Callable[[], Process]):
    does = pkgutil.resolve_name(name)

    @functools.wraps(does)
    def stepping(*args, **options):
        process().step(name)
        return does(*args, **options)

    return stepping
