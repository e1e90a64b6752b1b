"""No value enters HCL; names are checked; the inventory comes from the nodes alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest

from orchestrator.catalogue.usecases import find_use_case, use_case_folders
from orchestrator.errors import DeploymentFailedError, RequestError
from orchestrator.model import Attachment, DataVolume, Hop, JumpHost, NodeGroup, Share, Site
from orchestrator.rendering import (
    Stays,
    hcl,
    ident,
    inventory,
    network_module,
    read_nodes,
    render_end,
    render_main,
    variables,
)

KEY = "ssh-ed25519 AAAAC3Nza sky"
HOSTILE = [
    "",
    "${file(1)}",
    "%{if true}",
    'a"b',
    "a\nb",
    "a;b",
    "$(id)",
    "../../etc",
    "-rf",
    "a" * 300,
    "ѕky",
    "a b",
    "{{ x }}",
    "Sky",
]


@pytest.fixture
def site():
    return Site(
        name="SANDBOX",
        endpoint="https://keystone.example/v3",
        shares=(Share(vo="vo.access.egi.eu", project_id="p1", region="north"),),
        origin="file",
        dns=("192.0.2.53",),
    )


@pytest.fixture
def values(deployment, site, selection):
    def make(**changes):
        settings = {
            "deployment": deployment,
            "site": site,
            "selection": selection,
            "use_case": find_use_case("docker", use_case_folders(Path("/nowhere"))),
            "public_key": KEY,
        }
        return variables(**(settings | changes))

    return make


def test_every_value_travels_in_the_variables(values):
    assert values() == {
        "site": {
            "auth_url": "https://keystone.example/v3",
            "project_id": "p1",
            "region": "north",
            "cacert": None,
        },
        "deployment": {"id": "0f3c", "name": "sky", "use_case": "docker"},
        "network": {
            "external_network_id": "id-ext",
            "external_network_name": "ext",
            "cidr": "10.222.0.0/24",
            "dns": ["192.0.2.53"],
            "network_id": None,
            "subnet_id": None,
            "ip_version": 4,
            "config_drive": None,
        },
        "ssh_public_key": KEY,
        "ssh_from": ["0.0.0.0/0"],
        "login_user": "egi",
        "nodes": {
            "sky-docker": {
                "flavor_id": "id-m1.medium",
                "image_id": "id-debian 12",
                "boot_volume_gb": 0,
                "groups": ["docker"],
                "public": True,
                "floating_ip": None,
                "via": None,
            }
        },
    }


def test_main_is_the_same_whatever_the_values_are():
    assert render_main() == render_main()
    assert "10.222" not in render_main()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_no_host(values, deployment, name):
    with pytest.raises(RequestError):
        values(deployment=replace(deployment, name=name))


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("Sky", "a" * 300)])
def test_a_hostile_name_names_no_module(name):
    with pytest.raises(RequestError):
        render_main(network=name)


@pytest.mark.parametrize(
    "key", [f'{KEY}\nruncmd: ["id"]', f'{KEY}"]', f"{KEY} {{{{ x }}}}", "", "not a key at all x"]
)
def test_a_hostile_comment_in_a_key_is_refused(values, key):
    with pytest.raises(RequestError):
        values(public_key=key)


@pytest.mark.parametrize("value", ["${file(1)}", "%{if x}", 'a"b', "a\nb", "$${x}", "é☃", "\x01"])
def test_a_literal_evaluates_nothing(value):
    text = hcl(value)
    bare = text.replace("$${", "").replace("%%{", "")
    assert "${" not in bare
    assert "%{" not in bare
    assert json.loads(text.replace("$${", "${").replace("%%{", "%{")) == value


def test_an_identifier_is_written_without_quotes():
    assert hcl(ident("network")) == "network"


def test_a_template_that_asks_for_more_than_it_is_given_is_an_error(tmp_path):
    template = tmp_path / "main.tf.j2"
    template.write_text("{{ unknown }}")
    with pytest.raises(jinja2.UndefinedError):
        render_main(template=template)


def test_ports_are_opened_only_where_a_page_is_shown(values):
    assert "open_ports" not in values()
    assert values(open_ports=(443, 80))["open_ports"] == [80, 443]


# --- the shapes of a network


def shape(selection, topology, *, existing=False, **given):
    """Return a selection of one topology, on a network that is made or one that is there."""
    attached = Attachment(network_id="n-old", subnet_id="s-old") if existing else None
    named = replace(selection.topology, value=topology, name=topology)
    return replace(selection, topology=named, attachment=attached, **given)


def cluster(use_case, *public):
    """Return a use case with a node for each claim, of its name and public or not."""
    groups = tuple(
        NodeGroup(name=f"n{number}", groups=("all",), public=is_public)
        for number, is_public in enumerate(public, 1)
    )
    return replace(use_case, nodes=groups)


@pytest.fixture
def docker():
    return find_use_case("docker", use_case_folders(Path("/nowhere")))


ONE, THREE = (True,), (True, False, True)
DOOR = {"sky-n2": "sky-n1"}
BEHIND = {"sky-n2": "sky-n1", "sky-n3": "sky-n1"}


@pytest.mark.parametrize("existing", [False, True], ids=["made", "existing"])
@pytest.mark.parametrize(
    ("topology", "public", "floating", "via"),
    [
        ("floating", ONE, ["sky-n1"], {}),
        ("floating", THREE, ["sky-n1", "sky-n3"], DOOR),
        ("bastion", ONE, ["sky-n1"], {}),
        ("bastion", THREE, ["sky-n1"], BEHIND),
        ("direct", ONE, [], {}),
        ("direct", THREE, [], {}),
        ("jump", ONE, [], {}),
        ("jump", THREE, [], {}),
    ],
)
def test_each_topology_gives_floating_ips_and_ways_in(
    values, selection, docker, topology, public, floating, via, existing
):
    made = values(
        selection=shape(selection, topology, existing=existing), use_case=cluster(docker, *public)
    )
    nodes = made["nodes"]
    assert [name for name, node in nodes.items() if node["public"]] == floating
    assert {name: node["via"] for name, node in nodes.items() if node["via"]} == via
    leads_out = topology in ("floating", "bastion")
    assert made["network"]["external_network_name"] == ("ext" if leads_out else None)
    assert made["network"]["external_network_id"] == ("id-ext" if leads_out else None)
    assert made["network"]["config_drive"] is (None if leads_out else True)
    assert made["network"]["network_id"] == ("n-old" if existing else None)
    assert made["network"]["subnet_id"] == ("s-old" if existing else None)


@pytest.mark.parametrize("topology", ["floating", "bastion"])
def test_where_no_node_is_public_the_first_is_the_door(values, selection, docker, topology):
    made = values(selection=shape(selection, topology), use_case=cluster(docker, False, False))
    assert made["nodes"]["sky-n1"]["public"]
    assert made["nodes"]["sky-n2"]["via"] == "sky-n1"


def test_the_door_is_the_first_public_node_and_not_the_first(values, selection, docker):
    made = values(selection=shape(selection, "bastion"), use_case=cluster(docker, False, True))
    assert made["nodes"]["sky-n1"]["via"] == "sky-n2"
    assert made["nodes"]["sky-n2"]["public"]


@pytest.mark.parametrize("topology", ["floating", "bastion"])
def test_an_address_of_the_project_is_used_again_by_the_door_alone(
    values, selection, docker, topology
):
    held = replace(selection.topology, key="floating_ip", value="id-f", name="198.51.100.9")
    made = values(
        selection=shape(selection, topology, floating_ip=held),
        use_case=cluster(docker, False, True, True),
    )
    assert {name: node["floating_ip"] for name, node in made["nodes"].items()} == {
        "sky-n1": None,
        "sky-n2": "198.51.100.9",
        "sky-n3": None,
    }


def test_ssh_is_let_in_by_the_family_of_the_address(values, selection):
    assert values()["ssh_from"] == ["0.0.0.0/0"]
    six = values(selection=shape(selection, "direct", existing=True, ip_version=6))
    assert six["ssh_from"] == ["0.0.0.0/0", "::/0"]
    assert six["network"]["ip_version"] == 6
    assert values(ssh_from=["192.0.2.0/24"])["ssh_from"] == ["192.0.2.0/24"]


def test_a_volume_to_boot_from_is_one_for_each_node(values, selection, docker):
    made = values(selection=replace(selection, boot_volume_gb=20), use_case=cluster(docker, *THREE))
    assert [node["boot_volume_gb"] for node in made["nodes"].values()] == [20, 20, 20]


def test_a_data_volume_is_one_of_the_first_node(values, selection, docker):
    with_one = replace(selection, volume_gb=60)
    made = values(selection=with_one, use_case=cluster(docker, *THREE))
    assert made["volumes"] == {"sky-n1": {"size_gb": 60, "existing_id": None}}
    held = replace(selection.flavor, key="volume", value="id-cube", name="cube")
    there = values(selection=replace(with_one, volume=held), use_case=cluster(docker, *THREE))
    assert there["volumes"] == {"sky-n1": {"size_gb": 60, "existing_id": "id-cube"}}


def test_only_main_with_volumes_knows_them():
    assert 'module "volumes"' not in render_main()
    assert 'module "volumes"' in render_main(volumes=True)


def test_the_end_describes_nothing_and_forgets_the_volumes():
    text = render_end({Stays.VOLUMES})
    assert "floatingip" not in text
    assert "module " not in text
    removed = text.partition("removed {")[2]
    assert "from = module.volumes.openstack_blockstorage_volume_v3.data" in removed
    assert "destroy = false" in removed


def test_the_end_forgets_all_that_stays():
    assert render_end(set(Stays)).count("destroy = false") == len(Stays)


def test_the_module_follows_from_whether_there_is_a_network(selection):
    assert network_module(shape(selection, "floating")) == "network"
    for topology in ("floating", "bastion", "direct", "jump"):
        chosen = shape(selection, topology, existing=True)
        assert network_module(chosen) == "network_existing"
    assert './modules/network_existing"' in render_main(network="network_existing")


def test_only_a_network_that_is_made_is_told_its_addresses():
    made, existing = (
        render_main(network=name).partition('module "network"')[2].partition("module ")[0]
        for name in ("network", "network_existing")
    )
    assert "var.network.cidr" in made
    assert "var.network.cidr" not in existing
    assert "var.network.subnet_id" in existing


# --- what is read back


def test_the_inventory_holds_each_node_in_its_groups(node):
    made = inventory([node])
    assert made["all"]["hosts"]["sky"]["ansible_host"] == "198.51.100.17"
    assert made["all"]["children"] == {"docker": {"hosts": {"sky": {}}}}


def test_what_ssh_is_given_for_one_node_stands_beside_it_alone(node):
    hidden = replace(node, name="sky-inner")
    made = inventory([node, hidden], ssh_arguments=lambda one: "-J x" * (one is hidden))
    hosts = made["all"]["hosts"]
    assert hosts["sky-inner"]["ansible_ssh_common_args"] == "-J x"
    assert "ansible_ssh_common_args" not in hosts["sky"]


TOLD = {
    "address": "198.51.100.17",
    "port": 22,
    "user": "egi",
    "groups": ["docker"],
    "private_ip": "10.0.0.5",
    "volumes": [],
}
DISK = {"id": "v", "size_gb": 60, "made": True}


def test_nodes_are_read_from_the_outputs(node):
    assert read_nodes({"nodes": {"sky": TOLD}}) == (node,)
    assert read_nodes({"nodes": {"sky": {**TOLD, "via": None}}}) == (node,)


def test_a_data_volume_is_read_and_stands_in_the_inventory():
    (found,) = read_nodes({"nodes": {"sky": {**TOLD, "volumes": [DISK]}}})
    assert found.volumes == (DataVolume(**DISK),)
    assert inventory([found])["all"]["hosts"]["sky"]["volumes"] == [DISK]


def test_a_node_behind_another_is_reached_through_that_ones_address():
    inner = {**TOLD, "address": "10.0.0.6", "via": "sky-z"}
    first, door = read_nodes({"nodes": {"sky-z": TOLD, "sky-a": inner}})
    assert first.hop == Hop(host="198.51.100.17", user="egi", port=22)
    assert door.hop is None


def test_a_jump_host_leads_to_every_node_that_no_other_leads_to():
    gate = JumpHost(host="ada@gate", ssh_config="/home/ada/config")
    inner = {**TOLD, "via": "sky-b"}
    through = {
        node.name: node.hop for node in read_nodes({"nodes": {"sky-b": TOLD, "sky-a": inner}}, gate)
    }
    assert through["sky-b"] == Hop(host="ada@gate", ours=False, ssh_config="/home/ada/config")
    assert through["sky-a"].ours


def test_an_ipv6_address_is_written_in_its_short_form():
    told = {**TOLD, "address": "2001:0db8:0000::0005", "private_ip": "2001:db8::5"}
    (found,) = read_nodes({"nodes": {"sky": told}})
    assert (found.address, found.private_ip) == ("2001:db8::5", "2001:db8::5")


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"nodes": None},
        {"nodes": {"sky": {"address": "{{ x }}", "port": 22}}},
        {"nodes": {"sky": {**TOLD, "volumes": [{**DISK, "id": "{{ lookup('pipe', 'id') }}"}]}}},
        {"nodes": {"sky": {**TOLD, "volumes": [{**DISK, "id": None}]}}},
        {"nodes": {"sky": {**TOLD, "id": "../s1"}}},
        {"nodes": {"sky": {**TOLD, "via": "nobody"}}},
        {"nodes": {"sky": {**TOLD, "via": ["x"]}}},
        {"nodes": {"sky": {**TOLD, "volumes": ["v"]}}},
        {"nodes": {"sky": {**TOLD, "volumes": [{"id": "v"}]}}},
        {"nodes": {"sky": {**TOLD, "address": "gate.example"}}},
        {"nodes": {"sky": {**TOLD, "user": "egi -oProxyCommand=id"}}},
    ],
)
def test_other_outputs_are_an_error(told):
    with pytest.raises(DeploymentFailedError):
        read_nodes(told)
