"""Floating IPs: how many are left, whether one may be used again, whether new ones can be named."""

import pytest

from orchestrator.errors import RequestError, SiteError
from orchestrator.model import FloatingIp, Quota
from orchestrator.selection import addresses
from orchestrator.selection.overrides import Override
from orchestrator.selection.topologies import connect
from tests.unit.selection.offers import network, offer, site

FREE = FloatingIp(id="f1", address="198.51.100.7", network_id="id-ext", attached=False)
TAKEN = FloatingIp(id="f2", address="198.51.100.8", network_id="id-ext", attached=True)


def fixed(**given):
    return {key: Override(value=value, origin="--set") for key, value in given.items()}


@pytest.mark.parametrize(
    ("quotas", "left"),
    [
        ((), None),
        ((Quota(name="floating_ips", used=1, limit=None),), None),
        ((Quota(name="floating_ips", used=1, limit=3),), 2),
        ((Quota(name="floating_ips", used=5, limit=3),), 0),
    ],
)
def test_what_is_left_of_the_quota(quotas, left):
    assert addresses.left(offer(quotas=quotas)) == left


@pytest.mark.parametrize("value", ["f1", "198.51.100.7"])
def test_an_address_is_found_by_itself_or_its_id_and_is_kept(value):
    listed = offer(networks=(network("ext"),), floating_ips=(TAKEN, FREE))
    found = connect(listed, site=site(), fixed=fixed(floating_ip=value))
    assert (found.floating_ip.value, found.floating_ip.name) == ("f1", "198.51.100.7")
    assert found.floating_ip.reason.endswith("the project holds it, and keeps it")
    assert found.floating_ip.candidates == 1


@pytest.mark.parametrize(
    ("value", "problem"),
    [("198.51.100.8", "in use already"), ("198.51.100.9", "has no floating IP 198.51.100.9")],
)
def test_an_address_that_is_taken_or_unknown_is_refused_with_the_free_ones(value, problem):
    with pytest.raises(RequestError, match=problem) as caught:
        addresses.held(offer(floating_ips=(TAKEN, FREE)), fixed(floating_ip=value)["floating_ip"])
    assert caught.value.facts["free are"] == "198.51.100.7"


@pytest.mark.parametrize(
    ("networks", "named"),
    [
        ((network("ext", is_default=True), network("ext", id="2")), "2 networks named 'ext'"),
        ((network("", id="1"),), "a network without name"),
    ],
)
def test_new_addresses_need_a_network_that_its_name_tells_apart(networks, named):
    with pytest.raises(SiteError, match=named):
        connect(offer(networks=networks), site=site())


def test_one_that_is_held_needs_no_name_unless_more_are_wanted():
    twins = (network("ext"), network("ext", id="2"))
    listed = offer(networks=twins, floating_ips=(FREE,))
    asked = fixed(floating_ip="f1")
    assert connect(listed, site=site(), fixed=asked).public_network.value == "id-ext"
    with pytest.raises(SiteError, match="asked for by name"):
        connect(listed, site=site(), fixed=asked, public_nodes=2)
    bastion = fixed(floating_ip="f1", topology="bastion")
    assert connect(listed, site=site(), fixed=bastion, public_nodes=2).floating_ip.value == "f1"
