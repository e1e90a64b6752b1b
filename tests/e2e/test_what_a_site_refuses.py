"""What a site cannot give, or no more once the plan is made: told by its cause, and gone on from.

The machines have an empty disk, as those of the trials do: nothing is configured on them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from openstack.connection import Connection

from sandbox.networks import EXTERNAL
from tests.e2e.people import project_of
from tests.faults import ground, site
from tests.faults.site import WANTED, Project
from tests.faults.ways import Orchestrated

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

VO = "bastion.sandbox"
Trouble = Callable[[Connection, str], AbstractContextManager[None]]


@contextmanager
def no_host(admin: Connection, _project: str) -> Iterator[None]:
    """Take the hosts out of service."""
    hosts = list(admin.compute.services(binary="nova-compute"))
    for host in hosts:
        admin.compute.disable_service(host)
    try:
        yield
    finally:
        for host in hosts:
            admin.compute.enable_service(host)


@contextmanager
def no_address(admin: Connection, _project: str) -> Iterator[None]:
    """Let the external network give out one address alone, which a router has."""
    network = admin.network.find_network(EXTERNAL, ignore_missing=False)
    (subnet,) = admin.network.subnets(network_id=network.id, ip_version=4)
    taken = next(admin.network.ports(network_id=network.id)).fixed_ips[0]["ip_address"]
    usual = subnet.allocation_pools
    admin.network.update_subnet(subnet, allocation_pools=[{"start": taken, "end": taken}])
    try:
        yield
    finally:
        admin.network.update_subnet(subnet, allocation_pools=usual)


@contextmanager
def smaller_quota(admin: Connection, project: str) -> Iterator[None]:
    """Take the project's machines from it."""
    usual = admin.compute.get_quota_set(project).instances
    admin.set_compute_quotas(project, instances=0)
    try:
        yield
    finally:
        admin.set_compute_quotas(project, instances=usual)


@contextmanager
def image_off(admin: Connection, _project: str) -> Iterator[None]:
    """Switch the image off."""
    image = admin.image.find_image(site.IMAGE, ignore_missing=False)
    admin.image.deactivate_image(image)
    try:
        yield
    finally:
        admin.image.reactivate_image(image)


HOST = (no_host, "the site has no room for a machine of this flavor now")
ADDRESS = (no_address, "the external network has no free address")
QUOTA = (smaller_quota, "the project's quota of machines at the site is used up")
IMAGE = (image_off, "the image has been switched off at the site")


@pytest.mark.parametrize(
    "troubles",
    # One after the other in one deployment; who has machines already asks for no room.
    [pytest.param([ADDRESS], id="address"), pytest.param([QUOTA, IMAGE, HOST], id="machines")],
)
def test_what_goes_once_the_plan_is_made_is_told_and_the_same_command_goes_on(
    troubles: Sequence[tuple[Trouble, str]], blank_image: None, admin: Connection, tmp_path: Path
):
    project = Project(admin, VO)
    way = Orchestrated(ground.new_home(tmp_path), deployment="roomless", vo=VO)
    try:
        for trouble, told in troubles:
            run = way.start("deploy")
            while way.steps("deploy", run) is None:
                time.sleep(0.05)
                assert run.process.poll() is None, run.said
            with trouble(admin, project.id):
                error = run.ended(code=5)
            assert error["message"] == told
            assert "exists" in error["facts"], error

        assert way.start("deploy").ended(code=0)["event"] == "result"
        assert Counter(kind for kind, _ in project.holds("roomless")) == WANTED
        way.start("destroy").ended(code=0)
        assert project.holds("roomless") == set()
    finally:
        project.clear(lambda: project.holds("roomless"))


@pytest.fixture
def without_rules(admin: Connection) -> Iterator[str]:
    """A network of the project's own that leads outside, with its port security off; its id."""
    network, own = admin.network, {"project_id": project_of(admin, VO), "name": "open"}
    outside = network.find_network(EXTERNAL, ignore_missing=False).id
    open_to_all = network.create_network(**own, port_security_enabled=False).id
    subnet = network.create_subnet(**own, network_id=open_to_all, ip_version=4, cidr="10.78.0.0/24")
    router = network.create_router(**own, external_gateway_info={"network_id": outside})
    network.add_interface_to_router(router, subnet_id=subnet.id)
    yield open_to_all
    network.remove_interface_from_router(router, subnet_id=subnet.id)
    network.delete_router(router)
    network.delete_network(open_to_all)


def test_a_network_that_takes_no_firewall_rules_is_told_until_it_does(
    without_rules: str, blank_image: None, admin: Connection, tmp_path: Path
):
    project = Project(admin, VO)
    before = project.holds("ruleless")
    home, fixed = ground.new_home(tmp_path), ["private_network=open"]
    way = Orchestrated(home, deployment="ruleless", vo=VO, fixed=fixed)
    try:
        error = way.start("deploy").ended(code=5)
        assert error["message"].startswith("the network takes no firewall rules")
        admin.network.update_network(without_rules, port_security_enabled=True)
        way.start("deploy").ended(code=0)
        way.start("destroy").ended(code=0)
        assert project.holds("ruleless") == before
    finally:
        project.clear(lambda: project.holds("ruleless") - before)


@contextmanager
def no_storage(admin: Connection) -> Iterator[None]:
    """Take the block storage out of service."""
    storage = admin.block_storage
    (service,) = storage.services(binary="cinder-volume")
    storage.disable_service(service)
    try:
        yield
    finally:
        storage.enable_service(service)


def volumes(admin: Connection, project: Project) -> list[Any]:
    """List the project's volumes."""
    return list(admin.block_storage.volumes(all_projects=True, project_id=project.id))


def test_a_volume_that_the_storage_does_not_take_is_told_and_made_by_the_same_command(
    blank_image: None, admin: Connection, tmp_path: Path
):
    project = Project(admin, VO)
    home = ground.new_home(tmp_path)
    use_case = home / "config" / "usecases" / "blank" / "usecase.yaml"
    use_case.write_text(use_case.read_text().replace("disk_gb: 1", "disk_gb: 1\n  volume_gb: 1"))
    way = Orchestrated(home, deployment="storeless", vo=VO)
    try:
        with no_storage(admin):
            error = way.start("deploy").ended(code=5)
            (broken,) = volumes(admin, project)
        assert error["message"] == "the site has no storage that takes a volume of this size now"
        words = error["facts"][f"{broken.name}, in Cinder's words"]
        assert "weighted backend" in words

        way.start("deploy").ended(code=0)
        (made,) = volumes(admin, project)
        assert (made.id != broken.id, made.status) == (True, "in-use")
    finally:
        # By hand: `destroy` would wait for machines without a system to shut down.
        project.clear(lambda: project.holds("storeless"))
        for volume in volumes(admin, project):
            admin.block_storage.delete_volume(volume, force=True)
