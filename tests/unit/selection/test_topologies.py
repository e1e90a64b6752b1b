"""Topologies: how the world reaches the nodes, and that nothing a person fixed is passed over."""

from datetime import timedelta

import pytest

from orchestrator.errors import RequestError, SiteError
from orchestrator.model import FloatingIp, Proof, Quota
from orchestrator.selection import overrides
from orchestrator.selection.overrides import Override
from orchestrator.selection.topologies import connect
from tests.unit.selection.offers import DAY, network, offer, site

EXT = network("ext", ["198.51.100.0/24"])
DMZ = network("dmz", ["203.0.113.0/24"], external=False, shared=True)
LAN = network("lan", ["10.1.0.0/24"], external=False, owned=True)
FREE = FloatingIp(id="f1", address="198.51.100.7", network_id="id-ext", attached=False)


def go(*networks, fixed=None, nodes=1, proofs=(), left=None, **given):
    quotas = () if left is None else (Quota(name="floating_ips", used=1, limit=1 + left),)
    return connect(
        offer(networks=networks, quotas=quotas, **given),
        site=site(),
        public_nodes=nodes,
        fixed=fixed,
        proofs=proofs,
    )


def by(layer=0, **given):
    origin = "sites/S.yaml" if layer == overrides.SITE else "--set"
    return {key: Override(value=value, origin=origin, layer=layer) for key, value in given.items()}


def reached(of, topology, days=1):
    return Proof(network_id=f"id-{of}", topology=topology, at=DAY - timedelta(days=days))


@pytest.mark.parametrize(
    ("networks", "given", "topology", "reason"),
    [
        ([EXT], {}, "floating", "an external network gives them out"),
        ([EXT, DMZ], {}, "floating", "an external network gives them out"),
        ([EXT], {"nodes": 3, "left": 3}, "floating", "an external network gives them out"),
        ([EXT], {"nodes": 3, "left": 2}, "bastion", "2 floating IPs are left for 3 nodes"),
        ([EXT], {"nodes": 3, "left": 0}, "floating", "an external network gives them out"),
        ([EXT, DMZ], {"left": 0}, "direct", "no floating IP is left of the quota, and there are"),
        ([DMZ, LAN], {}, "direct", "no network here gives out floating IPs"),
    ],
)
def test_the_topology_follows_from_what_the_site_has(networks, given, topology, reason):
    found = go(*networks, **given).topology
    assert found.value == topology
    assert found.reason.startswith(reason)


def test_the_other_way_in_is_named_as_the_runner_up():
    assert [(one.value, one.label) for one in go(EXT, DMZ).topology.rivals] == [
        ("direct", "addresses on dmz")
    ]
    assert go(EXT, DMZ, left=0).topology.rivals[0].why_not == "none is left"


def test_nothing_at_all_is_refused():
    with pytest.raises(SiteError, match="no network through which the Internet reaches"):
        go(LAN)


@pytest.mark.parametrize(
    ("proofs", "topology"),
    [
        ([reached("dmz", "direct")], "direct"),
        ([reached("dmz", "direct", 9), reached("ext", "floating", 2)], "floating"),
        ([reached("ext", "direct")], "floating"),
        ([reached("gone", "direct")], "floating"),
    ],
)
def test_what_was_reached_last_comes_first_as_long_as_it_is_there(proofs, topology):
    assert go(EXT, DMZ, proofs=proofs).topology.value == topology


@pytest.mark.parametrize(
    "fixed", [by(public_network="ext"), by(private_network="lan2"), by(floating_ip="f1")]
)
def test_a_persons_word_beats_what_was_reached(fixed):
    shared = network("lan2", ["10.2.0.0/24"], external=False, shared=True)
    given = {"proofs": [reached("dmz", "direct")], "floating_ips": (FREE,), "left": 0}
    assert go(EXT, DMZ, shared, fixed=fixed, **given).topology.value == "floating"


def test_an_address_that_is_held_counts_as_one_that_is_left():
    given = {"fixed": by(floating_ip="f1"), "floating_ips": (FREE,), "nodes": 3}
    assert go(EXT, left=0, **given).topology.reason.startswith("1 floating IPs are left")
    assert go(EXT, left=2, **given).topology.value == "floating"


# --- what a person fixed


def test_a_topology_that_does_not_exist_is_refused_with_the_near_one():
    with pytest.raises(RequestError, match="bastian is no topology") as caught:
        go(EXT, fixed=by(topology="bastian"))
    assert caught.value.facts["did you mean"] == "bastion"


@pytest.mark.parametrize(
    ("host", "topology", "taken"),
    [
        (by(proxy_jump="me@h"), {}, "jump"),
        (by(overrides.SITE, proxy_jump="me@h"), {}, "jump"),
        (by(proxy_jump="me@h"), by(overrides.SITE, topology="floating"), "jump"),
        (by(overrides.SITE, proxy_jump="me@h"), by(topology="floating"), "floating"),
        (by(overrides.SITE, proxy_jump="me@h"), by(overrides.SITE, topology="floating"), "floating"),
        (by(1, proxy_jump="me@h"), by(0, topology="floating"), "floating"),
    ],
)  # fmt: skip
def test_of_a_jump_host_and_a_topology_the_stronger_word_holds(host, topology, taken):
    found = go(EXT, LAN, fixed=host | topology)
    assert (found.topology.value, found.topology.confidence) == (taken, "fixed")
    assert (found.jump_host is not None) == (taken == "jump")


def test_a_topology_that_a_jump_host_beats_is_kept_to_be_shown():
    fixed = by(proxy_jump="me@h") | by(overrides.SITE, topology="floating")
    assert go(EXT, LAN, fixed=fixed).topology.beaten == (("sites/S.yaml", "floating"),)


@pytest.mark.parametrize(
    "fixed",
    [
        by(topology="floating", proxy_jump="me@h"),
        by(proxy_jump="me@h", public_network="ext"),
        by(proxy_jump="me@h", floating_ip="f1"),
        by(topology="direct", private_network="lan"),
        by(topology="direct", floating_ip="f1"),
        by(ssh_config="/home/me/.ssh/site"),
        by(overrides.SITE, ssh_config="/home/me/.ssh/site"),
        by(0, public_network="ext") | by(1, proxy_jump="me@h"),
    ],
)
def test_what_has_no_part_in_the_topology_is_refused(fixed):
    with pytest.raises(RequestError, match="has no part in the topology") as caught:
        go(EXT, DMZ, LAN, fixed=fixed, floating_ips=(FREE,))
    assert caught.value.facts["asked for in"]
    assert caught.value.way_out


@pytest.mark.parametrize(
    "fixed",
    [
        by(proxy_jump="me@h") | by(overrides.SITE, public_network="ext"),
        by(proxy_jump="me@h") | by(1, public_network="ext"),
        by(overrides.SITE, proxy_jump="me@h", public_network="ext"),
        by(topology="floating") | by(overrides.SITE, proxy_jump="me@h", ssh_config="c"),
    ],
)
def test_weaker_words_about_another_topology_have_no_part(fixed):
    assert go(EXT, LAN, fixed=fixed).topology.confidence == "fixed"


@pytest.mark.parametrize(
    "host", ["h", "me@h", "me@h:2222", "a@b,c@d", "me@10.0.0.1", "me@[2001:718::1]:22"]
)
def test_a_host_of_a_persons_is_what_ssh_jumps_through(host):
    found = go(LAN, fixed=by(proxy_jump=host, ssh_config="/etc/ssh/x"))
    assert (found.jump_host.host, found.jump_host.ssh_config) == (host, "/etc/ssh/x")
    assert (found.public_network, found.private_network.name) == (None, "lan")


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "me@-h", "a b", "h\n", "h;x", "a,,b", "é"])
def test_what_ssh_could_read_as_an_option_is_no_host(host):
    with pytest.raises(RequestError, match="no host that ssh could jump through"):
        go(LAN, fixed=by(proxy_jump=host))


def test_a_jump_without_a_host_is_refused():
    with pytest.raises(RequestError, match="needs a host") as caught:
        go(LAN, fixed=by(topology="jump"))
    assert caught.value.way_out[1] == "or for good, in sites/S.yaml: proxy_jump: user@host"


def test_naming_a_network_says_how_its_machines_are_reached():
    assert go(EXT, DMZ, fixed=by(public_network="dmz")).topology.confidence == "fixed"
    found = go(EXT, DMZ, fixed=by(public_network="dmz"))
    assert (found.topology.value, found.attachment.network_id) == ("direct", "id-dmz")
    assert go(EXT, DMZ, fixed=by(public_network="ext")).attachment is None


def test_a_named_private_network_decides_which_pool():
    with pytest.raises(RequestError, match="no router leads from lan"):
        go(EXT, LAN, fixed=by(private_network="lan"))
