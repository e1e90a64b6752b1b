"""Between a deployment and its row: every value comes back, and old records are still read."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from orchestrator.model import (
    Attachment,
    Choice,
    DataVolume,
    Deployment,
    Hop,
    JumpHost,
    KeptVolume,
    Node,
    Rival,
    Selection,
)
from orchestrator.store import records
from tests.unit.store.old_records import OLD_NODE, OLD_SELECTION


def through_the_store(deployment: Deployment) -> Deployment:
    """Return what a database gives back: JSON columns are text in between."""
    row = records.to_row(deployment)
    columns = ("parameters", "versions", "nodes", "kept")
    told = {key: json.loads(json.dumps(row[key])) for key in columns}
    return records.from_row({**row, **told, "selection": json.loads(json.dumps(row["selection"]))})


def choice(key, **given):
    plain = {"value": f"id-{key}", "name": key, "label": key, "reason": "only", "candidates": 1}
    return Choice(key=key, **{**plain, **given})


RIVAL = Rival(value="id-b", label="ext-b", why_not="weaker evidence")
FULL = {
    "public_network": choice(
        "public_network",
        rivals=(RIVAL,),
        confidence="fixed",
        origin="--set",
        beaten=(("my.yaml", "ext-a"), ("sites/SIM.yaml", "ext-b")),
    ),
    "private_network": choice("private_network", confidence="proven"),
    "floating_ip": choice("floating_ip", name="198.51.100.9"),
    "volume": choice("volume", confidence="fixed", origin="--set"),
    "volume_gb": 60,
    "boot_volume_gb": 20,
    "attachment": Attachment(network_id="n", subnet_id=None),
    "ip_version": 6,
    "jump_host": JumpHost(host="ada@gate,inner", ssh_config="/home/ada/jump config"),
}


@pytest.mark.parametrize("hop", [
    None,
    Hop(host="198.51.100.17", user="egi", port=22),
    Hop(host="gate", ours=False, ssh_config="/home/ada/config"),
])  # fmt: skip
def test_a_node_comes_back_with_what_leads_to_it(deployment, node, hop):
    made = DataVolume(id="v1", size_gb=60, made=True)
    volumes = (made, replace(made, id="v2", made=False))
    whole = replace(deployment, nodes=(replace(node, hop=hop, volumes=volumes),))
    assert through_the_store(whole) == whole


def test_a_volume_that_was_attached_to_its_server_later_had_a_place_too(deployment, node):
    disk = DataVolume(id="v1", size_gb=60, made=True)
    row = records.to_row(replace(deployment, nodes=(replace(node, volumes=(disk,)),)))
    row["nodes"][0]["volumes"][0]["device"] = "/dev/vdb"
    assert records.from_row(row).volumes == (disk,)


def test_a_volume_that_outlives_its_deployment_comes_back(deployment):
    whole = replace(deployment, kept=(KeptVolume(id="v1", name="sky-vm-data", size_gb=60),))
    assert through_the_store(whole) == whole


def test_every_part_of_a_selection_comes_back(deployment, selection):
    whole = replace(deployment, selection=replace(selection, **FULL))
    assert through_the_store(whole) == whole


@pytest.mark.parametrize("part", FULL)
def test_each_part_of_a_selection_may_be_missing(deployment, selection, part):
    others = {key: value for key, value in FULL.items() if key != part}
    whole = replace(deployment, selection=replace(selection, **{"public_network": None, **others}))
    assert through_the_store(whole) == whole


def test_no_field_of_the_model_is_forgotten_here():
    unset = {f.name for f in fields(Selection) if f.name in FULL and f.default == FULL[f.name]}
    assert unset == set()
    kept = {"flavor", "image", "topology"} | set(FULL)
    assert {field.name for field in fields(Selection)} == kept


@pytest.fixture
def old(deployment):
    row = records.to_row(deployment)
    return records.from_row({**row, "selection": OLD_SELECTION, "nodes": [OLD_NODE]})


def test_a_record_from_before_there_were_topologies_had_floating_ips(old):
    assert (old.selection.topology.value, old.selection.topology.label) == (
        "floating",
        "floating IPs",
    )
    assert old.selection.attachment is None
    assert old.selection.jump_host is None
    assert old.selection.ip_version == 4
    assert [one.key for one in old.selection.choices] == [
        "flavor",
        "image",
        "topology",
        "public_network",
    ]


def test_an_old_choice_keeps_its_reason_and_rivals(old):
    flavor = old.selection.flavor
    assert flavor.reason == "smallest of 3 that fit"
    assert flavor.rivals == (Rival(value="id-m2", label="m2", why_not="larger"),)
    assert (flavor.confidence, flavor.beaten) == ("certain", ())


def test_an_old_node_is_reached_straight(old):
    assert old.nodes == (Node(**{**OLD_NODE, "groups": ("docker",), "volumes": ()}),)
    assert old.nodes[0].hop is None


def test_an_old_record_is_written_anew_and_read_again(old):
    assert through_the_store(old) == old


def test_a_record_without_choices_comes_back(deployment):
    assert through_the_store(deployment) == deployment
