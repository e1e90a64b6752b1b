"""What a site's listing tells of a deployment, shape by shape."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.adopting import Seen, read
from orchestrator.drivers.openstack_marks import Resource
from orchestrator.drivers.openstack_traces import NodeTrace, Traces
from orchestrator.model import Flavor, Image, Network, NodeGroup, Offer, UseCase, Volume

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OWN_NETWORK = Resource(kind="network", id="own", name="sky-network", address="n")


def node(name="sky-vm", **given):
    usual = {
        "name": name, "server_id": f"id-{name}", "made_at": "2026-11-24T12:00:00Z",
        "flavor": "m1.small", "image_id": "i1", "boot_volume_gb": 0, "network_id": "own",
        "subnet_id": "s1", "addresses": ("10.0.0.5",),
    }  # fmt: skip
    return NodeTrace(**(usual | given))


def with_address(name="sky-vm", address="198.51.100.7", *, ours=True):
    return node(
        name, floating_ip=address, floating_ip_id="fip", floating_network_id="ext",
        floating_ip_is_ours=ours,
    )  # fmt: skip


def told(*nodes, resources=(OWN_NETWORK,), gateway="ext", name="sky", groups=("vm",), volumes=()):
    traces = Traces(
        deployment_id="d1", name=name, use_case="docker", resources=resources, nodes=nodes,
        gateway_network_id=gateway,
    )  # fmt: skip
    offer = Offer(
        site="SIM", project_id="p", collected_at=NOW, routers=(), floating_ips=(), quotas=(),
        volumes=volumes,
        networks=(
            Network(id="ext", name="public", external=True, shared=False, owned=False),
            Network(id="lan", name="lan", external=False, shared=True, owned=False),
        ),
        flavors=(Flavor(id="f1", name="m1.small", vcpus=1, ram_mb=2048, disk_gb=20),),
        images=(Image(id="i1", name="Debian 12", status="active", visibility="public",
                      created_at=NOW),),
    )  # fmt: skip
    return read(Seen(traces=traces, offer=offer, site="SIM", vo="vo"), use_case(groups))


def use_case(groups):
    nodes = tuple(NodeGroup(name=group, groups=(f"{group}s",)) for group in groups)
    return UseCase(
        name="docker", version="1", title="", description="", need=None, parameters=(), nodes=nodes,
        roles=(), checks=(), folder=None,
    )  # fmt: skip


def test_a_network_of_its_own_with_a_floating_ip():
    found = told(with_address())
    selection = found.selection
    assert (selection.flavor.value, selection.flavor.name) == ("f1", "m1.small")
    assert (selection.image.value, selection.image.name) == ("i1", "Debian 12")
    assert selection.topology.value == "floating"
    assert (selection.public_network.value, selection.public_network.name) == ("ext", "public")
    assert (selection.private_network, selection.attachment, selection.floating_ip) == (None,) * 3
    (one,) = found.nodes
    assert (one.address, one.private_ip, one.groups) == ("198.51.100.7", "10.0.0.5", ("vms",))
    assert (one.id, one.user, one.hop) == ("id-sky-vm", "egi", None)
    assert found.made_at == datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_network_that_was_there_already():
    selection = told(replace(with_address(), network_id="lan"), resources=()).selection
    assert selection.private_network.name == "lan"
    assert (selection.attachment.network_id, selection.attachment.subnet_id) == ("lan", "s1")


def test_an_address_that_the_project_held_before_is_used_again():
    selection = told(with_address(ours=False)).selection
    assert (selection.floating_ip.value, selection.floating_ip.name) == ("fip", "198.51.100.7")


def test_one_address_for_several_nodes_is_a_bastion_in_the_use_cases_order():
    found = told(
        node("sky-a", addresses=("10.0.0.6",)), with_address("sky-door"), groups=("door", "a")
    )
    assert found.selection.topology.value == "bastion"
    hops = {one.name: one.hop and one.hop.host for one in found.nodes}
    assert hops == {"sky-door": None, "sky-a": "198.51.100.7"}
    assert {one.name: one.address for one in found.nodes}["sky-a"] == "10.0.0.6"


def test_addresses_of_the_nodes_own():
    direct = node(network_id="lan", addresses=("193.1.2.3",))
    selection = told(direct, resources=(), gateway=None).selection
    assert selection.topology.value == "direct"
    assert selection.public_network.name == "lan"
    assert (selection.attachment.network_id, selection.attachment.subnet_id) == ("lan", None)


def test_the_open_ports_of_a_page_tell_that_there_may_be_a_name():
    address = "module.access.openstack_networking_secgroup_rule_v2.{}"
    rules = {
        kind: Resource(kind="security_group_rule", id=kind, name="", address=address.format(kind))
        for kind in ('ssh["0.0.0.0/0"]', 'page["443/IPv4"]')
    }
    ssh, page = rules.values()
    assert not told(with_address(), resources=(ssh,)).has_page
    assert told(with_address(), resources=(ssh, page)).has_page


@pytest.mark.parametrize(("ranges", "version"), [(("0.0.0.0/0",), 4), (("0.0.0.0/0", "::/0"), 6)])
def test_ssh_is_let_in_from_the_family_by_which_the_nodes_are_reached(ranges, version):
    rules = tuple(
        Resource(kind="security_group_rule", id=one, name="", address=f'm.ssh["{one}"]')
        for one in ranges
    )
    assert told(node(), resources=rules, gateway=None).selection.ip_version == version


def test_a_data_volume_that_was_made_with_it():
    volume = Resource(kind="volume", id="v1", name="sky-data", size_gb=5)
    server = Resource(kind="server", id="id-sky-vm", name="sky-vm", volumes=("v1",))
    selection = told(with_address(), resources=(OWN_NETWORK, server, volume)).selection
    assert (selection.volume_gb, selection.volume) == (5, None)


def test_a_data_volume_of_before():
    server = Resource(kind="server", id="id-sky-vm", name="sky-vm", volumes=("v2",))
    others = (
        Volume(id="v1", name="other", size_gb=9, status="in-use"),
        Volume(id="v2", name="sky", size_gb=7, status="in-use"),
    )
    found = told(with_address(), resources=(OWN_NETWORK, server), volumes=others).selection
    assert found.volume_gb == 7
    assert found.volume.value == "v2"


def test_a_machine_that_boots_from_a_volume():
    selection = told(replace(with_address(), image_id=None, boot_volume_gb=20)).selection
    assert (selection.boot_volume_gb, selection.image.value) == (20, "")


def test_what_is_no_longer_listed_is_said_so():
    selection = told(replace(with_address(), flavor="old", image_id="i0")).selection
    assert selection.flavor.label == "old, which is no longer listed"
    assert selection.image.label == "i0, no longer listed"


@pytest.mark.parametrize("hostile", ["", "../../etc", "Sky", "a\nb", "${x}", "x" * 300])
def test_a_name_that_no_deployment_can_have_is_not_believed(hostile):
    assert told(with_address(), name=hostile).name == "sky"
    assert told(with_address(), name=hostile, resources=()).name == "adopted-d1"


@pytest.mark.parametrize("text", ["2026-11-24T12:00:00", "yesterday", "", "9" * 400])
def test_a_time_without_a_zone_or_sense_is_no_trouble_beside_a_whole_one(text):
    odd = replace(node("sky-b"), made_at=text)
    assert told(odd, replace(node("sky-a"), made_at=NOW.isoformat())).made_at <= NOW


def test_without_a_machine_nothing_is_known_but_the_name():
    found = told()
    assert (found.name, found.selection, found.nodes, found.made_at) == ("sky", None, (), None)
