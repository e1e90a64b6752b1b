"""Data volumes with the real Terraform and the real provider, on a site of machines with volumes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence

import pytest

from orchestrator import paths
from orchestrator.drivers.terraform import Terraform
from orchestrator.planning import Plan, read_plan
from orchestrator.rendering import Stays, render_end, render_main
from orchestrator.workdir import Workdir
from tests.contract import volume_site

pytestmark = pytest.mark.contract

MADE = 'module.volumes.openstack_blockstorage_volume_v3.data["sky-vm"]'
SERVER = 'module.nodes.openstack_compute_instance_v2.node["sky-vm"]'
PORT = 'module.nodes.openstack_networking_port_v2.node["sky-vm"]'
IMAGE = "1a000000-0000-4000-8000-000000000001"
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"}


def main_of_volumes() -> str:
    """Return the rendered main.tf without the network and the keys of a deployment."""
    text = render_main(volumes=True)
    for part in ("network", "access"):
        before, _, rest = text.partition(f'module "{part}" {{\n')
        text = before + rest.partition("\n}\n")[2]
    return re.sub(r"module\.(network|access)\.(\w+)", _instead, text)


def _instead(found: re.Match[str]) -> str:
    given = {"network_id": '"lan"', "keypair_name": '"k"', "security_group_id": '"g"'}
    return given.get(found[2], "null")


@pytest.fixture
def site():
    with volume_site.running() as found:
        yield found


@pytest.fixture
def work(tmp_path, site, installed_provider, terraform_program):
    """A folder with the machine and the volume of a deployment, and the real Terraform in it."""
    return Work(tmp_path / "d", site, installed_provider, terraform_program)


class Work:
    def __init__(self, folder, site, provider, program) -> None:
        self.workdir = Workdir(folder)
        self.workdir.create()
        self.workdir.write_code(main=main_of_volumes(), lock_file=provider.lock_file)
        self.site = site
        self.provider = provider
        self.program = program
        self.terraform = Terraform(
            self.workdir, program=program, cli_config=provider.cli_config, env=ENV, token="none"
        )
        self.describe()

    def describe(self, existing: str | None = None, *, boot_volume_gb: int = 0) -> None:
        values = {
            "site": {
                "auth_url": f"{self.site.base}/v3",
                "project_id": "p1",
                "region": None,
                "cacert": None,
            },
            "deployment": {"id": "0f3c", "name": "sky", "use_case": "machine"},
            "volumes": {"sky-vm": {"size_gb": 20, "existing_id": existing}},
            "nodes": {"sky-vm": {**NODE, "boot_volume_gb": boot_volume_gb}},
        }
        self.workdir.write_variables({**values, **NOT_USED})

    def plan(self, *, destroy: bool = False, targets: Sequence[str] = ()) -> Plan:
        self.terraform.init()
        self.terraform.save_plan(destroy=destroy, targets=targets)
        return read_plan(self.terraform.show_plan())

    def make(self) -> str:
        """Make the machine with its volume; return the volume's id."""
        self.plan()
        self.terraform.apply_saved_plan()
        (made,) = self.terraform.outputs()["nodes"]["sky-vm"]["volumes"]
        return made["id"]

    def forget_state(self) -> None:
        self.workdir.state.unlink()

    def known(self) -> list[str]:
        state = json.loads(self.workdir.state.read_text())
        return sorted(one["type"] for one in state["resources"])


# The other variables of the root module need a value, and nothing here uses one.
NOT_USED = {
    "network": {
        "external_network_id": None,
        "external_network_name": None,
        "cidr": None,
        "dns": [],
        "network_id": None,
        "subnet_id": None,
        "ip_version": 4,
        "config_drive": None,
    },
    "ssh_public_key": "",
    "ssh_from": [],
    "login_user": "egi",
}
NODE = {
    "flavor_id": "f", "image_id": IMAGE, "groups": ["vm"], "public": False,
    "floating_ip": None, "via": None,
}  # fmt: skip


def test_a_volume_is_made_with_its_mark_and_given_with_its_machine(work, site):
    made = work.make()
    assert site.changes == [f"create {made}", f"create server with {made}"]
    told = site.volumes[made]
    assert told["name"] == "sky-vm-data"
    assert told["description"] == f"orchestrator deployment 0f3c at {MADE}"
    assert told["metadata"]["eu.egi.cloud.orchestrator.id"] == "0f3c"
    (asked,) = site.asked
    assert asked["imageRef"] == IMAGE
    assert "eu.egi.cloud.orchestrator.volume" not in asked["metadata"]
    assert asked["block_device_mapping_v2"] == [
        {"source_type": "image", "destination_type": "local", "uuid": IMAGE, "boot_index": 0,
         "delete_on_termination": True},
        {"source_type": "volume", "destination_type": "volume", "uuid": made, "boot_index": -1,
         "delete_on_termination": False},
    ]  # fmt: skip
    assert work.terraform.outputs()["nodes"]["sky-vm"]["volumes"] == [
        {"id": made, "size_gb": 20, "made": True}
    ]
    assert work.plan().changes == ()


def test_a_machine_that_boots_from_a_volume_is_given_both(work, site):
    work.describe(boot_volume_gb=10)
    made = work.make()
    (asked,) = site.asked
    boot, data = asked["block_device_mapping_v2"]
    assert (boot["uuid"], boot["volume_size"], boot["boot_index"]) == (IMAGE, 10, 0)
    assert (boot["destination_type"], boot["delete_on_termination"]) == ("volume", True)
    assert (data["uuid"], data["boot_index"], data["delete_on_termination"]) == (made, -1, False)
    assert work.plan().changes == ()


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("boot_volume_gb", [0, 10])
def test_an_import_changes_nothing(work, site, targeted, boot_volume_gb):
    work.describe(boot_volume_gb=boot_volume_gb)
    made = work.make()
    site.changes.clear()
    # As a person and the site's own tools may have left it.
    site.volumes[made].update(size=40, volume_image_metadata={"image_id": "i"})
    site.volumes[made]["metadata"]["readonly"] = "False"
    work.forget_state()
    (server,), (port,) = site.servers, site.ports
    imports = {MADE: made, SERVER: server, PORT: port}
    work.workdir.write_imports(imports)
    # As a deploy that goes on does it, and as a recovery does.
    plan = work.plan(targets=sorted(imports) if targeted else [])
    # What an import of a machine and a port does not read back is set as it is.
    assert plan.counts == {"import": 1, "update": 2}
    work.terraform.apply_saved_plan()
    work.workdir.write_imports({})
    assert work.plan().changes == ()
    assert site.changes == []


def test_a_bootable_volume_of_before_is_taken_back_with_its_machine(work, site):
    held = site.hold(77, name="old system disk", bootable="true")
    work.describe(existing=held)
    work.make()
    work.forget_state()
    (server,), (port,) = site.servers, site.ports
    work.workdir.write_imports({SERVER: server, PORT: port})
    assert work.plan().counts == {"update": 2}


def test_one_that_exists_is_given_and_never_deleted(work, site):
    held = site.hold(77, name="cube")
    work.describe(existing=held)
    assert work.make() == held
    assert site.asked[0]["metadata"]["eu.egi.cloud.orchestrator.volume"] == held
    work.plan(destroy=True)
    work.terraform.apply_saved_plan()
    assert site.changes == [f"create server with {held}", "delete server"]
    assert not site.attached(held)


def test_a_machine_that_is_made_again_is_given_the_same_volume(work, site):
    made = work.make()
    site.servers.clear()
    site.volumes[made].update(status="available", attachments=[])
    site.changes.clear()
    work.plan()
    work.terraform.apply_saved_plan()
    assert site.changes == [f"create server with {made}"]


def end(work) -> Plan:
    work.workdir.write_end(render_end({Stays.VOLUMES}))
    plan = work.plan()
    assert plan.deleted_volumes == ()
    return plan


def test_at_the_end_all_goes_but_the_volume(work, site):
    made = work.make()
    assert end(work).counts == {"delete": 2, "forget": 1}
    work.terraform.apply_saved_plan()
    assert (list(site.volumes), site.servers, site.ports) == ([made], {}, {})
    assert not site.attached(made)
    assert work.known() == []


def test_an_end_that_is_killed_and_begun_again_keeps_the_volume(work, site):
    made = work.make()
    end(work)
    site.deletes.clear()
    child = subprocess.Popen(
        [work.program, "apply", "-input=false", "plan.tfplan"],
        cwd=work.workdir.path,
        env={**ENV, "TF_CLI_CONFIG_FILE": str(work.provider.cli_config), "OS_TOKEN": "none"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert site.asked_to_delete.wait(60)
    child.kill()
    child.wait()
    site.deletes.set()
    assert end(work).deleted_volumes == ()
    if work.terraform.save_plan():
        work.terraform.apply_saved_plan()
    assert list(site.volumes) == [made]
    assert work.known() == []
    # Nor does a third try find anything to do.
    assert end(work).changes == ()


def test_a_destroy_that_is_told_to_deletes_the_volume_after_its_machine(work, site):
    made = work.make()
    work.plan(destroy=True)
    work.terraform.apply_saved_plan()
    assert site.changes[-2:] == ["delete server", f"delete {made}"]
    assert site.volumes == {}


def test_the_whole_main_with_a_volume_is_valid_and_formatted(
    tmp_path, terraform_program, installed_provider
):
    workdir = Workdir(tmp_path / "d")
    workdir.create()
    workdir.write_code(main=render_main(volumes=True), lock_file=installed_provider.lock_file)
    (tmp_path / "end.tf").write_text(render_end(set(Stays)))
    env = {**ENV, "TF_CLI_CONFIG_FILE": str(installed_provider.cli_config)}
    for argv in (["init", "-input=false"], ["validate"], ["fmt", "-check", "main.tf"]):
        done = subprocess.run(
            [terraform_program, *argv], cwd=workdir.path, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    argv = [terraform_program, "fmt", "-check", str(tmp_path / "end.tf")]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("volume", [
    {"size_gb": 0, "existing_id": None},
    {"size_gb": 1.5, "existing_id": None},
    {"size_gb": 20, "existing_id": "cube"},
])  # fmt: skip
def test_the_module_refuses_what_python_should_have_refused(
    tmp_path, terraform_program, installed_provider, volume
):
    for file in (paths.TERRAFORM_MODULES / "volumes").iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    given = {"deployment": {"id": "0f3c", "name": "sky"}}
    values = json.dumps({**given, "volumes": {"sky-vm": volume}})
    (tmp_path / "terraform.tfvars.json").write_text(values)
    (tmp_path / "m.tftest.hcl").write_text(
        'mock_provider "openstack" {}\nrun "plan" {\n  command = plan\n}\n'
    )
    env = {**ENV, "TF_CLI_CONFIG_FILE": str(installed_provider.cli_config)}
    subprocess.run([terraform_program, "init"], cwd=tmp_path, env=env, check=True, stdout=-1)
    done = subprocess.run(
        [terraform_program, "test", "-no-color"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert "Invalid value for variable" in done.stdout + done.stderr
