"""Runs steps side by side, each as soon as what it needs is done."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from sandbox.errors import SandboxError


@dataclass(frozen=True, slots=True)
class Step:
    """A named piece of work; `run` returns a few words on what it did."""

    name: str
    run: Callable[[], str]
    needs: tuple[str, ...] = ()


Report = Callable[[str, str, float], None]


def check(steps: Sequence[Step]) -> None:
    """Refuse steps that need an unknown step, or each other."""
    done: set[str] = set()
    left = list(steps)
    while left:
        ready = [step for step in left if done.issuperset(step.needs)]
        if not ready:
            raise ValueError(f"these steps can never start: {', '.join(s.name for s in left)}")
        done.update(step.name for step in ready)
        left = [step for step in left if step not in ready]


def run_all(steps: Sequence[Step], report: Report) -> None:
    """Run all steps; after a failure start no more and raise the first error."""
    check(steps)
    waiting = list(steps)
    running: dict[Future[str], tuple[Step, float]] = {}
    done: set[str] = set()
    failed: SandboxError | None = None
    with ThreadPoolExecutor(max_workers=len(steps)) as pool:
        while running or (waiting and not failed):
            if not failed:
                for step in [s for s in waiting if done.issuperset(s.needs)]:
                    waiting.remove(step)
                    running[pool.submit(step.run)] = (step, time.monotonic())
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                step, began = running.pop(future)
                try:
                    report(step.name, future.result(), time.monotonic() - began)
                    done.add(step.name)
                except (SandboxError, OSError) as error:
                    failed = failed or SandboxError(f"step '{step.name}' failed: {error}")
    if failed:
        raise failed
