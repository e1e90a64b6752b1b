"""Each network shape that EGI's sites have, deployed to for real through the README's `make deploy`."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest
from openstack.connection import Connection

from tests.e2e.people import ROOT, SHAPES, Person, at_the_site, project_of

pytestmark = pytest.mark.e2e


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A VO of the sandbox with one network shape, and what must come of it."""

    vo: str
    topology: str
    public_network: str | None = None
    private_network: str | None = None
    made: set[str] = field(default_factory=set)  # what beside servers, ports and groups


POOL = {"floating_ip"}
EACH = [
    Shape(
        vo="routed.sandbox",
        topology="floating",
        public_network="ext-2083",
        private_network="routed",
        made=POOL,
    ),
    Shape(vo="direct.sandbox", topology="direct", public_network="provider-public"),
    Shape(vo="jump.sandbox", topology="jump", private_network="provider-private"),
    Shape(vo="v6.sandbox", topology="direct", public_network="provider-v6"),
]


@pytest.fixture(scope="module")
def vos() -> Collection[str]:
    """The VOs that this module has to itself."""
    return SHAPES


def make(person: Person, target: str, *variables: str) -> subprocess.CompletedProcess[str]:
    """Run make as a user does."""
    return subprocess.run(
        ["make", target, *variables],
        cwd=ROOT,
        env=person.env(),
        capture_output=True,
        text=True,
        timeout=900,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("shape", EACH, ids=lambda shape: shape.vo)
def test_make_deploy_ends_ready_on_every_shape(shape: Shape, person: Person, admin: Connection):
    before = at_the_site(admin, SHAPES)
    done = make(
        person,
        "deploy",
        "SITE=SANDBOX",
        "USECASE=machine",
        f"VO={shape.vo}",
        "NAME=shape",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record = person.show("shape")
    chosen = {key: (value or {}).get("name") for key, value in record["selection"].items()
              if key in ("topology", "public_network", "private_network")}  # fmt: skip
    assert chosen == {
        "topology": shape.topology,
        "public_network": shape.public_network,
        "private_network": shape.private_network,
    }
    kinds = {entry.split()[0] for entry in at_the_site(admin, SHAPES) - before}
    assert kinds - {"server", "port", "security_group"} == shape.made
    ran = person.run("ssh", "shape", "--", "hostname")
    assert ran.stdout.strip() == "shape-vm"
    (node,) = record["nodes"]
    assert ipaddress.ip_address(node["address"]).version == (6 if "v6" in shape.vo else 4)
    assert "make destroy NAME=shape" in done.stdout
    gone = make(person, "destroy", "NAME=shape")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert at_the_site(admin, SHAPES) == before


def test_two_equal_networks_are_told_apart_by_a_person_and_then_by_what_was_reached(
    person: Person, admin: Connection
):
    before = at_the_site(admin, SHAPES)
    asked = ("SITE=SANDBOX", "USECASE=machine", "VO=two.sandbox", "NAME=first")
    refused = make(person, "deploy", *asked)
    assert "exit code 5" in refused.stderr or "Error 5" in refused.stderr, refused.stderr
    assert "--set public_network=ext-a" in refused.stderr
    assert at_the_site(admin, SHAPES) == before

    ready = make(person, "deploy", *asked, "ARGS=--set public_network=ext-b")
    assert ready.returncode == 0, ready.stdout + ready.stderr
    kinds = {entry.split()[0] for entry in at_the_site(admin, SHAPES) - before}
    assert {"network", "subnet", "router", "floating_ip"} <= kinds
    person.run("destroy", "first")

    explained = person.run("explain", "SANDBOX", "machine", "--vo", "two.sandbox", "--json")
    choices = {one["key"]: one for one in json.loads(explained.stdout)["choices"]}
    assert choices["public_network"]["name"] == "ext-b"
    assert choices["public_network"]["confidence"] == "proven"
    assert "minutes ago" in choices["public_network"]["reason"]


def check_that_a_newer_image_changes_nothing(person: Person, admin: Connection, name: str):
    """Refresh the image at the site as EGI's synchronisation does, under running machines."""
    record = person.show(name)
    image = admin.image.get_image(record["selection"]["image"]["value"])
    project = project_of(admin, record["vo"])
    servers = updates(admin, project)
    newer = admin.image.create_image(
        image.name,
        data=b"never booted from",
        disk_format="raw",
        container_format="bare",
        # The project's own, so that nobody else boots from it meanwhile.
        visibility="private",
        owner=project,
        allow_duplicates=True,
        os_distro=image.os_distro,
        os_version=image.os_version,
        **{
            key: value
            for key, value in image.properties.items()
            if key in ("image_list", "APPLIANCE_ATTRIBUTES", "vmcatcher_event_ad_mpuri")
        },
    )
    try:
        again = (record["use_case"], "--site", "SANDBOX", "--vo", record["vo"], "--name", name)
        person.run("plan", *again, code=0)
        assert "a newer one is there" in person.run("status", name).stdout
        explained = person.run("explain", name, "--json").stdout
        assert {one["value"] for one in json.loads(explained)["choices"]} >= {image.id}
    finally:
        admin.image.delete_image(newer)
    assert updates(admin, project) == servers


def updates(admin: Connection, project: str) -> dict[str, str]:
    """When each server of a project was changed last."""
    servers = admin.compute.servers(all_projects=True, project_id=project)
    return {one.id: one.updated_at for one in servers}


def test_a_bastion_leads_to_the_machines_behind_it_and_a_held_address_outlives_them(
    person: Person, admin: Connection
):
    """One floating IP for two machines: the project's own one, used again and not deleted."""
    project = project_of(admin, "bastion.sandbox")
    external = admin.network.find_network("ext-2083", ignore_missing=False)
    held = admin.network.create_ip(floating_network_id=external.id, project_id=project)
    try:
        before = at_the_site(admin, SHAPES)
        person.run(
            "deploy", "pair", "--site", "SANDBOX", "--vo", "bastion.sandbox", "--name", "pair",
            "--set", f"floating_ip={held.floating_ip_address}",
        )  # fmt: skip
        nodes = {node["name"]: node for node in person.show("pair")["nodes"]}
        assert nodes["pair-front"]["address"] == held.floating_ip_address
        assert nodes["pair-back"]["hop"]["host"] == held.floating_ip_address
        assert ipaddress.ip_address(nodes["pair-back"]["address"]).is_private
        ran = person.run("ssh", "pair", "--node", "pair-back", "--", "cat", "/etc/pair")
        assert ran.stdout.strip() == "configured"
        assert json.loads(person.run("status", "pair", "--json").stdout)["answers"] == {
            "pair-front": True,
            "pair-back": True,
        }
        check_that_a_newer_image_changes_nothing(person, admin, "pair")
        person.run("destroy", "pair")
        assert at_the_site(admin, SHAPES) == before
        assert admin.network.get_ip(held.id).port_id is None
    finally:
        admin.network.delete_ip(held)
