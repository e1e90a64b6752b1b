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
        **given,
    )


def server(name, deployment_id):
    return Thing(id=f"id-{name}", name=name, metadata={marks.MARK: deployment_id})


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
        security_groups=[said(OURS, id="sg"), Thing(id="d", name="default", description="Default")],
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
        volumes=[said(OURS, id="vol", metadata={}), said("else", id="v2", metadata={})],
    )  # fmt: skip
    found = [(one.kind, one.id) for one in marks.find(project, OURS)]
    assert sorted(found) == [
        ("floating_ip", "ip1"),
        ("keypair", f"orchestrator-{OURS}"),
        ("network", "net"),
        ("port", "port"),
        ("router", "r"),
        ("router_interface", "if"),
        ("security_group", "sg"),
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
