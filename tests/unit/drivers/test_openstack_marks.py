"""The mark: a small project with neighbours whose names are nearly ours."""

from types import SimpleNamespace as Thing

import pytest

from orchestrator.drivers import openstack_marks as marks
from orchestrator.drivers.openstack_marks import Resource

OURS = "docker-7k3f"


def said(deployment_id, **given):
    return Thing(
        name=given.pop("name", "n"),
        description=f"orchestrator deployment {deployment_id}",
        security_group_rules=given.pop("security_group_rules", ()),
        **given,
    )


def server(name, deployment_id):
    metadata = {marks.MARK: deployment_id}
    return Thing(
        id=f"id-{name}",
        name=name,
        metadata=metadata,
        status="ACTIVE",
        created_at="2026-11-24",
        attached_volumes=[],
    )


def volume(found_id, description="", **given):
    plain = {"metadata": {}, "status": "available", "attachments": [], "size": 20}
    return Thing(
        id=found_id,
        name="data",
        description=description,
        created_at="2026-11-24",
        **{**plain, **given},
    )


class Gone(Exception):
    """What openstacksdk raises for something that is not there."""

    status_code = 404


class Project:
    """A project that holds things by kind, and forgets what is deleted; it is all services at once."""

    def __init__(self, **held):
        self.held = held
        self.deleted = []
        self.compute = self.network = self.block_storage = self

    def has_service(self, name):
        return name == "block-storage"

    def __getattr__(self, name):
        verb, _, kind = name.partition("_")
        if verb == "delete":
            return lambda found: self._delete(kind, found)
        if verb == "find":
            return lambda found: None
        if name in ("servers", "keypairs", "networks", "subnets", "routers", "ports", "ips",
                    "security_groups", "volumes"):  # fmt: skip
            return lambda: list(self.held.get(name, ()))
        raise AttributeError(name)

    def remove_interface_from_router(self, router, port_id):
        self._delete("interface", f"{router}/{port_id}")

    def _delete(self, kind, found):
        if (kind, found) in self.deleted:
            raise Gone
        self.deleted.append((kind, found))


def test_everything_that_carries_the_mark_is_found_once():
    project = Project(
        servers=[server("vm", OURS), server("other", "docker-7k3")],
        keypairs=[Thing(name=f"orchestrator-{OURS}"), Thing(name=f"orchestrator-{OURS}2")],
        networks=[said(OURS, id="net"), said("docker-7k3f2", id="x"), said(f"{OURS}-b", id="y")],
        subnets=[said(OURS, id="sub"), Thing(id="z", name="z", description=None)],
        routers=[said(OURS, id="r")],
        security_groups=[
            said(
                OURS,
                id="sg",
                security_group_rules=[
                    {"id": "rule", "description": f"orchestrator deployment {OURS} at m.r"},
                    {"id": "egress", "description": None},
                ],
            ),
            Thing(id="d", name="default", description="Default", security_group_rules=None),
        ],
        ports=[
            said(OURS, id="port", device_id="id-vm", device_owner="compute:nova"),
            Thing(
                id="if",
                name="",
                description="",
                device_id="r",
                device_owner="network:router_interface_distributed",
            ),
            Thing(id="gw", name="", description="", device_id="r",
                  device_owner="network:router_gateway"),
        ],
        ips=[
            said(OURS, id="ip1", floating_ip_address="198.51.100.7", port_id=None),
            # The project's own, which the deployment only uses: it stays where it was.
            Thing(id="ip2", description="", floating_ip_address="198.51.100.8", port_id="port"),
            Thing(id="ip3", description="", floating_ip_address="198.51.100.9", port_id="else"),
        ],
        volumes=[
            volume("vol", f"orchestrator deployment {OURS}"),
            volume("v2", "orchestrator deployment else"),
        ],
    )  # fmt: skip
    found = [(one.kind, one.id) for one in marks.find(project, OURS)]
    assert sorted(found) == [
        ("floating_ip", "ip1"),
        # The project's own, used by a port of ours: only the use is ours.
        ("floating_ip_association", "ip2"),
        ("keypair", f"orchestrator-{OURS}"),
        ("network", "net"),
        ("port", "port"),
        ("router", "r"),
        ("router_interface", "if"),
        ("security_group", "sg"),
        ("security_group_rule", "rule"),
        ("server", "id-vm"),
        ("subnet", "sub"),
        ("volume", "vol"),
    ]


def test_a_longer_description_carries_the_mark_too():
    project = Project(networks=[said(f"{OURS}: expires 2026-11-29", id="net")])
    assert [one.id for one in marks.find(project, OURS)] == ["net"]


@pytest.mark.parametrize(
    ("description", "maker"),
    [
        (f"orchestrator deployment {OURS}", OURS),
        (f"orchestrator deployment {OURS}: expires 2026-11-29", OURS),
        ("made by hand, not by an orchestrator", None),
        ("orchestrator deployment ", None),
        ("orchestrator deployment\n\nfoo", None),
        ("myorchestrator deployment x1", None),
        ("orchestrator deployment ${x}", None),
        ("orchestrator deployment '; DROP TABLE ports", None),
        ("orchestrator deployment ../../etc", None),
        (f"orchestrator deployment {OURS}; rm -rf /", OURS),
        ("orchestrator deployment one, orchestrator deployment two", "one"),
        ("orchestrator deployment " + "x" * 9000, "x" * 9000),
        ("\u202eorchestrator deployment sky", None),
        (f"kept from orchestrator deployment {OURS}, do not delete", None),
        ("", None),
        (None, None),
    ],
)
def test_a_maker_is_an_id_and_nothing_else(description, maker):
    assert marks.maker_of(description) == maker


def test_a_server_is_found_by_name_and_mark():
    project = Project(servers=[server("vm", "else"), server("vm2", OURS)])
    assert marks.find_server(project, "vm", OURS) is None
    assert marks.find_server(project, "vm2", OURS).id == "id-vm2"


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("server", ("server", "i")),
        ("volume", ("volume", "i")),
        ("keypair", ("keypair", "i")),
        ("floating_ip", ("ip", "i")),
        ("router_interface", ("interface", "r/i")),
        ("security_group", ("security_group", "i")),
        ("network", ("network", "i")),
    ],
)
def test_each_kind_is_removed_its_own_way_and_twice_is_no_error(kind, call):
    project = Project()
    resource = Resource(kind=kind, id="i", name="n", parent_id="r")
    marks.remove(project, resource)
    marks.remove(project, resource)
    assert project.deleted == [call]


def test_each_resource_tells_where_it_stands_in_the_code():
    nodes, network = "module.nodes.openstack_networking", "module.network.openstack_networking"
    project = Project(
        servers=[server("vm", OURS)],
        keypairs=[Thing(name=f"orchestrator-{OURS}")],
        routers=[at(f"{network}_router_v2.this", id="r")],
        ports=[
            at(f'{nodes}_port_v2.node["sky"]', id="p", device_id="s", device_owner="compute:nova"),
            Thing(id="if", name="", description="", device_id="r", device_owner="network:router_interface"),
        ],
        ips=[
            at(f'{nodes}_floatingip_v2.node["sky"]', id="ip", floating_ip_address="a", port_id="p")
        ],
    )  # fmt: skip
    project.held["servers"][0].metadata["eu.egi.cloud.orchestrator.address"] = "module.nodes.vm"
    found = {one.kind: (one.id, one.address) for one in marks.find(project, OURS)}
    assert found == {
        "server": ("id-vm", "module.nodes.vm"),
        "keypair": (f"orchestrator-{OURS}", "module.access.openstack_compute_keypair_v2.this"),
        "router": ("r", f"{network}_router_v2.this"),
        "router_interface": ("if", f"{network}_router_interface_v2.this"),
        "port": ("p", f'{nodes}_port_v2.node["sky"]'),
        "floating_ip": ("ip", f'{nodes}_floatingip_v2.node["sky"]'),
        "floating_ip_association": ("ip", f'{nodes}_floatingip_associate_v2.node["sky"]'),
    }


VOLUMES = "module.volumes.openstack_blockstorage_volume_v3.data"


def with_volumes(*attached, **metadata):
    """A server of ours that has volumes."""
    made = server("vm", OURS)
    made.attached_volumes = [{"id": one} for one in attached]
    place = {"address": 'module.nodes.openstack_compute_instance_v2.node["sky-vm"]', **metadata}
    made.metadata |= {f"eu.egi.cloud.orchestrator.{key}": told for key, told in place.items()}
    return made


def test_a_volume_tells_its_place_its_size_and_whether_it_is_kept():
    mark = f'orchestrator deployment {OURS} at {VOLUMES}["sky-vm"]'
    held = {"attachments": [{"server_id": "id-vm"}], "status": "in-use"}
    kept = {"eu.egi.cloud.orchestrator.kept": "true"}
    project = Project(
        servers=[with_volumes("v1", "root", "another")],
        volumes=[
            volume("v1", mark, **held),
            volume("v3", mark, metadata=kept),
            # A system disk, and a volume that a person has attached by hand.
            volume("root"),
            volume("another", "cube"),
        ],
    )
    found = {one.id: one for one in marks.find(project, OURS)}
    assert set(found) == {"id-vm", "v1", "v3"}
    assert found["id-vm"].volumes == ("v1",)
    assert (found["v1"].address, found["v1"].size_gb) == (f'{VOLUMES}["sky-vm"]', 20)
    assert (found["v1"].in_use, found["v1"].status, found["v1"].kept) == (True, "IN-USE", False)
    assert (found["v3"].in_use, found["v3"].kept) == (False, True)


def test_a_volume_with_another_description_is_found_by_its_metadata():
    told = {marks.MARK: OURS, "eu.egi.cloud.orchestrator.address": f'{VOLUMES}["sky-vm"]'}
    project = Project(volumes=[volume("v1", "my cubes", metadata=told)])
    (found,) = marks.find(project, OURS)
    assert found.address == f'{VOLUMES}["sky-vm"]'


def test_a_volume_of_before_is_no_resource_of_ours_but_its_server_tells_it():
    project = Project(servers=[with_volumes("cube", volume="cube")], volumes=[volume("cube")])
    (found,) = marks.find(project, OURS)
    assert (found.id, found.volumes) == ("id-vm", ("cube",))


def test_a_site_without_volumes_is_not_asked_for_them(monkeypatch):
    project = Project(servers=[with_volumes()])
    monkeypatch.setattr(project, "has_service", lambda _name: False)
    project.block_storage = None
    assert [one.kind for one in marks.find(project, OURS)] == ["server"]


def at(address, **given):
    """Something marked with the address under which it was made."""
    return Thing(name="n", description=f"orchestrator deployment {OURS} at {address}", **given)
