"""What discovery sees of each network shape of the sandbox, and what is chosen there; nothing is made."""

from __future__ import annotations

from functools import cache

import pytest

from orchestrator import choosing
from orchestrator.auth import keystone
from orchestrator.auth.token import AccessToken
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.catalogue.usecases import find_use_case, use_case_folders
from orchestrator.discovery.collecting import collect
from orchestrator.drivers.openstack import Cloud
from orchestrator.errors import AmbiguousChoiceError, RequestError, SiteError
from orchestrator.model import Request
from tests.e2e.people import ROOT, token_of

pytestmark = [pytest.mark.e2e, pytest.mark.alone]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Catalogue.usual(tmp_path_factory.mktemp("config")).find("sandbox")


@pytest.fixture(scope="module")
def offer_of(site):
    """Collect what a VO offers, once each; a test of another may have a machine there."""

    @cache
    def collected(vo):
        project = site.share_of(vo).project_id
        token = AccessToken.read(token_of("operator"))
        login = keystone.login(site, token, project_id=project, vo=vo)
        return collect(Cloud(login.session, site=site.name), site=site.name, project_id=project)

    return collected


@pytest.fixture(scope="module")
def choose(site, offer_of):
    folders = [ROOT / "tests" / "e2e" / "usecases", *use_case_folders(ROOT / "nowhere")]

    def chosen(vo, name="machine", **overrides):
        use_case = find_use_case(name, folders)
        request = Request(use_case=name, site=site.name, vo=vo, overrides=overrides)
        made = choosing.choose(offer_of(vo), request, use_case, parameters={}, site=site, vo=vo)
        choosing.require_room(offer_of(vo), made, use_case, parameters={})
        return made

    return chosen


def named(selection):
    """Return the names of what was chosen about the network."""
    parts = (selection.topology, selection.public_network, selection.private_network)
    return tuple(part.name if part else None for part in parts)


def network(offer, name):
    (found,) = [one for one in offer.networks if one.name == name]
    return found


# --- what is seen

VOS = ["routed", "two", "direct", "jump", "v6", "visible", "bastion", "full", "expired"]


@pytest.mark.parametrize("vo", VOS)
def test_all_is_listed_without_a_gap(offer_of, vo):
    offer = offer_of(f"{vo}.sandbox")
    assert offer.gaps == {}
    assert {"cores", "floating_ips", "ports", "volumes"} <= {one.name for one in offer.quotas}


@pytest.mark.parametrize(
    ("vo", "name", "external", "shared", "hidden", "cidrs"),
    [
        ("routed", "ext-2083", True, False, 1, []),
        ("routed", "routed", False, False, 0, ["10.81.0.0/24"]),
        ("two", "ext-a", True, False, 1, []),
        ("two", "ext-b", True, False, 1, []),
        ("visible", "ext-2083", True, True, 0, ["198.51.100.0/24"]),
        ("direct", "provider-public", False, True, 0, ["198.51.100.240/28"]),
        ("jump", "provider-private", False, True, 0, ["10.83.0.0/24"]),
        ("v6", "provider-v6", False, True, 0, ["10.86.0.0/24", "2001:db8:83::/64"]),
    ],
)
def test_a_network_is_seen_as_the_site_shows_it(
    offer_of, vo, name, external, shared, hidden, cidrs
):
    seen = network(offer_of(f"{vo}.sandbox"), name)
    assert (seen.external, seen.shared, seen.hidden_subnets) == (external, shared, hidden)
    assert sorted(subnet.cidr for subnet in seen.subnets) == cidrs


def test_the_leg_of_a_router_leads_from_its_network_to_the_external_one(offer_of):
    offer = offer_of("routed.sandbox")
    (router,) = [one for one in offer.routers if one.name == "routed"]
    private = network(offer, "routed")
    (leg,) = [one for one in offer.ports if one.device_id == router.id and one.use == "router"]
    assert (leg.network_id, leg.address) == (private.id, "10.81.0.1")
    assert router.external_network_id == network(offer, "ext-2083").id
    assert (router.made_by, private.made_by, private.owned) == (None, None, True)


# --- what is chosen


@pytest.mark.parametrize(
    ("vo", "expected"),
    [
        ("routed", ("floating", "ext-2083", "routed")),
        ("visible", ("floating", "ext-2083", None)),
        ("bastion", ("floating", "ext-2083", None)),
        ("direct", ("direct", "provider-public", None)),
        ("v6", ("direct", "provider-v6", None)),
        ("jump", ("jump", None, "provider-private")),
    ],
)
def test_the_shape_follows_from_what_is_seen(choose, vo, expected):
    made = choose(f"{vo}.sandbox")
    assert named(made) == expected
    assert all(choice.reason for choice in made.choices)


def test_behind_a_router_of_the_projects_the_nodes_are_on_its_subnet(choose, offer_of):
    made = choose("routed.sandbox")
    private = network(offer_of("routed.sandbox"), "routed")
    assert (made.attachment.network_id, made.attachment.subnet_id) == (
        private.id,
        private.subnets[0].id,
    )
    assert "gateway of this project's routed" in made.public_network.reason


def test_an_external_network_is_as_likely_as_what_is_shown_of_it(choose):
    assert choose("visible.sandbox").public_network.confidence == "certain"
    assert choose("bastion.sandbox").public_network.reason.endswith("addresses not shown")


def test_one_floating_ip_is_enough_for_two_nodes_with_a_bastion(choose):
    made = choose("bastion.sandbox", "pair", topology="bastion")
    assert named(made) == ("bastion", "ext-2083", None)


def test_only_ipv6_is_public_there_so_that_is_the_way_in(choose):
    assert choose("v6.sandbox").ip_version == 6
    assert choose("direct.sandbox").ip_version == 4


def test_the_jump_host_of_the_sites_file_is_the_way_in(choose, site):
    host = choose("jump.sandbox").jump_host
    assert (host.host, host.ssh_config.endswith("/ssh_config")) == ("sandbox-jump", True)


def test_two_equal_networks_are_refused_with_the_line_that_settles_it(choose):
    with pytest.raises(AmbiguousChoiceError) as caught:
        choose("two.sandbox")
    assert set(caught.value.facts) == {"ext-a", "ext-b"}
    assert caught.value.way_out == (
        "say which, once for this run: --set public_network=ext-a",
        "or for good, in sites/SANDBOX.yaml: public_network: ext-a",
    )
    assert named(choose("two.sandbox", public_network="ext-b")) == ("floating", "ext-b", None)


def test_a_quota_that_is_too_small_is_told_by_each_line(choose):
    with pytest.raises(SiteError, match="no room left") as caught:
        choose("full.sandbox", "docker")
    assert "2 needed, 0 of 1 in use" in caught.value.facts["cores"]


def test_an_image_that_was_switched_off_is_told_with_its_state(choose):
    with pytest.raises(SiteError, match="no image of debian 12") as caught:
        choose("expired.sandbox")
    assert "is deactivated" in caught.value.facts.values()


@pytest.mark.parametrize(
    ("vo", "key", "name"),
    [
        ("direct.sandbox", "public_network", "ext-2083"),
        ("jump.sandbox", "private_network", "provider-public"),
    ],
)
def test_what_another_vo_has_is_not_there(choose, vo, key, name):
    with pytest.raises(RequestError, match="that this project may use") as caught:
        choose(vo, **{key: name})
    assert f"no {key.replace('_', ' ')} {name}" in caught.value.message
