"""All choices together, and what a person fixed."""

import pytest
from offers import flavor, image, need, network, offer, site

from orchestrator.errors import RequestError
from orchestrator.selection.overrides import Override
from orchestrator.selection.selecting import select

OFFER = offer(
    flavors=(flavor("a"), flavor("b", vcpus=4)),
    images=(image(min_disk_gb=15), image("Debian 11")),
    networks=(network("x", is_default=True), network("y")),
)


def test_three_choices_with_reasons():
    found = select(OFFER, need(), site=site())
    assert [choice.name for choice in found.choices] == ["a", "Debian 12", "x"]
    assert all(choice.reason and choice.origin == "discovered" for choice in found.choices)
    assert found.boot_volume_gb == 0


def test_this_run_beats_the_sites_file():
    found = select(
        OFFER,
        need(),
        site=site(public_network="y", flavor="b"),
        overrides={"flavor": Override(value="a", origin="the command line")},
    )
    assert (found.flavor.name, found.flavor.origin) == ("a", "the command line")
    assert (found.public_network.name, found.public_network.origin) == ("y", "sites/S.yaml")


def test_an_unknown_key_is_refused():
    with pytest.raises(RequestError) as caught:
        select(OFFER, need(), site=site(), overrides={"flavour": Override(value="a", origin="x")})
    assert caught.value.facts == {"did you mean": "flavor"}
