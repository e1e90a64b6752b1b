"""Trials: a run that goes wrong as its seed says is put right by the next command, whatever it was.

`make faults TRIALS=1000` runs as many as one likes, and the same ones with Terraform alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest

from tests.faults import ground
from tests.faults.fault import QUICK, USUAL, Fault
from tests.faults.trial import Result

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def trials(
    sandbox: None, request: pytest.FixtureRequest
) -> Iterator[Mapping[int, Future[tuple[Result, ...]]]]:
    """All trials that were asked for, side by side in as many lanes as there are projects for them."""
    here = [item for item in request.session.items if item.path == request.path]
    with ground.prepared() as run:
        yield {seed: run.submit(seed) for seed in (item.callspec.params["seed"] for item in here)}


def as_parameter(seed: int) -> object:
    return pytest.param(seed, marks=() if seed in QUICK else pytest.mark.slow)


@pytest.mark.parametrize("seed", [as_parameter(seed) for seed in USUAL])
def test_the_next_command_puts_it_right(
    trials: Mapping[int, Future[tuple[Result, ...]]], seed: int
):
    (result,) = trials[seed].result()
    assert result.problems == [], Fault.of(seed).words
