"""From choices to files and resources: what is written once, told as it is made, and kept."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from orchestrator.auth.keystone import KeystoneLogin
from orchestrator.catalogue.usecases import find_use_case
from orchestrator.errors import RequestError, SetupError, SiteError, UnsafePlanError
from orchestrator.journal import Journal
from orchestrator.model import Attachment, Hop, JumpHost, Share, Site
from orchestrator.planning import Change, Plan
from orchestrator.provisioning import Provisioning
from orchestrator.rendering import PROVIDER_VERSION, Stays
from tests.unit.simulations import KEYSTONE_TOKEN, SERVER, VO, VOLUME

SITE = Site(
    name="SIM",
    endpoint="https://keystone.sim.eu/v3",
    shares=(Share(vo=VO, project_id="p1"),),
    origin="sites/SIM.yaml",
)


@pytest.fixture
def login(clock):
    return KeystoneLogin(
        auth_url=SITE.endpoint,
        token=KEYSTONE_TOKEN,
        expires_at=clock(),
        user_id="u",
        user_name="ada",
        projects=(),
        project_id="p1",
        session=None,
    )


@pytest.fixture
def told():
    return []


@pytest.fixture
def journal(told, tmp_path):
    made = Journal(told.append)
    made.keep_in(tmp_path / "run.jsonl")
    return made


@pytest.fixture
def idle(world, workdir, journal):
    """One that has no place for Terraform."""
    return Provisioning(
        workdir=workdir,
        folders=world.folders,
        environment=world.environment,
        journal=journal,
        stop=threading.Event(),
    )


@pytest.fixture
def provisioning(idle):
    with idle.place("apply"):
        yield idle


@pytest.fixture
def chosen(deployment, selection):
    return replace(deployment, selection=selection)


@pytest.fixture
def use_case(world):
    return find_use_case("toy", [world.folders.config / "usecases"])


@pytest.fixture
def planned(provisioning, chosen, use_case, login):
    provisioning.render(chosen, site=SITE, use_case=use_case)
    return provisioning.plan(login)


@pytest.fixture
def applied(planned, provisioning, login, journal):
    with journal.phase("apply") as log:
        return provisioning.apply(login, log)


def test_without_choices_nothing_is_written(provisioning, deployment, use_case, workdir):
    with pytest.raises(RequestError, match="no choices yet"):
        provisioning.render(deployment, site=SITE, use_case=use_case)
    assert not workdir.main.exists()


def test_terraform_without_a_place_for_it_is_a_bug_of_ours(idle, chosen, use_case, login):
    idle.render(chosen, site=SITE, use_case=use_case)
    with pytest.raises(RuntimeError, match="without a place"):
        idle.plan(login)


def test_every_value_goes_to_the_values_file(planned, workdir):
    values = json.loads(workdir.variables.read_text())
    assert values["nodes"]["sky-toy"]["flavor_id"] == "id-m1.medium"
    assert values["deployment"] == {"id": "0f3c", "name": "sky", "use_case": "docker"}
    assert "0f3c" not in workdir.main.read_text()


def test_a_network_that_is_there_is_another_module(provisioning, chosen, use_case, workdir):
    attachment = Attachment(network_id="n", subnet_id=None)
    there = replace(chosen.selection, attachment=attachment)
    provisioning.render(replace(chosen, selection=there), site=SITE, use_case=use_case)
    assert 'source = "./modules/network_existing"' in workdir.main.read_text()
    assert json.loads(workdir.variables.read_text())["network"]["network_id"] == "n"


@pytest.fixture
def with_volume(provisioning, chosen, use_case, login, journal, workdir):
    """A deployment with a data volume, applied."""
    roomy = replace(chosen, selection=replace(chosen.selection, volume_gb=20))
    provisioning.render(roomy, site=SITE, use_case=use_case)
    provisioning.plan(login)
    with journal.phase("apply") as log:
        return provisioning.apply(login, log)


def test_the_end_keeps_volumes_or_takes_them_along(with_volume, provisioning, login, workdir):
    everything = provisioning.plan_end(login, stays=set())
    assert [one.type for one in everything.deleted_volumes] == [VOLUME]
    assert 'module "nodes"' in workdir.main.read_text()
    kept = provisioning.plan_end(login, stays={Stays.VOLUMES})
    assert (kept.counts["forget"], kept.deleted_volumes) == (1, ())
    assert 'module "nodes"' not in workdir.main.read_text()


def test_a_plan_that_would_delete_a_volume_that_is_to_be_kept_is_refused(
    with_volume, provisioning, login, monkeypatch
):
    lost = Change(address="module.volumes.v", type=VOLUME, name="sky-data", action="delete")
    plan = Plan(changes=(lost,))
    monkeypatch.setattr("orchestrator.provisioning.read_plan", lambda _shown: plan)
    with pytest.raises(UnsafePlanError, match="would delete data volumes") as caught:
        provisioning.plan_end(login, stays={Stays.VOLUMES})
    assert caught.value.facts == {"module.volumes.v": "sky-data"}


def test_the_nodes_of_an_apply_know_their_jump_host(planned, provisioning, login, journal):
    gate = JumpHost(host="ada@gate", ssh_config="/home/ada/config")
    with journal.phase("apply") as log:
        (node,) = provisioning.apply(login, log, jump_host=gate)
    assert node.hop == Hop(host="ada@gate", ours=False, ssh_config="/home/ada/config")


def test_the_code_and_the_key_are_written_once(planned, provisioning, chosen, use_case, workdir):
    workdir.main.write_text("# as the version that made it wrote it")
    workdir.public_key.write_text("ssh-ed25519 BBBB mine")
    provisioning.render(chosen, site=SITE, use_case=use_case)
    assert workdir.main.read_text() == "# as the version that made it wrote it"
    assert "BBBB" in workdir.variables.read_text()


def test_no_token_is_in_any_file(applied, tmp_path):
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if KEYSTONE_TOKEN.encode() in path.read_bytes()]


def test_a_plan_is_a_value_and_changes_nothing(planned, world, workdir):
    assert planned.summary == "3 to create"
    assert workdir.has_plan
    assert world.resources == {}


def test_an_apply_returns_the_nodes_and_keeps_a_copy_of_the_state(applied, workdir):
    assert [(node.name, node.address, node.groups) for node in applied] == [
        ("sky-toy", "198.51.100.17", ("toy",))
    ]
    assert (workdir.path / "states" / "0001.tfstate").exists()


def test_the_state_is_copied_although_the_apply_failed(
    planned, provisioning, login, journal, workdir, world
):
    world.apply_breaks_at = SERVER
    with pytest.raises(SiteError), journal.phase("apply") as log:
        provisioning.apply(login, log)
    assert (workdir.path / "states" / "0001.tfstate").exists()


def test_each_resource_is_told_in_words_as_it_is_made(applied, told):
    assert [one.text for one in told if one.state == "running"] == [
        "create keypair",
        "create server",
        "create floating ip",
    ]


def test_each_resource_is_in_the_runs_log_with_its_id(applied, tmp_path):
    lines = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    made = [line["details"] for line in lines if line["state"] == "apply_complete"]
    ids = ("keypair-sky-toy", "server-sky-toy", "floating_ip-sky-toy")
    assert made == [[["id", one]] for one in ids]


def test_what_exists_is_counted_from_the_state(applied, provisioning):
    assert sorted(provisioning.existing_kinds()) == ["floating_ip", "keypair", "server"]
    assert provisioning.known() == {
        'module.nodes.openstack_compute_keypair_v2.node["sky-toy"]': "keypair-sky-toy",
        'module.nodes.openstack_compute_instance_v2.node["sky-toy"]': "server-sky-toy",
        'module.nodes.openstack_networking_floatingip_v2.node["sky-toy"]': "floating_ip-sky-toy",
    }


@pytest.mark.parametrize("content", [None, "", "{", "[]x", "[]", '{"resources": [{}]}'])
def test_a_state_that_cannot_be_read_tells_nothing(provisioning, workdir, content):
    if content is not None:
        workdir.state.write_text(content)
    assert provisioning.existing_kinds() == []
    assert provisioning.known() == {}


def test_kinds_that_people_do_not_count_are_left_out_and_known_all_the_same(provisioning, workdir):
    # A router's leg is known by its port, as the site lists it.
    leg = {"attributes": {"id": "subnet/leg", "port_id": "p-1"}}
    volume = {"attributes": {"id": "v-1"}}
    state = {
        "resources": [
            {
                "module": "module.network",
                "type": "openstack_networking_router_interface_v2",
                "name": "this",
                "instances": [leg],
            },
            {"type": "openstack_blockstorage_volume_v3", "name": "data", "instances": [volume]},
        ]
    }
    workdir.state.write_text(json.dumps(state))
    assert provisioning.existing_kinds() == ["volume"]
    assert provisioning.known() == {
        "module.network.openstack_networking_router_interface_v2.this": "p-1",
        "openstack_blockstorage_volume_v3.data": "v-1",
    }


def test_what_is_taken_back_is_in_the_state_and_nothing_else_is_done(
    applied, provisioning, login, journal, world, workdir
):
    workdir.set_state_aside()
    before = dict(world.resources)
    imports = {'module.nodes.openstack_compute_instance_v2.node["sky-toy"]': "server-sky-toy"}
    with journal.phase("recover") as log:
        rest = provisioning.recover(login, imports, log)
    assert rest.counts == {"create": 2}
    assert provisioning.known() == imports
    assert world.resources == before
    assert not (workdir.path / "imports.tf.json").exists()


def test_where_all_is_taken_back_nothing_is_left_to_do(
    applied, provisioning, login, journal, world, workdir
):
    imports = provisioning.known()
    workdir.set_state_aside()
    before = dict(world.resources)
    with journal.phase("recover") as log:
        rest = provisioning.recover(login, imports, log)
    assert rest.changes == ()
    assert provisioning.known() == imports
    assert world.resources == before
    assert provisioning.plan(login).changes == ()


def test_after_a_destroy_there_are_no_nodes(applied, provisioning, login, journal, world):
    assert provisioning.plan(login, destroy=True).summary == "3 to delete"
    with journal.phase("destroy") as log:
        assert provisioning.apply(login, log) == ()
    assert world.resources == {}


def test_the_versions_of_the_tools_are_told(provisioning):
    assert provisioning.versions() == {"terraform": "1.11.4", "provider": PROVIDER_VERSION}


def test_without_terraform_the_way_out_is_to_install_it(provisioning, world):
    (world.home / "bin" / "terraform").unlink()
    with pytest.raises(SetupError, match="no terraform") as caught:
        provisioning.versions()
    assert caught.value.way_out[0] == "orchestrator doctor --install"


def test_without_the_provider_the_way_out_is_to_install_it(
    provisioning, chosen, use_case, monkeypatch
):
    monkeypatch.setattr("orchestrator.drivers.provider.provider_ready", lambda _cache: False)
    with pytest.raises(SetupError, match="provider of Terraform is not installed") as caught:
        provisioning.render(chosen, site=SITE, use_case=use_case)
    assert caught.value.way_out[0] == "orchestrator doctor --install"
