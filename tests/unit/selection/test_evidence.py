"""Evidence: what the listings show of a network, and what they only seem to show."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.model import FloatingIp, Port, Proof, Router
from orchestrator.selection.evidence import ago, gather, is_public6, labelled
from tests.unit.selection.offers import DAY, network, offer


def router(name="r1", *addresses, made_by=None):
    return Router(
        id=f"id-{name}",
        name=name,
        external_network_id="id-ext",
        external_addresses=addresses,
        made_by=made_by,
    )


def held(*addresses):
    return tuple(
        FloatingIp(id=one, address=one, network_id="id-ext", attached=True) for one in addresses
    )


def server(address, device="vm"):
    return Port(network_id="id-ext", subnet_id="s", address=address, device_id=device, use="server")


def of(one, proofs=(), **given):
    return gather(one, offer(networks=(one,), **given), proofs)


@pytest.mark.parametrize(
    ("cidrs", "public", "wholly"),
    [
        (["198.51.100.0/24"], True, True),
        (["10.0.0.0/8"], False, False),
        (["198.51.100.0/24", "10.0.0.0/8"], True, False),
        (["0.0.0.0/0"], False, False),
        (["2001:718::/64"], None, False),
        (["rubbish", ""], None, False),
        ([], None, False),
    ],
)
def test_a_range_says_whether_it_is_public(cidrs, public, wholly):
    found = of(network("ext", cidrs))
    assert (found.public, found.wholly_public) == (public, wholly)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("2001:718:801::/48", True),
        ("fd00::/8", False),
        ("fe80::1", False),
        ("198.51.100.0/24", False),
        ("::/0", False),
        ("x", False),
    ],
)
def test_ipv6_is_public_where_it_is_global_unicast(address, public):
    assert is_public6(address) is public


def test_where_the_range_is_hidden_every_address_that_was_seen_counts():
    behind_ten = held("10.0.0.1", "10.0.0.2", "10.0.0.3", "147.251.1.7")
    found = of(network("ext", hidden_subnets=1), floating_ips=behind_ten)
    assert found.public is True
    assert not found.wholly_public


def test_a_range_that_is_shown_outweighs_addresses_that_were_seen():
    found = of(network("ext", ["10.0.0.0/8"]), floating_ips=held("147.251.1.7"))
    assert found.addresses == ("10.0.0.0/8",)


def test_routers_servers_and_floating_ips_show_addresses():
    found = of(
        network("ext"),
        routers=(router("r1", "147.251.1.1"),),
        ports=(server("147.251.1.2"), server("2001:718::2")),
        floating_ips=held("147.251.1.3"),
    )
    assert found.addresses == ("147.251.1.1", "147.251.1.2", "147.251.1.3")
    assert (found.addresses6, found.servers) == (("2001:718::2",), 1)


def test_a_router_that_we_made_is_no_habit_of_the_project():
    found = of(network("ext"), routers=(router("r1", "147.251.1.1", made_by="0f3a"),))
    assert found.routers == ()
    assert found.addresses == ("147.251.1.1",)


def test_evidence_is_the_same_in_any_order():
    ext = network("ext", ["198.51.100.0/25", "198.51.100.128/25"], tags=("b", "a"))
    routers = (router("r2"), router("r1"))
    turned = replace(ext, subnets=ext.subnets[::-1], tags=("a", "b"))
    one, two = of(ext, routers=routers), of(turned, routers=routers[::-1])
    assert one.text == two.text
    assert one.routers == ("r1", "r2")


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (
            network("ext", hidden_subnets=2),
            "external, shared by no one, addresses not shown (2 subnets hidden)"
            "    not default, no router of this project uses it",
        ),
        (
            network("ext", ["10.0.0.0/24"], external=False, owned=True, tags=("default",)),
            "internal, owned by this project, 10.0.0.0/24, tags default    default",
        ),
        (
            network("ext", ["2001:718::/64"], shared=True),
            "external, shared, 2001:718::/64    not default, no router of this project uses it",
        ),
    ],
)
def test_the_evidence_is_one_line(one, text):
    assert of(one).text == text


def test_many_addresses_are_cut_short_in_the_line_alone():
    found = of(network("ext"), floating_ips=held(*(f"147.251.1.{n}" for n in range(1, 8))))
    assert found.seen == "147.251.1.1, 147.251.1.2, 147.251.1.3, 4 more"
    assert len(found.addresses) == 7


def test_the_line_tells_of_routers_servers_and_reach():
    proof = Proof(network_id="id-ext", topology="floating", at=DAY - timedelta(days=3))
    older = replace(proof, at=DAY - timedelta(days=30))
    found = of(network("ext"), (older, proof), routers=(router(),), ports=(server("147.251.1.2"),))
    assert found.text.endswith(
        "not default, gateway of r1, servers of this project on it: 1, reached 3 days ago"
    )


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        (timedelta(days=3), "3 days ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(minutes=90), "90 minutes ago"),
        (timedelta(seconds=61), "1 minute ago"),
        (timedelta(hours=-5), "0 minutes ago"),
    ],
)
def test_ages_are_said_in_words(spent, words):
    assert ago(DAY - spent, DAY) == words


def test_twins_are_told_apart_by_their_ids_and_the_nameless_have_only_those():
    twins = [network("a", id="2"), network("a", id="1"), network("", id="3"), network("b")]
    labels = [label for label, _ in labelled(map(of, twins))]
    assert labels == ["3", "a (1)", "a (2)", "b"]
