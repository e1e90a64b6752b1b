"""The checks of a use case, run on a node: a deployment is ready when all of them hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from orchestrator.checks import KINDS, Found, Machine
from orchestrator.errors import RequestError
from orchestrator.model import Check

_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Whether what a check's title says holds, and what was seen."""

    title: str
    ok: bool
    detail: str
    seconds: float = field(default=0.0, compare=False)


def run_checks(
    checks: Sequence[Check],
    *,
    machine: Machine,
    on_result: Callable[[CheckResult], None] = lambda _result: None,
) -> tuple[CheckResult, ...]:
    """Run every check, also after one that does not hold; results come in the order of the checks.

    They run side by side: most of a check is waiting for the node or for a silent port.
    """
    kinds = [_kind(check) for check in checks]
    results = []
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        asked = [
            pool.submit(_timed, kind, machine, check.settings)
            for kind, check in zip(kinds, checks, strict=True)
        ]
        for check, answer in zip(checks, asked, strict=True):
            (ok, detail), seconds = answer.result()
            results.append(CheckResult(title=check.title, ok=ok, detail=detail, seconds=seconds))
            on_result(results[-1])
    return tuple(results)


def _kind(check: Check) -> Callable[[Machine, Mapping[str, Any]], Found]:
    if check.kind not in KINDS:
        raise RequestError(
            f"there is no kind of check {check.kind!r}", facts={"there are": ", ".join(KINDS)}
        )
    return KINDS[check.kind]


def _timed(
    kind: Callable[[Machine, Mapping[str, Any]], Found],
    machine: Machine,
    settings: Mapping[str, Any],
) -> tuple[Found, float]:
    start = time.monotonic()
    return kind(machine, settings), time.monotonic() - start
