"""The modules and the driver with the real Terraform and the real provider, without a cloud."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator import paths
from orchestrator.catalogue.usecases import find_use_case, use_case_folders
from orchestrator.drivers.terraform import RenewalDueError, Terraform
from orchestrator.errors import DeploymentFailedError, SetupError, SiteError, UnsafePlanError
from orchestrator.model import Share, Site
from orchestrator.planning import read_plan
from orchestrator.rendering import PROVIDER_VERSION, hcl, render_main, variables
from orchestrator.workdir import Workdir
from tests.mutating import HOSTILE
from tests.secretwatch import SecretWatch

pytestmark = pytest.mark.contract

GOLDEN = Path(__file__).parent / "golden"
MODULES = sorted(path.name for path in paths.TERRAFORM_MODULES.iterdir())
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzX sky"
CANARY = "canary-4711"


@pytest.fixture
def workdir(tmp_path, installed_provider):
    made = Workdir(tmp_path / "d")
    made.create()
    made.write_code(main=render_main(), lock_file=installed_provider.lock_file)
    return made


@pytest.fixture
def values(deployment, selection):
    # Nothing answers on the discard port: a plan that only creates asks nobody.
    site = Site(
        name="NOWHERE",
        endpoint="http://127.0.0.1:9/v3",
        shares=(Share(vo=deployment.vo, project_id="p1"),),
        origin="test",
    )
    return variables(
        deployment=deployment,
        site=site,
        selection=selection,
        use_case=find_use_case("docker", use_case_folders(Path("/nowhere"))),
        public_key=KEY,
    )


@pytest.fixture
def terraform(workdir, installed_provider, terraform_program):
    return Terraform(
        workdir,
        program=terraform_program,
        cli_config=installed_provider.cli_config,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"},
        token=CANARY,
    )


@pytest.fixture
def planned(terraform, workdir, values):
    workdir.write_variables(values)
    terraform.init()
    assert terraform.save_plan()
    return terraform.show_plan()


def after(planned, kind):
    (resource,) = [one for one in planned["resource_changes"] if one["type"] == kind]
    return resource["change"]["after"]


_OURS = "eu.egi.cloud.orchestrator"


@pytest.mark.parametrize(
    ("network", "golden"), [("network", "main.tf"), ("network_existing", "main_existing.tf")]
)
def test_main_is_the_golden_file(network, golden):
    assert render_main(network=network) == (GOLDEN / golden).read_text()


def test_all_terraform_is_formatted(terraform_program):
    for folder in (paths.TERRAFORM_MODULES, GOLDEN):
        argv = [terraform_program, "fmt", "-check", "-recursive", folder]
        assert subprocess.run(argv, capture_output=True, text=True).stdout == ""


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_valid_by_itself(module, tmp_path, terraform_program, installed_provider):
    for file in (paths.TERRAFORM_MODULES / module).iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    env = {"TF_CLI_CONFIG_FILE": str(installed_provider.cli_config), "HOME": "/nonexistent"}
    for verb in ("init", "validate"):
        subprocess.run(
            [terraform_program, verb, "-no-color"], cwd=tmp_path, env=env, check=True, stdout=-1
        )


@pytest.mark.parametrize("module", MODULES)
def test_every_variable_and_output_is_described(module):
    for name in ("variables.tf", "outputs.tf"):
        text = (paths.TERRAFORM_MODULES / module / name).read_text()
        blocks = re.findall(r'^(?:variable|output) ".*?^}', text, re.DOTALL | re.MULTILINE)
        assert blocks
        assert [
            one for one in blocks if not re.search(r"^  description +=", one, re.MULTILINE)
        ] == []


def test_a_first_plan_only_creates(planned):
    plan = read_plan(planned)
    plan.raise_if_unsafe()
    assert plan.counts_by_type == {
        "openstack_compute_keypair_v2": 1,
        "openstack_networking_network_v2": 1,
        "openstack_networking_subnet_v2": 1,
        "openstack_networking_router_v2": 1,
        "openstack_networking_router_interface_v2": 1,
        "openstack_networking_secgroup_v2": 1,
        "openstack_networking_secgroup_rule_v2": 1,
        "openstack_networking_port_v2": 1,
        "openstack_compute_instance_v2": 1,
        "openstack_networking_floatingip_v2": 1,
        "openstack_networking_floatingip_associate_v2": 1,
    }


def test_every_resource_carries_its_deployment_in_its_create_request(planned):
    found_through_their_ends = ("_interface_v2", "_associate_v2")
    for resource in planned["resource_changes"]:
        if resource["type"].endswith(found_through_their_ends):
            continue
        made = resource["change"]["after"]
        mark = made.get("description") or made.get("metadata") or made["name"]
        assert "0f3c" in str(mark), resource["address"]
        # The listing alone tells where to take it back to; a key pair has nothing but its name.
        told = resource["address"] in str(
            mark.get(f"{_OURS}.address") if isinstance(mark, dict) else mark
        )
        assert told or "keypair" in resource["address"], (resource["address"], mark)
    assert after(planned, "openstack_compute_instance_v2")["metadata"] == {
        _OURS: "orchestrator",
        f"{_OURS}.id": "0f3c",
        f"{_OURS}.name": "sky",
        f"{_OURS}.use_case": "docker",
        f"{_OURS}.address": 'module.nodes.openstack_compute_instance_v2.node["sky-docker"]',
    }


def test_only_ssh_is_let_in(planned):
    rule = after(planned, "openstack_networking_secgroup_rule_v2")
    assert (rule["protocol"], rule["port_range_min"], rule["port_range_max"]) == ("tcp", 22, 22)


def test_ports_of_a_page_are_open_to_everybody_and_carry_their_deployment(
    terraform, workdir, values
):
    workdir.write_variables({**values, "open_ports": [80, 443]})
    terraform.init()
    terraform.save_plan()
    rules = {
        one["address"]: one["change"]["after"]
        for one in terraform.show_plan()["resource_changes"]
        if one["type"] == "openstack_networking_secgroup_rule_v2" and one["name"] == "page"
    }
    assert {(rule["port_range_min"], rule["ethertype"]) for rule in rules.values()} == {
        (80, "IPv4"),
        (80, "IPv6"),
        (443, "IPv4"),
        (443, "IPv6"),
    }
    for address, rule in rules.items():
        assert rule["port_range_min"] == rule["port_range_max"]
        assert (rule["direction"], rule["protocol"]) == ("ingress", "tcp")
        assert rule["description"] == f"orchestrator deployment 0f3c at {address}"


def test_a_flavor_without_a_disk_boots_from_a_volume(terraform, workdir, values):
    values["nodes"]["sky-docker"]["boot_volume_gb"] = 10
    workdir.write_variables(values)
    terraform.init()
    terraform.save_plan()
    server = after(terraform.show_plan(), "openstack_compute_instance_v2")
    assert server["block_device"][0]["volume_size"] == 10
    assert server.get("image_id") is None


def test_a_private_node_gets_no_floating_ip(terraform, workdir, values):
    values["nodes"]["sky-docker"]["public"] = False
    workdir.write_variables(values)
    terraform.init()
    terraform.save_plan()
    assert (
        "openstack_networking_floatingip_v2" not in read_plan(terraform.show_plan()).counts_by_type
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("deployment", "name"), "Sky; id"),
        (("network", "cidr"), "10.0.0.0/99"),
        (("ssh_public_key",), KEY + '\nruncmd: ["id"]'),
        (("login_user",), "root; id"),
        (("ssh_from",), []),
        (("ssh_from",), ["anywhere"]),
        (("open_ports",), [70000]),
        (
            ("nodes",),
            {
                "other": {
                    "flavor_id": "f",
                    "image_id": "i",
                    "boot_volume_gb": 0,
                    "groups": [],
                    "public": True,
                    "floating_ip": None,
                    "via": None,
                }
            },
        ),
    ],
)
def test_the_modules_refuse_what_python_should_have_refused(
    terraform, workdir, values, path, value
):
    *way, last = path
    target = values
    for step in way:
        target = target[step]
    target[last] = value
    workdir.write_variables(values)
    terraform.init()
    with pytest.raises(DeploymentFailedError) as caught:
        terraform.save_plan()
    assert "Invalid value for variable" in " ".join(caught.value.facts.values())


TEMPLATES = ['${file("/etc/hostname")}', "%{if true}x%{endif}", 'a"b\n}']
# What a site may tell, and JSON can carry to Terraform: half a sign and a NUL end before.
TEXTS = [*TEMPLATES, *(text for text in HOSTILE if not {"\x00", "\ud800"} & set(text))]


@pytest.mark.parametrize("text", TEXTS)
def test_values_are_never_evaluated(terraform, workdir, values, text):
    values["network"]["external_network_name"] = text
    values["nodes"]["sky-docker"] |= {"flavor_id": text, "image_id": text}
    workdir.write_variables(values)
    terraform.init()
    terraform.save_plan()
    shown = terraform.show_plan()
    assert after(shown, "openstack_networking_floatingip_v2")["pool"] == text
    server = after(shown, "openstack_compute_instance_v2")
    assert (server["flavor_id"], server["image_id"]) == (text, text)
    assert not list(workdir.path.rglob("pwned"))


def test_literals_are_read_by_terraform_as_they_were_meant(terraform, workdir):
    """Also those that no template of ours writes today: the renderer is the last that looks at them."""
    head = render_main().partition('provider "openstack"')[0]
    values = {"texts": TEXTS, "nested": {text: [text, 1, None, True] for text in TEXTS}}
    workdir.main.write_text(f'{head}output "told" {{\n  value = {hcl(values)}\n}}\n')
    terraform.init()
    terraform.save_plan()
    assert terraform.show_plan()["planned_values"]["outputs"]["told"]["value"] == values


@given(st.lists(st.text(alphabet="${}%\"'\\~\n\t `|a<é", max_size=12), max_size=30))
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_any_text_is_read_by_terraform_as_it_was_meant(terraform, workdir, texts):
    head = render_main().partition('provider "openstack"')[0]
    workdir.main.write_text(f'{head}output "told" {{\n  value = {hcl(texts)}\n}}\n')
    terraform.init()
    terraform.save_plan()
    assert terraform.show_plan()["planned_values"]["outputs"]["told"]["value"] == texts


@pytest.mark.parametrize("text", TEMPLATES)
def test_ids_that_a_site_tells_are_taken_back_as_they_are_written(terraform, workdir, text):
    head = render_main().partition('provider "openstack"')[0]
    workdir.main.write_text(head + 'resource "terraform_data" "one" {}\n')
    workdir.write_imports({"terraform_data.one": text})
    terraform.init()
    terraform.save_plan()
    (resource,) = terraform.show_plan()["resource_changes"]
    assert resource["change"]["importing"] == {"id": text}


def test_a_site_that_does_not_answer_is_told(terraform, planned):
    with pytest.raises(SiteError, match="does not answer"):
        terraform.apply_saved_plan()


STEPS = """
resource "terraform_data" "first" {
  provisioner "local-exec" { command = "sleep 0.5; echo made >>made" }
}

resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]

  provisioner "local-exec" { command = "sleep ${fileexists("again") ? 0 : 30}; echo made >>made" }
}
"""


def test_a_stop_for_a_new_login_keeps_what_is_made_and_the_rest_is_made_by_the_next_one(
    terraform, workdir
):
    # With the provider that the lock file is of, although nothing of it is made here.
    head = render_main().partition('provider "openstack"')[0]
    workdir.main.write_text(head + STEPS)
    terraform.init()
    terraform.save_plan()
    with pytest.raises(RenewalDueError):
        terraform.apply_saved_plan(login_seconds=4.0)
    assert workdir.check_state().resources >= 1
    (workdir.path / "again").touch()
    assert terraform.save_plan()
    rest = read_plan(terraform.show_plan())
    assert [change.address for change in rest.changes] == ["terraform_data.slow"]
    rest.raise_if_unsafe(agreed=rest.unfinished(finished=()))
    terraform.apply_saved_plan(login_seconds=60.0)
    assert not terraform.save_plan()
    assert (workdir.path / "made").read_text() == "made\n" * 2


def test_the_token_is_seen_in_terraform_and_its_provider_alone(terraform, planned):
    allowed = ("terraform", f"terraform-provider-openstack_v{PROVIDER_VERSION}")
    watch = SecretWatch({"the token": CANARY}, may_know=dict.fromkeys(allowed, {"the token"}))
    with watch, pytest.raises(SiteError):
        terraform.apply_saved_plan()
    assert "terraform apply" in watch.programs
    assert watch.found == set()


def test_the_token_is_in_no_file(terraform, planned, workdir):
    with pytest.raises(SiteError):
        terraform.apply_saved_plan()
    leaks = [
        path
        for path in workdir.path.rglob("*")
        if path.is_file() and not path.is_symlink() and CANARY.encode() in path.read_bytes()
    ]
    assert leaks == []


def state(address_free_attributes):
    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 3,
        "lineage": "l",
        "outputs": {},
        "resources": [
            {
                "mode": "managed",
                "type": "terraform_data",
                "name": "gone",
                "provider": 'provider["terraform.io/builtin/terraform"]',
                "instances": [{"schema_version": 0, "attributes": address_free_attributes}],
            }
        ],
        "check_results": None,
    }


def test_a_plan_that_destroys_is_refused(terraform, workdir, values):
    workdir.write_variables(values)
    workdir.state.write_text(
        json.dumps(state({"id": "x", "input": None, "output": None, "triggers_replace": None}))
    )
    terraform.init()
    terraform.save_plan()
    plan = read_plan(terraform.show_plan())
    with pytest.raises(UnsafePlanError):
        plan.raise_if_unsafe()
    plan.raise_if_unsafe(agreed=["terraform_data.gone"])


def test_another_build_of_the_provider_is_refused(terraform, workdir, values):
    lock = workdir.path / ".terraform.lock.hcl"
    lock.write_text(lock.read_text().replace("h1:", "h1:AAAA"))
    with pytest.raises(SetupError, match="not the one that is expected"):
        terraform.init()


def test_the_real_version_is_read(terraform):
    assert terraform.version().startswith("1.")
