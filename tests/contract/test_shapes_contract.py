"""Every network shape with the real Terraform and the real provider: what a first plan would make."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator import paths
from orchestrator.catalogue.usecases import find_use_case, use_case_folders
from orchestrator.drivers.terraform import Terraform
from orchestrator.errors import DeploymentFailedError
from orchestrator.model import Attachment, JumpHost, NodeGroup, Share, Site
from orchestrator.planning import read_plan
from orchestrator.rendering import network_module, render_main, variables
from orchestrator.workdir import Workdir

pytestmark = pytest.mark.contract

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzX sky"
USER_DATA = """\
#cloud-config
{"disable_root":true,"ssh_pwauth":false,"users":[{"gecos":"EGI orchestrator","lock_passwd":true,\
"name":"egi","shell":"/bin/bash","ssh_authorized_keys":["KEY"],"sudo":"ALL=(ALL) NOPASSWD:ALL"}]}
""".replace("KEY", KEY)
NETWORK = {
    f"module.network.openstack_networking_{kind}_v2.this"
    for kind in ("network", "subnet", "router", "router_interface")
}
ACCESS = {
    "module.access.openstack_compute_keypair_v2.this",
    "module.access.openstack_networking_secgroup_v2.this",
}
ROUTED = Attachment(network_id="n-old", subnet_id="s-old")
PROVIDERS = Attachment(network_id="n-old", subnet_id=None)


def let_in(*ranges):
    return {f'module.access.openstack_networking_secgroup_rule_v2.ssh["{one}"]' for one in ranges}


def of(name, *kinds):
    words = {
        "server": "openstack_compute_instance_v2",
        "port": "openstack_networking_port_v2",
        "made": "openstack_networking_floatingip_v2",
        "used": "openstack_networking_floatingip_associate_v2",
    }
    return {f'module.nodes.{words[kind]}.node["{name}"]' for kind in ("server", "port", *kinds)}


IPV4 = ACCESS | let_in("0.0.0.0/0")
IPV6 = ACCESS | let_in("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class Shape:
    """A selection by what it changes, the nodes by whether they are public, and what comes of it."""

    topology: str
    made: frozenset[str] | set[str]
    public: tuple[bool, ...] = (True,)
    changes: dict[str, Any] = field(default_factory=dict)


SHAPES = {
    "created": Shape("floating", NETWORK | IPV4 | of("sky-n1", "made", "used")),
    "behind a router": Shape(
        "floating", IPV4 | of("sky-n1", "made", "used"), changes={"attachment": ROUTED}
    ),
    "bastion": Shape(
        "bastion",
        IPV4 | of("sky-n1", "made", "used") | of("sky-n2") | of("sky-n3"),
        public=(True, False, True),
        changes={"attachment": ROUTED},
    ),
    "bastion, created": Shape(
        "bastion",
        NETWORK | IPV4 | of("sky-n1", "made", "used") | of("sky-n2") | of("sky-n3"),
        public=(True, True, True),
    ),
    "one private": Shape(
        "floating",
        NETWORK | IPV4 | of("sky-n1", "made", "used") | of("sky-n2"),
        public=(True, False),
    ),
    "direct": Shape("direct", IPV4 | of("sky-n1"), changes={"attachment": PROVIDERS}),
    "direct, IPv6": Shape(
        "direct", IPV6 | of("sky-n1"), changes={"attachment": PROVIDERS, "ip_version": 6}
    ),
    "jump": Shape(
        "jump",
        IPV4 | of("sky-n1") | of("sky-n2"),
        public=(True, True),
        changes={"attachment": PROVIDERS, "jump_host": JumpHost(host="gate")},
    ),
    "reused": Shape("floating", NETWORK | IPV4 | of("sky-n1", "used"), changes={"held": True}),
    "reused by a bastion": Shape(
        "bastion",
        IPV4 | of("sky-n1", "used") | of("sky-n2"),
        public=(True, False),
        changes={"held": True, "attachment": ROUTED},
    ),
    "volume": Shape(
        "floating", NETWORK | IPV4 | of("sky-n1", "made", "used"), changes={"boot_volume_gb": 20}
    ),
}


class Planned:
    """A shape in a folder of its own, with Terraform there."""

    def __init__(self, workdir: Workdir, terraform: Terraform, values: dict[str, Any]) -> None:
        self.workdir = workdir
        self.terraform = terraform
        self.values = values

    def plan(self) -> dict[str, Any]:
        self.workdir.write_variables(self.values)
        self.terraform.save_plan()
        return self.terraform.show_plan()

    def refusal(self) -> str:
        """Return why the modules do not take the values."""
        with pytest.raises(DeploymentFailedError) as caught:
            self.plan()
        return f"{caught.value.message} {' '.join(caught.value.facts.values())}"


@pytest.fixture
def prepare(tmp_path, installed_provider, terraform_program, deployment, selection):
    """Write the files of a shape as a run does, and start Terraform on them."""
    use_case = find_use_case("docker", use_case_folders(Path("/nowhere")))
    # Nothing answers on the discard port: a plan that only creates asks nobody.
    site = Site(
        name="NOWHERE",
        endpoint="http://127.0.0.1:9/v3",
        shares=(Share(vo=deployment.vo, project_id="p1"),),
        origin="test",
    )

    def make(shape: Shape) -> Planned:
        workdir = Workdir(tmp_path / "d")
        workdir.create()
        chosen = _selection(selection, shape)
        main = render_main(network=network_module(chosen))
        workdir.write_code(main=main, lock_file=installed_provider.lock_file)
        values = variables(
            deployment=deployment,
            site=site,
            selection=chosen,
            use_case=replace(use_case, nodes=_groups(shape.public)),
            public_key=KEY,
        )
        terraform = Terraform(
            workdir,
            program=terraform_program,
            cli_config=installed_provider.cli_config,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"},
            token="none",
        )
        workdir.write_variables(values)
        terraform.init()
        return Planned(workdir, terraform, values)

    return make


def _selection(selection, shape):
    changes = dict(shape.changes)
    if changes.pop("held", False):
        public = selection.public_network
        changes["floating_ip"] = replace(public, key="floating_ip", name="198.51.100.9")
    topology = replace(selection.topology, value=shape.topology, name=shape.topology)
    if shape.topology == "jump":
        changes["public_network"] = None
    return replace(selection, topology=topology, **changes)


def _groups(public):
    return tuple(
        NodeGroup(name=f"n{number}", groups=("all",), public=one)
        for number, one in enumerate(public, 1)
    )


def after(planned, address):
    (found,) = [one for one in planned["resource_changes"] if one["address"] == address]
    return found["change"]["after"]


def server(planned, name="sky-n1"):
    return after(planned, f'module.nodes.openstack_compute_instance_v2.node["{name}"]')


def port(planned, name="sky-n1"):
    return after(planned, f'module.nodes.openstack_networking_port_v2.node["{name}"]')


def association(planned, name="sky-n1"):
    kind = "openstack_networking_floatingip_associate_v2"
    return after(planned, f'module.nodes.{kind}.node["{name}"]')


@pytest.mark.parametrize("name", SHAPES)
def test_a_first_plan_of_a_shape_makes_exactly_its_parts(prepare, name):
    shape = SHAPES[name]
    planned = prepare(shape).plan()
    read_plan(planned).raise_if_unsafe()
    assert {one["address"] for one in planned["resource_changes"]} == shape.made
    assert {tuple(one["change"]["actions"]) for one in planned["resource_changes"]} == {("create",)}


@pytest.mark.parametrize("name", ["created", "direct"])
def test_the_rendered_files_are_valid_and_formatted(
    prepare, name, terraform_program, installed_provider
):
    folder = prepare(SHAPES[name]).workdir.path
    env = {**os.environ, "TF_CLI_CONFIG_FILE": str(installed_provider.cli_config)}
    for argv in (["validate", "-no-color"], ["fmt", "-check", "main.tf"]):
        done = subprocess.run(
            [terraform_program, *argv], cwd=folder, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_behind_a_router_the_port_is_on_the_routers_subnet(prepare):
    planned = prepare(SHAPES["behind a router"]).plan()
    assert port(planned)["network_id"] == "n-old"
    assert port(planned)["fixed_ip"] == [{"ip_address": None, "subnet_id": "s-old"}]
    assert server(planned)["config_drive"] is None


def test_on_a_providers_network_the_site_picks_the_subnet_and_a_drive_tells_the_user_data(prepare):
    planned = prepare(SHAPES["direct, IPv6"]).plan()
    assert port(planned)["network_id"] == "n-old"
    assert "fixed_ip" not in port(planned) or port(planned)["fixed_ip"] == []
    assert server(planned)["config_drive"] is True


def test_ssh_is_let_in_over_both_families_to_an_ipv6_address(prepare):
    planned = prepare(SHAPES["direct, IPv6"]).plan()
    rules = [one["change"]["after"] for one in planned["resource_changes"]
             if one["type"] == "openstack_networking_secgroup_rule_v2"]  # fmt: skip
    assert sorted((rule["ethertype"], rule["remote_ip_prefix"]) for rule in rules) == [
        ("IPv4", "0.0.0.0/0"),
        ("IPv6", "::/0"),
    ]
    assert {
        (rule["protocol"], rule["port_range_min"], rule["port_range_max"]) for rule in rules
    } == {("tcp", 22, 22)}


def test_an_address_of_the_project_is_attached_and_not_made(prepare):
    planned = prepare(SHAPES["reused"]).plan()
    assert association(planned)["floating_ip"] == "198.51.100.9"


def test_a_flavor_without_a_disk_boots_from_a_volume_that_goes_with_it(prepare):
    made = server(prepare(SHAPES["volume"]).plan())
    (disk,) = made["block_device"]
    assert (disk["volume_size"], disk["uuid"], disk["boot_index"]) == (20, "id-debian 12", 0)
    assert (disk["delete_on_termination"], disk["destination_type"]) == (True, "volume")
    assert made.get("image_id") is None


@pytest.mark.parametrize("name", ["created", "direct, IPv6", "volume"])
def test_a_machine_is_told_the_same_at_its_first_boot_in_every_shape(prepare, name):
    # The provider keeps its digest: another text would mean another machine after an import.
    told = server(prepare(SHAPES[name]).plan())["user_data"]
    assert told == hashlib.sha1(USER_DATA.encode()).hexdigest()


def test_every_part_carries_its_deployment_on_a_network_that_was_there(prepare):
    planned = prepare(SHAPES["bastion"]).plan()
    for resource in planned["resource_changes"]:
        made = resource["change"]["after"]
        mark = made.get("description") or made.get("metadata") or made.get("name")
        assert resource["type"].endswith("_associate_v2") or "0f3c" in str(mark)


# --- what the modules refuse


@pytest.mark.parametrize(
    "via", ["sky-n2", "sky-n9", "sky-n3", ""], ids=["itself", "nobody", "one behind", "no name"]
)
def test_a_node_is_reached_through_another_that_is_reached_straight(prepare, via):
    shape = prepare(SHAPES["bastion"])
    shape.values["nodes"]["sky-n2"]["via"] = via
    assert "SSH to a node goes straight, or via another node" in shape.refusal()


@pytest.mark.parametrize("version", [5, 0, 46])
def test_an_address_is_of_version_4_or_6(prepare, version):
    shape = prepare(SHAPES["direct"])
    shape.values["network"]["ip_version"] = version
    assert "The version of an address is 4 or 6" in shape.refusal()


@pytest.mark.parametrize("network_id", ["", " ", None])
def test_a_network_that_is_there_has_an_id(prepare, network_id):
    shape = prepare(SHAPES["direct"])
    shape.values["network"]["network_id"] = network_id
    assert "The id of the network that the nodes are attached to is missing" in shape.refusal()


# --- what the nodes' module tells of a machine that is there

MOCKED = """\
mock_provider "openstack" {{}}

variables {{
  deployment = {{ id = "0f3c", name = "sky" }}
  nodes = {{
    sky-n1 = {{
      flavor_id      = "f"
      image_id       = "i"
      boot_volume_gb = 0
      groups         = []
      public         = {public}
      floating_ip    = {held}
    }}
  }}
  login_user            = "egi"
  ssh_public_key        = "{key}"
  keypair_name          = "k"
  security_group_id     = "g"
  network_id            = "n"
  ip_version            = {version}
  external_network_name = "ext"
}}

override_resource {{
  target = openstack_networking_port_v2.node
  values = {{ all_fixed_ips = {addresses} }}
}}

override_resource {{
  target = openstack_networking_floatingip_v2.node
  values = {{ address = "198.51.100.7" }}
}}

run "apply" {{
  assert {{
    condition     = output.nodes["sky-n1"].user == "nobody"
    error_message = jsonencode(output.nodes["sky-n1"])
  }}
}}
"""


@pytest.fixture
def told(tmp_path, terraform_program, installed_provider):
    """Apply the nodes' module with every resource a mock; return what it tells, or why not."""

    def apply(addresses, *, version=4, public=False, held=None):
        for file in (paths.TERRAFORM_MODULES / "nodes").iterdir():
            (tmp_path / file.name).write_text(file.read_text())
        given = {"version": version, "public": json.dumps(public), "held": json.dumps(held)}
        text = MOCKED.format(key=KEY, addresses=json.dumps(addresses), **given)
        (tmp_path / "told.tftest.hcl").write_text(text)
        env = {"TF_CLI_CONFIG_FILE": str(installed_provider.cli_config), "HOME": "/nonexistent"}
        subprocess.run(
            [terraform_program, "init"], cwd=tmp_path, env=env, check=True, capture_output=True
        )
        done = subprocess.run(
            [terraform_program, "test", "-json"], cwd=tmp_path, env=env, capture_output=True
        )
        # The one assertion always fails, and says what it saw.
        events = [json.loads(line) for line in done.stdout.splitlines()]
        errors = [one["diagnostic"] for one in events if "diagnostic" in one]
        return " ".join(f"{one['summary']} {one.get('detail', '')}" for one in errors)

    return apply


@pytest.mark.parametrize(
    ("addresses", "version", "address", "private_ip"),
    [
        (["10.0.0.5"], 4, "10.0.0.5", "10.0.0.5"),
        (["2001:db8::5", "10.0.0.5"], 4, "10.0.0.5", "10.0.0.5"),
        (["10.0.0.5", "2001:db8::5"], 6, "2001:db8::5", "10.0.0.5"),
        (["2001:db8::5"], 6, "2001:db8::5", "2001:db8::5"),
        # Its subnets were hidden, so nobody could know the family before.
        (["2001:db8::5"], 4, "2001:db8::5", "2001:db8::5"),
    ],
)
def test_a_node_is_told_by_the_address_that_leads_to_it(
    told, addresses, version, address, private_ip
):
    words = told(addresses, version=version)
    assert f'"address":"{address}"' in words
    assert f'"private_ip":"{private_ip}"' in words


@pytest.mark.parametrize(("held", "address"), [(None, "198.51.100.7"), ("198.51.100.9",) * 2])
def test_a_public_node_is_told_by_its_floating_ip(told, held, address):
    words = told(["10.0.0.5"], public=True, held=held)
    assert f'"address":"{address}"' in words
    assert '"private_ip":"10.0.0.5"' in words


def test_a_network_that_gives_no_address_is_said_so(told):
    assert "sky-n1 got no address on its network" in told([])
