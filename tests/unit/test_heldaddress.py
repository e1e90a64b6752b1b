"""A floating IP that the project holds: used, and never taken from who has it by now."""

from __future__ import annotations

import pytest

from orchestrator.errors import RefusedError
from orchestrator.lifecycle import Phase
from orchestrator.model import FloatingIp
from orchestrator.rendering import Stays, render_end
from tests.unit.simulations import ADDRESS

HELD = FloatingIp(id="fip", address=ADDRESS, network_id="n-ext", attached=False)
THEIRS = {"fip": "port theirs"}


@pytest.fixture
def with_it(world, asked):
    """A request for a deployment with the address that the project holds."""
    world.addresses = (HELD,)
    return asked(overrides={"floating_ip": ADDRESS})


@pytest.fixture
def ends(monkeypatch):
    """What stayed, each time that the end was rendered."""
    seen = []

    def note(stays):
        seen.append(set(stays))
        return render_end(stays)

    monkeypatch.setattr("orchestrator.provisioning.rendering.render_end", note)
    return seen


def test_one_that_nobody_has_is_used_and_none_is_made(deployer, with_it, world, ends):
    ready = deployer().deploy(with_it).deployment
    assert ready.nodes[0].address == ADDRESS
    assert world.kinds == ["keypair", "server"]
    assert deployer().destroy("sky").phase is Phase.DESTROYED
    assert ends == []


def test_a_plan_that_waits_does_not_take_it_from_who_has_it_since(deployer, with_it, world, record):
    deployer().plan(with_it)
    world.leads_to = THEIRS
    with pytest.raises(RefusedError, match="leads elsewhere by now") as refused:
        deployer().apply("sky")
    assert refused.value.facts["it leads to"] == "port theirs"
    assert world.resources == {}
    # The plan is still there, and good once the address is free.
    assert record().phase is Phase.PLANNED
    world.leads_to = {}
    assert deployer().apply("sky").deployment.phase is Phase.READY


def test_nor_does_a_deploy_take_it_back(deployer, with_it, world):
    deployer().deploy(with_it)
    del world.resources["server", "sky-toy"]
    world.leads_to = THEIRS
    with pytest.raises(RefusedError, match="leads elsewhere by now"):
        deployer().deploy(with_it)
    assert world.kinds == ["keypair"]


def test_a_destroy_leaves_it_to_who_has_it_by_now(deployer, with_it, world, ends):
    deployer().deploy(with_it)
    world.leads_to = THEIRS
    assert deployer().destroy("sky").phase is Phase.DESTROYED
    assert (world.resources, ends) == ({}, [{Stays.ADDRESS}])
