"""Trials: a run that goes wrong as its seed says is put right by the next command, whatever it was.

`make faults TRIALS=1000` runs as many as one likes, and the same ones with Terraform alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest

from tests.faults import ground
from tests.faults.fault import USUAL, Fault
from tests.faults.trial import Result

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def trials(sandbox: None) -> Iterator[Mapping[int, Future[tuple[Result, ...]]]]:
    """All trials, side by side in as many lanes as there are projects for them."""
    with ground.prepared() as run:
        yield {seed: run.submit(seed) for seed in USUAL}


@pytest.mark.parametrize("seed", USUAL)
def test_the_next_command_puts_it_right(
    trials: Mapping[int, Future[tuple[Result, ...]]], seed: int
):
    (result,) = trials[seed].result()
    assert result.problems == [], Fault.of(seed).words
