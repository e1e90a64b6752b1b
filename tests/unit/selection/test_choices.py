"""choosing.py: from a request to all choices, what they take of the quota, and who had the last word."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator import choosing, paths
from orchestrator.errors import RequestError, SiteError
from orchestrator.model import (
    Extra,
    FloatingIp,
    NodeGroup,
    Port,
    Publishing,
    Quota,
    Request,
    Router,
    Setting,
    UseCase,
)
from tests.unit.selection.offers import flavor, image, need, network, offer, site

EXT = network("ext", ["198.51.100.0/24"])
DMZ = network("dmz", ["203.0.113.0/24"], external=False, shared=True)
LAN = network("lan", ["10.1.0.0/24"], external=False, owned=True)
ROUTED = {
    "routers": (Router(id="r", name="r", external_network_id="id-ext"),),
    "ports": (
        Port(network_id="id-lan", subnet_id="s", address="10.1.0.1", device_id="r", use="router"),
    ),
}
FREE = FloatingIp(id="f1", address="198.51.100.7", network_id="id-ext", attached=False)
LIMITS = (
    "cores",
    "instances",
    "volumes",
    "volume_gb",
    "floating_ips",
    "networks",
    "routers",
    "ports",
    "security_groups",
    "security_group_rules",
)


def use_case(nodes=3, public=3):
    groups = tuple(
        NodeGroup(name=f"n{number}", groups=("all",), public=number < public)
        for number in range(nodes)
    )
    return UseCase(
        name="toy",
        version="1",
        title="",
        description="",
        need=need(),
        parameters=(),
        nodes=groups,
        roles=(),
        checks=(),
        folder=Path(),
    )


def listing(*networks, limit=50, disk_gb=20, **given):
    return offer(
        networks=networks,
        flavors=(flavor("a", disk_gb=disk_gb), flavor("b", vcpus=4, disk_gb=disk_gb)),
        images=(image(),),
        quotas=tuple(Quota(name=name, used=0, limit=limit) for name in LIMITS),
        **given,
    )


def choose(listed, case=None, where=None, **request):
    asked = Request(use_case="toy", site="S", **request)
    return choosing.choose(
        listed, asked, case or use_case(), parameters={}, site=where or site(), vo="vo"
    )


def lines(listed, case=None, parameters=None, **request):
    case = case or use_case()
    selection = choose(listed, case, **request)
    found = choosing.quota_lines(listed, selection, case, parameters=parameters or {})
    return {one.name: one.needed for one in found}


def test_the_command_line_beats_the_file_and_the_file_the_site():
    settings = {
        key: (Setting(value="b", origin="sites/S.yaml"),) for key in ("flavor", "public_network")
    }
    where = replace(site(), settings={**settings, "public_network": ()})
    listed = listing(EXT, network("other"))
    plain = choose(listed, where=where)
    assert (plain.flavor.name, plain.flavor.origin) == ("b", "sites/S.yaml")
    filed = choose(listed, where=where, written={"flavor": "a"}, file="sky.yaml")
    assert (filed.flavor.name, filed.flavor.origin) == ("a", "sky.yaml")
    last = choose(
        listed, where=where, written={"flavor": "a"}, file="sky.yaml", overrides={"flavor": "id-b"}
    )
    assert (last.flavor.name, last.flavor.origin) == ("b", "--set")
    assert last.flavor.beaten == (("sky.yaml", "a"), ("sites/S.yaml", "b"))


def test_what_is_not_overridden_is_discovered():
    found = choose(listing(EXT), overrides={"flavor": "b"})
    assert [choice.origin for choice in found.choices] == ["--set", *["discovered"] * 3]


def test_an_unknown_key_is_refused_with_where_it_stands():
    with pytest.raises(RequestError) as caught:
        choose(listing(EXT), written={"flavour": "b"}, file="sky.yaml")
    assert caught.value.facts == {"asked for in": "sky.yaml", "did you mean": "flavor"}


def test_floating_ips_for_the_public_nodes_and_a_network_that_is_made():
    assert lines(listing(EXT), use_case(nodes=3, public=2)) == {
        "cores": 6,
        "instances": 3,
        "floating_ips": 2,
        "networks": 1,
        "routers": 1,
        "ports": 4,
        "security_groups": 1,
        "security_group_rules": 3,
    }


def test_a_network_that_is_there_costs_neither_network_nor_router():
    found = lines(listing(EXT, LAN, **ROUTED))
    assert (found["floating_ips"], found["ports"]) == (3, 3)
    assert {"networks", "routers"} & set(found) == set()


@pytest.mark.parametrize(
    ("networks", "request_", "floating_ips"),
    [
        ((EXT,), {"topology": "bastion"}, 1),
        ((EXT,), {"floating_ip": "f1"}, 2),
        ((EXT,), {"topology": "bastion", "floating_ip": "f1"}, None),
        ((DMZ,), {}, None),
        ((LAN,), {"proxy_jump": "me@host"}, None),
    ],
)
def test_each_topology_takes_its_own_number_of_floating_ips(networks, request_, floating_ips):
    listed = listing(*networks, floating_ips=(FREE,))
    assert lines(listed, overrides=request_).get("floating_ips") == floating_ips


def test_no_public_node_takes_no_floating_ip_and_never_less():
    listed = listing(EXT, floating_ips=(FREE,))
    found = lines(listed, use_case(nodes=1, public=0), overrides={"floating_ip": "f1"})
    assert "floating_ips" not in found


def test_each_port_of_a_page_takes_a_rule_for_either_family_while_it_is_shown():
    page = Publishing(ports=(80, 443), name_from="dns_name")
    shown = Extra(name="https", title="", folder=Path(), publishes=page)
    case = replace(use_case(), extras=(shown,))
    assert lines(listing(EXT), case)["security_group_rules"] == 3
    assert lines(listing(EXT), case, {"https": True})["security_group_rules"] == 3 + 4


def test_boot_volumes_are_counted():
    found = lines(listing(EXT, disk_gb=0))
    assert (found["volumes"], found["volume_gb"]) == (3, 30)


def test_what_is_short_is_refused_and_what_fits_is_returned():
    case = use_case()
    tight = replace(listing(EXT), quotas=(Quota(name="instances", used=8, limit=10),))
    with pytest.raises(SiteError, match="no room left for this: VMs") as caught:
        choosing.require_room(tight, choose(tight, case), case, parameters={})
    assert caught.value.facts == {"VMs": "3 needed, 8 of 10 in use"}
    roomy = listing(EXT)
    assert choosing.require_room(roomy, choose(roomy, case), case, parameters={})


def test_a_default_group_without_ssh_does_not_matter_as_we_bring_our_own():
    """OpenStack's default group lets nobody in; the nodes are in one of ours, with port 22 open."""
    assert lines(listing(EXT))["security_groups"] == 1
    access = (paths.TERRAFORM_MODULES / "access" / "main.tf").read_text()
    nodes = (paths.TERRAFORM_MODULES / "nodes" / "main.tf").read_text()
    rule = access.partition('"openstack_networking_secgroup_rule_v2" "ssh"')[2]
    assert 'direction         = "ingress"' in rule
    assert "port_range_min    = 22" in rule
    assert "openstack_networking_secgroup_v2.this.id" in rule
    assert "security_group_ids = " in nodes
    assert '"default"' not in nodes
