"""No value enters HCL; names are checked; the inventory comes from the nodes alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest

from orchestrator.catalogue.usecases import find_use_case, use_case_folders
from orchestrator.errors import DeploymentFailedError, RequestError
from orchestrator.model import Share, Site
from orchestrator.rendering import hcl, ident, inventory, read_nodes, render_main, variables

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
        "deployment": {"id": "0f3c", "name": "sky"},
        "network": {
            "external_network_id": "id-ext",
            "external_network_name": "ext",
            "cidr": "10.222.0.0/24",
            "dns": ["192.0.2.53"],
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


def test_the_inventory_holds_each_node_in_its_groups(node):
    made = inventory([node])
    assert made["all"]["hosts"]["sky"]["ansible_host"] == "198.51.100.17"
    assert made["all"]["children"] == {"docker": {"hosts": {"sky": {}}}}


def test_nodes_are_read_from_the_outputs(node):
    told = {
        "address": "198.51.100.17",
        "port": 22,
        "user": "egi",
        "groups": ["docker"],
        "private_ip": "10.0.0.5",
        "volumes": [],
    }
    assert read_nodes({"nodes": {"sky": told}}) == (node,)


@pytest.mark.parametrize(
    "told", [{}, {"nodes": None}, {"nodes": {"sky": {"address": "{{ x }}", "port": 22}}}]
)
def test_other_outputs_are_an_error(told):
    with pytest.raises(DeploymentFailedError):
        read_nodes(told)
