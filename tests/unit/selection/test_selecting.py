"""All choices together, and what a person fixed."""

from dataclasses import replace

import pytest

from orchestrator.errors import SiteError
from orchestrator.model import Quota
from orchestrator.selection.overrides import Override
from orchestrator.selection.selecting import select
from tests.unit.selection.offers import flavor, image, need, network, offer, site

OFFER = offer(
    flavors=(flavor("a"), flavor("b", vcpus=4)),
    images=(image(min_disk_gb=15), image("Debian 11")),
    networks=(network("x", is_default=True), network("y")),
)


def test_every_choice_has_a_reason():
    found = select(OFFER, need(), site=site())
    assert [choice.name for choice in found.choices] == ["a", "Debian 12", "floating", "x"]
    assert all(choice.reason and choice.origin == "discovered" for choice in found.choices)
    assert (found.boot_volume_gb, found.attachment, found.ip_version) == (0, None, 4)


def test_what_is_fixed_is_taken_and_named():
    fixed = {
        "flavor": Override(value="b", origin="--set"),
        "public_network": Override(value="y", origin="sites/S.yaml"),
    }
    found = select(OFFER, need(), site=site(), fixed=fixed)
    assert (found.flavor.name, found.flavor.origin) == ("b", "--set")
    assert (found.public_network.name, found.public_network.origin) == ("y", "sites/S.yaml")


def test_what_the_modules_need_to_know_travels_with_the_choices():
    lan = network("lan", ["fd00::/64"], external=False, owned=True)
    fixed = {"proxy_jump": Override(value="me@host", origin="--set")}
    found = select(replace(OFFER, networks=(lan,)), need(), site=site(), fixed=fixed)
    assert [choice.key for choice in found.choices] == [
        "flavor",
        "image",
        "topology",
        "private_network",
    ]
    assert (found.jump_host.host, found.ip_version) == ("me@host", 6)
    assert found.attachment.network_id == "id-lan"
    assert found.way_in is found.private_network


def test_the_image_has_a_say_in_the_flavor_and_the_nodes_in_the_quota():
    quotas = (Quota(name="cores", used=0, limit=8),)
    found = select(replace(OFFER, quotas=quotas), need(disk_gb=1), site=site(), nodes=3)
    assert found.flavor.name == "a"
    big = (image(min_disk_gb=25),)
    with pytest.raises(SiteError, match="25 GB of disk"):
        select(replace(OFFER, images=big), need(), site=site())


def test_more_public_nodes_than_addresses_share_one():
    quotas = (Quota(name="floating_ips", used=0, limit=1),)
    found = select(replace(OFFER, quotas=quotas), need(), site=site(), nodes=2, public_nodes=2)
    assert found.topology.value == "bastion"
