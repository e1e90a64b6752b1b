"""What is done to a state, and what a planted bug makes of Terraform's code."""

from __future__ import annotations

import pytest

from orchestrator.paths import TERRAFORM_MODULES
from tests.faults.damage import damage
from tests.faults.planted import tagged


@pytest.mark.parametrize(
    ("how", "left"),
    [("none", "0123456789"), ("emptied", ""), ("truncated", "01234"), ("rolled back", "older")],
)
def test_a_state_is_damaged_as_asked(tmp_path, how, left):
    state = tmp_path / "terraform.tfstate"
    state.write_text("0123456789")
    damage(state, how, older="older")
    assert state.read_text() == left


def test_a_state_is_deleted(tmp_path):
    state = tmp_path / "terraform.tfstate"
    state.write_text("{}")
    damage(state, "deleted", older=None)
    assert not state.exists()


def test_without_an_older_one_a_state_stays_as_it_is(tmp_path):
    state = tmp_path / "terraform.tfstate"
    state.write_text("new")
    damage(state, "rolled back", older=None)
    assert state.read_text() == "new"


def test_no_state_is_not_made_by_damaging_it(tmp_path):
    damage(tmp_path / "terraform.tfstate", "emptied", older=None)
    assert list(tmp_path.iterdir()) == []


def test_the_planted_bug_moves_the_marks_of_what_neutron_makes_into_tags():
    network = tagged((TERRAFORM_MODULES / "network" / "main.tf").read_text())
    assert network.count("tags = [") == 3
    assert 'description = "${local.mark}' not in network
    access = tagged((TERRAFORM_MODULES / "access" / "main.tf").read_text())
    assert "openstack_networking_secgroup_rule_v2.ssh[" in access
    assert access.count("tags = [") == 1
