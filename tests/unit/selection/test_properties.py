"""What holds for every offer, however odd: explained or refused, and never by the order of a listing."""

import re
import shlex
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import AmbiguousChoiceError, OrchestratorError
from orchestrator.selection import accelerators
from orchestrator.selection.images import choose_image
from orchestrator.selection.overrides import Override
from orchestrator.selection.quotas import compare
from orchestrator.selection.selecting import select
from orchestrator.selection.systems import system_of
from orchestrator.selection.topologies import connect
from tests.unit.selection import offers
from tests.unit.selection.listings import PROOFS, clouds, images, listings, overrides_of
from tests.unit.selection.offers import DEBIAN, need, site

NEEDS = st.builds(need, vcpus=st.sampled_from((1, 2)), gpus=st.sampled_from((0, 0, 0, 1)))


@st.composite
def requests(draw):
    """An offer, and all that a person and the past have to say about it."""
    offer = draw(listings())
    return {
        "offer": offer,
        "need": draw(NEEDS),
        "public_nodes": draw(st.integers(1, 3)),
        "fixed": draw(st.just({}) | overrides_of(offer)),
        "proofs": draw(PROOFS),
    }


def outcome(request):
    """Return the selection, or all that an error tells."""
    return told(lambda: select(**request, nodes=request["public_nodes"], site=site()))


def chosen(request):
    found = outcome(request)
    return None if isinstance(found, tuple) else found


@given(requests())
def test_every_choice_is_explained_and_every_refusal_shows_a_way(request):
    found = outcome(request)
    if isinstance(found, tuple):
        assert found[1]
        assert found[2] or found[3]
        return
    for choice in found.choices:
        assert choice.reason
        assert choice.candidates >= 1
        assert choice.confidence in ("fixed", "proven", "certain", "likely")
        assert all(rival.why_not for rival in choice.rivals)


CONNECTING = ("topology", "public_network", "private_network", "floating_ip", "proxy_jump")


@st.composite
def connections(draw):
    """The networks of an offer, and what a person and the past have to say about them."""
    offer = draw(clouds())
    return {
        "offer": offer,
        "public_nodes": draw(st.integers(1, 3)),
        "fixed": draw(st.just({}) | overrides_of(offer, CONNECTING)),
        "proofs": draw(PROOFS),
    }


def told(call):
    """Return what a call chose, or all that its error tells."""
    found = offers.outcome(call)
    if isinstance(found, OrchestratorError):
        return type(found), found.message, found.facts, found.way_out
    return found


def connected(request):
    return told(lambda: connect(**request, site=site()))


def turned(chance, offer):
    """Return the same offer as another listing would have shown it."""

    def mixed(listed):
        return tuple(chance.sample(listed, len(listed)))

    networks = [
        replace(one, subnets=mixed(one.subnets), tags=mixed(one.tags)) for one in offer.networks
    ]
    others = ("routers", "ports", "floating_ips", "flavors", "images", "quotas", "volumes")
    return replace(
        offer, networks=mixed(networks), **{name: mixed(getattr(offer, name)) for name in others}
    )


RANDOM = st.randoms(use_true_random=False)


@given(requests(), RANDOM)
def test_the_order_of_the_listings_decides_nothing(request, chance):
    other = {
        **request,
        "offer": turned(chance, request["offer"]),
        "proofs": request["proofs"][::-1],
    }
    assert outcome(request) == outcome(other)


@given(connections(), RANDOM)
def test_the_order_of_the_networks_decides_nothing(request, chance):
    other = {
        **request,
        "offer": turned(chance, request["offer"]),
        "proofs": request["proofs"][::-1],
    }
    assert connected(request) == connected(other)


@given(
    st.lists(st.integers(0, 9).flatmap(images), max_size=6, unique_by=lambda one: one.id), RANDOM
)
def test_the_order_of_the_images_decides_nothing(listed, chance):
    def found(offer):
        return told(lambda: choose_image(offer, DEBIAN, site=site()))

    offer = offers.offer(images=tuple(listed))
    assert found(offer) == found(turned(chance, offer))


@given(connections(), st.permutations(range(7)))
def test_the_ids_decide_nothing(request, order):
    """IM takes the smaller of two random UUIDs; here another draw of ids changes no name."""

    def found(offer, proofs):
        nodes = request["public_nodes"]
        made = told(lambda: connect(offer, site=site(), public_nodes=nodes, proofs=proofs))
        if isinstance(made, tuple):
            return made[0]
        networks = (made.public_network, made.private_network)
        return made.topology.value, [choice and choice.name for choice in networks]

    offer, proofs = request["offer"], request["proofs"]
    assert found(offer, proofs) == found(*renamed(offer, proofs, order))


def renamed(offer, proofs, order):
    """Return the same with other ids of networks and subnets."""

    def moved(id_):
        found = id_ and re.match(r"(id|subnet)-([0-6])", id_)
        return f"{found[1]}-{order[int(found[2])]}{id_[found.end() :]}" if found else id_

    def subnet(one):
        return replace(one, id=moved(one.id), network_id=moved(one.network_id))

    networks = [
        replace(one, id=moved(one.id), subnets=tuple(map(subnet, one.subnets)))
        for one in offer.networks
    ]
    routers = [
        replace(one, external_network_id=moved(one.external_network_id)) for one in offer.routers
    ]
    ports = [
        replace(one, network_id=moved(one.network_id), subnet_id=moved(one.subnet_id))
        for one in offer.ports
    ]
    addresses = [replace(one, network_id=moved(one.network_id)) for one in offer.floating_ips]
    other = replace(
        offer,
        networks=tuple(networks),
        routers=tuple(routers),
        ports=tuple(ports),
        floating_ips=tuple(addresses),
    )
    return other, [replace(one, network_id=moved(one.network_id)) for one in proofs]


@given(requests())
def test_a_flavor_or_an_image_that_is_fixed_wins_or_is_an_error(request):
    found = chosen(request)
    if found is None:
        return
    for key in {"flavor", "image"} & set(request["fixed"]):
        choice, override = getattr(found, key), request["fixed"][key]
        assert override.value in (choice.value, choice.name)
        assert (choice.confidence, choice.origin) == ("fixed", "--set")


@given(connections())
def test_what_is_fixed_about_the_network_wins_or_is_an_error(request):
    found = connected(request)
    if isinstance(found, tuple):
        return
    for key, override in request["fixed"].items():
        if key == "proxy_jump":
            assert found.jump_host.host == override.value
            continue
        choice = getattr(found, key)
        assert override.value in (choice.value, choice.name)
        assert (choice.confidence, choice.origin) == ("fixed", "--set")


@given(requests())
def test_the_flavor_fits(request):
    found = chosen(request)
    if found is None:
        return
    flavor = next(one for one in request["offer"].flavors if one.id == found.flavor.value)
    image = next(one for one in request["offer"].images if one.id == found.image.value)
    wanted = request["need"]
    assert not flavor.disabled
    assert flavor.vcpus >= wanted.vcpus
    assert flavor.ram_mb >= max(wanted.ram_mb, image.min_ram_mb)
    disk = flavor.disk_gb or found.boot_volume_gb
    assert disk >= max(wanted.disk_gb, image.min_disk_gb)
    gpus = accelerators.of(flavor).gpus
    assert gpus >= wanted.gpus
    assert gpus == 0 or wanted.gpus or "flavor" in request["fixed"]


@given(requests())
def test_the_image_can_be_booted_and_is_the_system(request):
    found = chosen(request)
    if found is None:
        return
    image = next(one for one in request["offer"].images if one.id == found.image.value)
    system = system_of(image)
    assert image.status == "active"
    if "image" in request["fixed"] and system is None:
        return
    assert system.distribution == DEBIAN.distribution
    assert system.version.split(".")[0] == DEBIAN.version
    assert image.visibility != "community" or "image" in request["fixed"]


@given(connections())
def test_the_network_is_one_that_the_project_may_use(request):
    found = connected(request)
    if isinstance(found, tuple) or found.attachment is None:
        return
    network = next(
        one for one in request["offer"].networks if one.id == found.attachment.network_id
    )
    assert network.active
    assert network.owned or network.shared
    assert network.made_by is None or {"public_network", "private_network"} & set(request["fixed"])


@given(connections())
def test_floating_ips_come_from_the_pool_behind_the_private_network(request):
    found, offer = connected(request), request["offer"]
    if isinstance(found, tuple) or found.topology.value not in ("floating", "bastion"):
        return
    public = next(one for one in offer.networks if one.id == found.public_network.value)
    assert public.external
    assert public.active
    if found.attachment is None or "private_network" in request["fixed"]:
        return
    gateways = {one.id: one.external_network_id for one in offer.routers if one.made_by is None}
    assert public.id in {
        gateways.get(one.device_id)
        for one in offer.ports
        if one.network_id == found.attachment.network_id
        and one.subnet_id == found.attachment.subnet_id
    }


@given(requests(), st.integers(1, 4), st.integers(0, 2))
def test_no_line_of_the_quota_is_negative(request, nodes, floating_ips):
    found = chosen(request)
    if found is None:
        return
    lines = compare(request["offer"], found, nodes=nodes, floating_ips=floating_ips)
    assert all(line.needed > 0 and line.used >= 0 for line in lines)


@given(connections())
def test_the_printed_option_settles_an_ambiguity(request):
    found = connected(request)
    if not isinstance(found, tuple) or found[0] is not AmbiguousChoiceError:
        return
    word = shlex.split(found[3][0].partition("--set ")[2])[0]
    key, _, value = word.partition("=")
    fixed = {**request["fixed"], key: Override(value=value, origin="--set")}
    again = connected({**request, "fixed": fixed})
    assert not isinstance(again, tuple) or again[:2] != found[:2]
