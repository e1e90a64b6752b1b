"""The doubles themselves: they keep state, and refuse what they do not know."""

from __future__ import annotations

import threading

import pytest

from orchestrator import rendering
from orchestrator.drivers.openstack_marks import Resource
from orchestrator.errors import BusyError
from orchestrator.workdir import Workdir
from tests.unit.simulations import KEYSTONE_TOKEN, Cloud, Machine, Server, Terraform, make_key


@pytest.fixture
def terraform(world, tmp_path):
    workdir = Workdir(tmp_path / "work")
    workdir.create()

    def make(token=KEYSTONE_TOKEN):
        return Terraform(
            world,
            workdir,
            program=tmp_path / "bin" / "terraform",
            cli_config=tmp_path / "rc",
            env={},
            token=token,
            on_event=lambda event: None,
            stop=threading.Event(),
            keep_open=[0],
        )

    return make


def test_a_terraform_refuses_another_token(terraform):
    with pytest.raises(AssertionError):
        terraform(token="stolen")


def test_a_terraform_refuses_to_plan_before_init_and_to_apply_without_a_plan(terraform):
    with pytest.raises(AssertionError, match="before init"):
        terraform().save_plan()
    with pytest.raises(AssertionError, match="without a saved plan"):
        terraform().apply_saved_plan()


def test_a_site_refuses_other_projects_and_what_it_does_not_have(world):
    cloud = Cloud(world, "SIM")
    with pytest.raises(AssertionError):
        cloud.networks("another")
    with pytest.raises(KeyError):
        cloud.console_of("sky-toy", "d1")
    with pytest.raises(KeyError):
        cloud.remove(Resource(kind="port", id="p", name="p"))
    assert cloud.status_of("sky-toy", "d1") == "gone"


def test_a_site_does_not_remove_what_a_server_uses(world):
    world.resources = {("server", "sky"): "d1", ("port", "sky"): "d1"}
    with pytest.raises(BusyError, match="is using it"):
        Cloud(world, "SIM").remove(Resource(kind="port", id="sky", name="sky"))


def test_a_machine_knows_services_only():
    machine = Machine(Server(services={"toy"}))
    assert machine.is_running("toy")
    machine.run(["true"])
    with pytest.raises(AssertionError, match="knows no"):
        machine.run(["id"])


def test_a_key_is_one_that_the_rendering_takes(terraform, tmp_path):
    workdir = Workdir(tmp_path / "work")
    terraform()
    assert rendering._public_key(make_key(workdir, name="sky", env={}))
