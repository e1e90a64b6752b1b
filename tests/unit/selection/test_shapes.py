"""Every shape of a site that we know of: the decision written beside it is the one that is made."""

import pytest
import yaml

from orchestrator import choosing, errors, paths
from orchestrator.errors import AmbiguousChoiceError, OrchestratorError, SiteError
from tests.unit.selection import offers, shapes
from tests.unit.selection.shapes import Case

CASES = list(shapes.cases())
NAMES = [
    f"{case.shape}-{[one for one in CASES if one.shape == case.shape].index(case) + 1}"
    for case in CASES
]
CHOSEN = [case for case in CASES if "expect" in case.told]
REFUSED = [case for case in CASES if "refused" in case.told]


def named(cases):
    return {"argvalues": cases, "ids": [NAMES[CASES.index(case)] for case in cases]}


def test_there_are_enough_shapes_and_each_case_says_why():
    assert len({case.shape for case in CASES}) >= 25
    assert len(CHOSEN) + len(REFUSED) == len(CASES)
    assert all(case.told["because"] for case in CASES)


def test_every_site_file_and_every_network_on_record_is_in_a_shape():
    files = (paths.TEMPLATES / "sites").glob("*.yaml")
    sites = {yaml.safe_load(path.read_text())["gocdb"] for path in files}
    networks = {entry["name"] for entry in offers.read("networks.yaml")["networks"]}
    assert sites - {case.told["site"] for case in CASES} == set()
    assert networks - {one["name"] for case in CASES for one in case.told["networks"]} == set()


def test_the_shapes_speak_of_vos_that_their_sites_serve():
    pairs = {(case.told["site"], case.told["vo"]) for case in CASES}
    assert [
        pair for pair in sorted(pairs) if shapes.SITES.find(pair[0]).share_of(pair[1]) is None
    ] == []


@pytest.mark.parametrize("case", **named(CHOSEN))
def test_what_is_right_is_chosen_and_explained(case: Case):
    offer = case.offer
    selection = case.choose(offer)
    expected = case.told["expect"]
    found = facts_of(selection, offer, case)
    # An expectation that nobody reads would hold for ever.
    assert set(expected) - {"confidence", "reason", "rivals", "beaten"} <= set(found)
    for key in set(expected) & set(found):
        assert found[key] == expected[key], key
    by_key = {choice.key: choice for choice in selection.choices}
    for key, confidence in expected.get("confidence", {}).items():
        assert by_key[key].confidence == confidence, key
    for key, fragment in expected.get("reason", {}).items():
        assert fragment in by_key[key].reason
    for key, values in expected.get("beaten", {}).items():
        assert [value for _, value in by_key[key].beaten] == values
    why_not = {
        name: rival.why_not
        for choice in selection.choices
        for rival in choice.rivals
        for name in (rival.label, rival.value)
    }
    for label, fragment in expected.get("rivals", {}).items():
        assert fragment in why_not[label]
    for choice in selection.choices:
        assert choice.reason
        assert choice.candidates >= 1


@pytest.mark.parametrize("case", **named(REFUSED))
def test_what_cannot_be_chosen_is_refused_with_the_way_out(case: Case):
    kind = getattr(errors, case.told["refused"])
    with pytest.raises(kind) as caught:
        case.choose(case.offer)
    assert type(caught.value) is kind
    text = text_of(caught.value)
    for fragment in case.told["says"]:
        assert fragment in text
    assert caught.value.facts or caught.value.way_out
    if issubclass(kind, SiteError):
        assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    "case", **named([case for case in REFUSED if case.told["refused"] == "AmbiguousChoiceError"])
)
def test_the_line_that_is_printed_settles_the_ambiguity(case: Case):
    with pytest.raises(AmbiguousChoiceError) as caught:
        case.choose(case.offer)
    option = caught.value.way_out[0].rpartition("--set ")[2].strip("'")
    key, _, value = option.partition("=")
    settled = Case(
        shape=case.shape, told={**case.told, "set": {**case.told.get("set", {}), key: value}}
    )
    again = offers.outcome(lambda: settled.choose(case.offer))
    if isinstance(again, OrchestratorError):
        # Two pools of one name are told apart by their ids, but not by Terraform's provider.
        assert "floating IPs are asked for by name" in again.message
        return
    assert next(one for one in again.choices if one.key == key).confidence == "fixed"


def facts_of(selection, offer, case):
    public, private = selection.public_network, selection.private_network
    flavor = next(one for one in offer.flavors if one.id == selection.flavor.value)
    attached = selection.attachment.network_id if selection.attachment else None
    lines = choosing.quota_lines(offer, selection, case.use_case, parameters={})
    short = [line.word for line in lines if not line.fits]
    return {
        "topology": selection.topology.value,
        "public_network": public and public.name,
        "public_network_id": public and public.value,
        "private_network": private and private.name,
        "floating_ip": selection.floating_ip and selection.floating_ip.name,
        "flavor": selection.flavor.name,
        "flavor_size": f"{flavor.vcpus} {flavor.ram_mb} {flavor.disk_gb}",
        "image": selection.image.name,
        "image_id": selection.image.value,
        "network": next((one.name for one in offer.networks if one.id == attached), None),
        "ip_version": selection.ip_version,
        "volume_gb": selection.boot_volume_gb,
        "jump": selection.jump_host and selection.jump_host.host,
        "rivals_of_topology": [rival.label for rival in selection.topology.rivals],
        "short": short,
        "room": not short,
    }


def text_of(error):
    facts = [f"{label}: {text}" for label, text in error.facts.items()]
    return "\n".join([error.message, *facts, *error.way_out])
