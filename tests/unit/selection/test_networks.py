"""The public network: evidence decides, never a name, and never a guess."""

from dataclasses import replace

import pytest

from orchestrator.errors import AmbiguousChoiceError, RequestError, SiteError
from orchestrator.model import FloatingIp, Router
from orchestrator.selection.networks import choose_network, is_public
from orchestrator.selection.overrides import Override
from tests.unit.selection import offers
from tests.unit.selection.offers import network, offer, site

SITES = sorted({entry["site"] for entry in offers.read("networks.yaml")["networks"]})


def router(to, *addresses):
    return Router(
        id="r", name="r1", external_network_id=f"id-{to}", external_addresses=tuple(addresses)
    )


def address(of, value):
    return FloatingIp(id=value, address=value, network_id=f"id-{of}", attached=False)


def choose(*networks, override=None, **given):
    asked = Override(value=override, origin="the command line") if override else None
    return choose_network(offer(networks=networks, **given), site=site(), override=asked)


@pytest.mark.parametrize("name", SITES)
def test_every_real_site_gives_an_explained_choice_or_a_refusal(name):
    found = offers.outcome(lambda: choose(*offers.networks_of(name)))
    assert getattr(found, "reason", None) or (found.facts and found.way_out)


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("IFCA-LCG2", "external"),
        ("IN2P3-IRES", "ext-net"),
        ("GRNET-OPENSTACK", "FloatingIP-Network"),
        ("CESGA-CLOUD", "public-default"),
        ("CESNET-MCCG2", "external-ipv4-general-public"),
    ],
)
def test_the_real_public_networks_are_found_whatever_they_are_called(name, taken):
    assert choose(*offers.networks_of(name)).name == taken


def test_the_pools_of_cesnet_cannot_be_told_apart():
    with pytest.raises(AmbiguousChoiceError, match="Nothing was created"):
        choose(*offers.networks_of("CESNET-MCC"))


def test_the_routers_gateway_beats_everything():
    choice = choose(
        network("a", ["147.251.1.0/24"], is_default=True), network("b"), routers=(router("b"),)
    )
    assert (choice.name, choice.reason) == ("b", "gateway of this project's r1")


def test_a_gateway_to_private_addresses_leads_nobody_in():
    choice = choose(network("a"), network("b"), routers=(router("b", "10.16.1.2"),))
    assert choice.name == "a"
    assert choice.rivals[0].why_not == "external, but its addresses are private (10.16.1.2)"


def test_global_addresses_beat_the_default_flag():
    choice = choose(network("a", is_default=True), network("b", ["147.251.1.0/24"]))
    assert (choice.name, choice.reason) == ("b", "the only one with global addresses")


def test_an_own_floating_ip_proves_a_network_whose_subnet_is_hidden():
    choice = choose(network("a"), network("b"), floating_ips=(address("b", "147.251.1.7"),))
    assert choice.name == "b"


@pytest.mark.parametrize("mark", [{"is_default": True}, {"tags": ("default",)}])
def test_the_default_decides_where_nothing_is_proven(mark):
    choice = choose(network("a"), network("b", **mark))
    assert (choice.name, choice.reason) == ("b", "the site's default")


def test_the_sole_external_network_is_taken_and_said_so():
    choice = choose(network("ext-2083", ["198.51.100.0/24"]), network("in", external=False))
    assert choice.reason == "only external network, global addresses seen"
    assert (choice.value, choice.candidates) == ("id-ext-2083", 1)


def test_two_equal_networks_stop_the_run_and_show_the_line_that_settles_it():
    with pytest.raises(AmbiguousChoiceError) as caught:
        choose(network("ext-a", ["198.51.100.0/25"]), network("ext-b", ["198.51.100.128/25"]))
    assert caught.value.message.startswith("S has two networks that could be the public one")
    assert caught.value.facts["ext-b"] == (
        "external, shared by no one, 198.51.100.128/25"
        "    not default, no router of this project uses it"
    )
    assert caught.value.way_out == (
        "say which, once for this run: --set public_network=ext-a",
        "or for good, in sites/S.yaml: public_network: ext-a",
    )


def test_the_order_of_the_listing_changes_nothing():
    networks = [network("a"), network("b", ["147.251.1.0/24"]), network("c", is_default=True)]
    assert choose(*networks).value == choose(*reversed(networks)).value


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (network("x", active=False), "not active"),
        (network("x", ["2001:718::/64"]), "IPv6 only"),
        (network("x", ["10.16.176.0/20"]), "private"),
    ],
)
def test_networks_that_lead_nobody_in_are_left_out(bad, why):
    assert choose(bad, network("b")).name == "b"
    with pytest.raises(SiteError) as caught:
        choose(bad)
    assert why in caught.value.facts["x"]


def test_no_external_network_names_the_direct_one():
    with pytest.raises(SiteError) as caught:
        choose(network("crongi-public", ["161.53.1.0/24"], external=False, shared=True))
    assert "crongi-public" in caught.value.facts["attached directly"]


def test_an_override_wins_and_is_named():
    choice = choose(network("a", is_default=True), network("b"), override="b")
    assert (choice.name, choice.origin) == ("b", "the command line")
    assert choose(network("a"), network("b"), override="id-b").name == "b"


def test_an_override_may_lead_to_private_addresses():
    assert choose(network("muni", ["10.16.176.0/20"]), override="muni").name == "muni"


def test_an_override_that_does_not_exist_brings_near_names():
    with pytest.raises(RequestError) as caught:
        choose(network("ext-a"), network("ext-b"), override="ext-c")
    assert caught.value.facts["did you mean"] == "ext-b, ext-a"


def test_an_override_must_be_external_active_and_one():
    with pytest.raises(RequestError, match="not external"):
        choose(network("in", external=False), network("a"), override="in")
    with pytest.raises(SiteError, match="not active"):
        choose(network("a", active=False), override="a")
    with pytest.raises(AmbiguousChoiceError, match="2 public networks named a"):
        choose(network("a"), replace(network("a"), id="other"), override="a")


def test_what_is_public_is_decided_by_the_address():
    assert is_public("147.251.0.0/16")
    assert is_public("198.51.100.7")
    private = ("10.1.2.3", "100.64.0.0/10", "192.168.0.0/24", "172.31.0.1", "2001:db8::1", "x", "")
    assert not any(map(is_public, private))


def test_what_is_left_of_several_is_not_called_the_only_one():
    choice = choose(network("a", ["147.251.1.0/24"]), network("b", ["10.16.0.0/20"]))
    assert choice.reason == "the only one of 2 external networks left, global addresses seen"
    assert (choice.candidates, choice.confidence) == (2, "certain")


def test_what_hides_its_addresses_is_likely_at_best():
    assert choose(network("a", hidden_subnets=1)).confidence == "likely"
    assert choose(network("a"), network("b"), routers=(router("b"),)).confidence == "likely"
    shown = (router("b", "147.251.1.1"),)
    assert choose(network("a"), network("b"), routers=shown).confidence == "certain"


def test_a_network_with_ipv6_shown_and_the_rest_hidden_may_still_lead_in():
    assert choose(network("a", ["2001:718::/64"], hidden_subnets=1)).confidence == "likely"


def test_networks_that_other_choices_exclude_say_so():
    listed = offer(networks=(network("a"), network("b")))
    choice = choose_network(listed, site=site(), among={"id-b"})
    assert choice.name == "b"
    assert choice.rivals[0].why_not == "the other choices do not lead there"


@pytest.mark.parametrize("order", [1, -1])
def test_a_reason_names_the_same_router_in_any_order(order):
    routers = [replace(router("a"), id=name, name=name) for name in ("r1", "r2")][::order]
    choice = choose(network("a"), network("b"), routers=tuple(routers))
    assert choice.reason == "gateway of this project's r1"


def test_a_router_that_we_made_decides_nothing():
    ours = replace(router("b"), made_by="0f3a")
    with pytest.raises(AmbiguousChoiceError):
        choose(network("a"), network("b"), routers=(ours,))


def test_twins_and_twins_of_internal_networks_are_named_by_id():
    inside = network("a", id="inside", external=False)
    with pytest.raises(AmbiguousChoiceError) as caught:
        choose(network("a"), network("b"), inside)
    assert caught.value.way_out[0].endswith("--set public_network=id-a")
    assert set(caught.value.facts) == {"a", "b"}


def test_only_a_network_with_private_addresses_is_offered_for_use_from_inside():
    dead = network("a", ["10.0.0.0/8"], active=False)
    with pytest.raises(SiteError) as caught:
        choose(dead, network("z", ["10.0.0.0/8"]), network("six", ["2001:718::/64"]))
    assert caught.value.way_out[1].endswith("--set public_network=z")
    with pytest.raises(SiteError) as caught:
        choose(dead)
    assert not any("public_network=" in way for way in caught.value.way_out)
