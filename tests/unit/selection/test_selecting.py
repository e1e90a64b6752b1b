"""All choices together, and what a person fixed."""

from offers import flavor, image, need, network, offer, site

from orchestrator.selection.overrides import Override
from orchestrator.selection.selecting import select

OFFER = offer(
    flavors=(flavor("a"), flavor("b", vcpus=4)),
    images=(image(min_disk_gb=15), image("Debian 11")),
    networks=(network("x", is_default=True), network("y")),
)


def test_every_choice_has_a_reason():
    found = select(OFFER, need(), site=site())
    assert [choice.name for choice in found.choices] == ["a", "Debian 12", "floating", "x"]
    assert all(choice.reason and choice.origin == "discovered" for choice in found.choices)
    assert (found.boot_volume_gb, found.attachment, found.ip_version) == (0, None, 4)


def test_what_is_fixed_is_taken_and_named():
    fixed = {
        "flavor": Override(value="b", origin="--set"),
        "public_network": Override(value="y", origin="sites/S.yaml"),
    }
    found = select(OFFER, need(), site=site(), fixed=fixed)
    assert (found.flavor.name, found.flavor.origin) == ("b", "--set")
    assert (found.public_network.name, found.public_network.origin) == ("y", "sites/S.yaml")
