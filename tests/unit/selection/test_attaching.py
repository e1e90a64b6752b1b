"""Attaching: onto which network that is there, and by which subnet of it."""

from dataclasses import replace

import pytest

from orchestrator.errors import AmbiguousChoiceError, RequestError, SiteError
from orchestrator.model import Choice, Port, Router
from orchestrator.selection import attaching
from orchestrator.selection.overrides import Override
from tests.unit.selection.offers import network, offer, site

EXT = network("ext", ["198.51.100.0/24"])
LAN = network("lan", ["10.1.0.0/24"], external=False, owned=True)
PUBLIC = Choice(
    key="public_network", value="id-ext", name="ext", label="ext", reason="x", candidates=1
)


def router(name="r", to="ext", **given):
    return Router(id=f"id-{name}", name=name, external_network_id=f"id-{to}", **given)


def leg(of="lan", subnet="s", address="10.1.0.1", device="r"):
    return Port(
        network_id=f"id-{of}",
        subnet_id=subnet,
        address=address,
        device_id=f"id-{device}",
        use="router",
    )


ROUTER, LEG = router(), leg()


def named(value):
    return Override(value=value, origin="--set")


def behind(*networks, routers=(ROUTER,), ports=(LEG,)):
    return attaching.behind(offer(networks=networks, routers=routers, ports=ports), PUBLIC)


def beyond(one, *networks, routers=(ROUTER,), ports=(LEG,), **given):
    listed = offer(networks=(one, *networks), routers=routers, ports=ports, **given)
    return attaching.beyond(listed, one, PUBLIC, named(one.name))


# --- behind a router


def test_a_network_behind_the_router_is_taken_with_the_subnet_of_its_leg():
    found = behind(EXT, LAN)
    assert found.choice.reason == "the project's network behind that router"
    assert (found.attachment.network_id, found.attachment.subnet_id) == ("id-lan", "s")


@pytest.mark.parametrize(
    "given",
    [
        {"routers": (router(to="other"),)},
        {"routers": (router(made_by="0f3a"),)},
        {"routers": ()},
        {"ports": ()},
        {"ports": (leg(address="fd00::1"),)},
        {"ports": (replace(leg(), use="server"),)},
    ],
)
def test_without_a_leg_of_the_projects_own_router_to_the_pool_a_network_is_made(given):
    assert behind(EXT, LAN, **given) == attaching.Attached(choice=None, attachment=None)


@pytest.mark.parametrize(
    "change",
    [{"made_by": "0f3a"}, {"active": False}, {"owned": False}, {"external": True}],
)
def test_a_network_that_carries_no_vm_of_ours_is_not_attached_to(change):
    assert behind(EXT, replace(LAN, **change)).choice is None


def test_of_two_legs_the_lowest_range_is_taken_whatever_the_order():
    lan = network("lan", ["10.9.0.0/24", "10.2.0.0/24"], external=False, owned=True)
    legs = (leg(subnet="lan-10.9.0.0/24"), leg(subnet="lan-10.2.0.0/24", address="10.2.0.1"))
    for ports in (legs, legs[::-1]):
        assert behind(EXT, lan, ports=ports).attachment.subnet_id == "lan-10.2.0.0/24"


# --- named by a person


def test_the_leg_is_that_of_the_router_to_the_chosen_pool():
    ports = (leg(subnet="s-other", device="other"), leg(subnet="s-ext"))
    routers = (router("other", to="elsewhere"), router())
    for order in (1, -1):
        found = beyond(LAN, EXT, routers=routers[::order], ports=ports[::order])
        assert found.attachment.subnet_id == "s-ext"


@pytest.mark.parametrize(
    ("change", "given", "gateways"),
    [
        ({}, {}, {"id-ext"}),
        ({}, {"routers": (router(to="other"),)}, {"id-other"}),
        ({}, {"routers": (replace(router(), external_network_id=None),)}, set()),
        ({}, {"ports": ()}, set()),
        ({}, {"routers": ()}, None),
        ({}, {"ports": (), "gaps": {"ports": "no answer"}}, None),
        ({"owned": False, "shared": True}, {"ports": ()}, None),
    ],
)
def test_what_is_behind_a_network_is_known_or_known_to_be_hidden(change, given, gateways):
    lan = replace(LAN, **change)
    listed = offer(**{"networks": (EXT, lan), "routers": (router(),), "ports": (leg(),), **given})
    assert attaching.gateways_of(listed, lan) == gateways


def test_a_pool_that_no_router_leads_to_is_refused():
    with pytest.raises(RequestError, match="no router leads from lan to ext") as caught:
        beyond(LAN, EXT, network("other"), routers=(router(to="other"),))
    assert caught.value.facts == {"behind lan": "other"}


def test_a_shared_network_is_attached_to_on_a_persons_word():
    shared = replace(LAN, owned=False, shared=True)
    found = beyond(shared, EXT, routers=(), ports=())
    assert (found.attachment.network_id, found.attachment.subnet_id) == (
        "id-lan",
        "lan-10.1.0.0/24",
    )
    assert (found.choice.confidence, found.choice.origin) == ("fixed", "--set")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"external": True}, "external"),
        ({"owned": False}, "not the project's"),
        ({"active": False}, "not active"),
        ({"subnets": network("lan", ["fd00::/64"]).subnets}, "no IPv4 addresses"),
    ],
)
def test_a_named_network_that_cannot_be_behind_a_router_is_refused(change, problem):
    with pytest.raises(RequestError, match=problem):
        attaching.private_named(offer(networks=(replace(LAN, **change),)), named("lan"))


# --- attached to directly


def direct(*networks, **given):
    return attaching.direct(offer(networks=networks), site=site(), **given)


def test_an_address_of_ones_own_network_is_likely_at_best():
    shared = network("pub", ["198.51.100.0/24"], external=False, shared=True)
    assert direct(shared).choice.confidence == "certain"
    assert direct(replace(shared, owned=True)).choice.confidence == "likely"


def test_ipv6_is_taken_where_there_is_no_public_ipv4():
    six = network("six", ["2001:718::/64"], external=False, shared=True)
    four = network("four", ["198.51.100.0/24"], external=False, shared=True)
    assert (direct(six, LAN).ip_version, direct(six, four).choice.name) == (6, "four")


def test_two_that_are_equal_stop_the_run():
    listed = [network(name, ["198.51.100.0/24"], external=False, shared=True) for name in "ba"]
    with pytest.raises(AmbiguousChoiceError, match="two networks that could be the public one"):
        direct(*listed)


def test_none_says_of_each_why():
    with pytest.raises(SiteError) as caught:
        direct(EXT, LAN)
    assert caught.value.facts == {
        "ext": "external, and ports on it are the site's",
        "lan": "shows no public addresses",
    }


def test_a_network_that_was_named_is_taken_unless_no_port_can_be_on_it():
    assert direct(EXT, LAN, override=named("lan")).attachment.network_id == "id-lan"
    with pytest.raises(RequestError, match="ports on it are the site's"):
        direct(EXT, LAN, override=named("ext"))


# --- behind a jump host


def jumped(*networks, **given):
    return attaching.jumped(offer(networks=networks), site=site(), **given)


def test_the_projects_own_network_is_the_likely_one_behind_a_jump_host():
    shared = network("vlan", ["10.133.0.0/22"], external=False, shared=True)
    found = jumped(EXT, shared, LAN)
    assert (found.choice.name, found.choice.confidence) == ("lan", "likely")
    assert [rival.why_not for rival in found.choice.rivals] == [
        "external, and ports on it are the site's",
        "weaker evidence",
    ]


def test_another_deployments_network_is_left_alone_until_it_is_named():
    ours = replace(LAN, made_by="0f3a")
    with pytest.raises(SiteError) as caught:
        jumped(ours)
    assert caught.value.facts == {"lan": "belongs to deployment 0f3a and goes with it"}
    assert jumped(ours, override=named("lan")).choice.name == "lan"
