"""Trials: a run that goes wrong as its seed says is put right by the next command, whatever it was.

`make faults TRIALS=1000` runs as many as one likes, and the same ones with Terraform alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import ground
from tests.faults.fault import Fault
from tests.faults.ground import Ground

pytestmark = pytest.mark.e2e

SEEDS = range(1, 26)


@pytest.fixture(scope="module")
def prepared(sandbox: None) -> Iterator[Ground]:
    with ground.prepared() as ready:
        yield ready


@pytest.mark.parametrize("seed", SEEDS)
def test_the_next_command_puts_it_right(prepared: Ground, seed: int):
    result = prepared.trial(seed)
    assert result.problems == [], Fault.of(seed).words
