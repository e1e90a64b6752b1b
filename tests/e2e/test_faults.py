"""Trials: a run that goes wrong as its seed says is put right by the next command, whatever it was.

`make faults TRIALS=1000` runs as many as one likes, and the same ones with Terraform alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import ground
from tests.faults.chains import chains
from tests.faults.fault import ALWAYS, USUAL, Fault, Rule

pytestmark = pytest.mark.e2e


# A login that the site takes back once, or for good, when most of it exists.
ONCE, FOR_GOOD = (
    Fault(
        seed=-times,
        kind="api",
        verb="deploy",
        rules=(
            Rule(
                service="network",
                method="POST",
                path=r"/floatingips$",
                nth=1,
                times=times,
                fault="401",
            ),
        ),
    )
    for times in (1, ALWAYS)
)


@pytest.fixture(scope="module")
def trials(sandbox: None, request: pytest.FixtureRequest) -> Iterator[ground.Trials]:
    """All trials that were asked for, side by side in as many lanes as there are projects for them."""
    here = [item for item in request.session.items if item.path == request.path]
    faults = [item.callspec.params["fault"] for item in here]
    with ground.prepared() as run:
        yield {
            fault: trial for chain in chains(faults) for fault, trial in run.submit(chain).items()
        }


@pytest.mark.parametrize("fault", [pytest.param(Fault.of(seed), id=str(seed)) for seed in USUAL])
def test_the_next_command_puts_it_right(trials: ground.Trials, fault: Fault):
    (result,) = trials[fault].result()
    assert result.problems == [], fault.words


@pytest.mark.parametrize("fault", [pytest.param(ONCE, id="once")])
def test_a_login_that_ends_in_the_middle_is_replaced_by_the_same_command(
    trials: ground.Trials, fault: Fault
):
    (result,) = trials[fault].result()
    assert (result.given, result.error, result.problems) == ({"401": 1}, "", [])


@pytest.mark.parametrize("fault", [pytest.param(FOR_GOOD, id="for good")])
def test_without_another_login_the_run_can_be_resumed(trials: ground.Trials, fault: Fault):
    (result,) = trials[fault].result()
    assert result.struck
    assert (result.error, result.problems) == ("DeploymentFailedError", [])
