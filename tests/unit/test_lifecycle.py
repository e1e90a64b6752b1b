"""Which phase may follow which."""

import pytest

from orchestrator.lifecycle import MAY_HOLD_RESOURCES, Phase, is_allowed

IN_ORDER = [
    Phase.REQUESTED,
    Phase.CHOSEN,
    Phase.PLANNED,
    Phase.APPLYING,
    Phase.APPLIED,
    Phase.CONFIGURING,
    Phase.VERIFYING,
    Phase.READY,
]


def test_a_first_deployment_goes_through_all_phases_in_order():
    assert all(is_allowed(a, b) for a, b in zip(IN_ORDER, IN_ORDER[1:], strict=False))


@pytest.mark.parametrize("phase", IN_ORDER)
def test_anything_that_lives_can_be_destroyed(phase):
    assert is_allowed(phase, Phase.DESTROYING)


@pytest.mark.parametrize("phase", Phase)
def test_nothing_comes_back_from_destroyed(phase):
    assert not is_allowed(Phase.DESTROYED, phase)


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.DESTROYING])
def test_a_destroy_that_began_is_only_finished(phase):
    assert is_allowed(Phase.DESTROYING, phase) == (phase is Phase.DESTROYED)


@pytest.mark.parametrize("phase", [p for p in IN_ORDER if p in MAY_HOLD_RESOURCES])
def test_what_may_hold_resources_never_looks_empty_again(phase):
    empty = [p for p in IN_ORDER if p not in MAY_HOLD_RESOURCES]
    assert not any(is_allowed(phase, after) for after in empty)
    assert is_allowed(phase, Phase.APPLYING)


def test_nothing_exists_before_the_apply_begins():
    before = {Phase.REQUESTED, Phase.CHOSEN, Phase.PLANNED, Phase.DESTROYED}
    assert set(Phase) - before == MAY_HOLD_RESOURCES
