"""What a site tells of how a deployment was made: a project with one of ours and a stranger."""

from types import SimpleNamespace as Thing

from orchestrator.drivers import openstack_marks as marks
from orchestrator.drivers.openstack_traces import faults, find

OURS = "orchestrator deployment d1 at module"


class Project:
    """Lists what it holds; it is all services at once."""

    def __init__(self, **held):
        self.held = held
        self.compute = self.network = self.block_storage = self

    def has_service(self, name):
        return name == "block-storage"

    def get_server(self, server_id):
        """Return a server with the fault that no listing tells."""
        (found,) = [one for one in self.held["servers"] if one.id == server_id]
        return Thing(**vars(found), fault=self.held["faults"].get(server_id))

    def __getattr__(self, name):
        if name not in ("servers", "keypairs", "networks", "subnets", "routers", "ports", "ips",
                        "security_groups", "volumes"):  # fmt: skip
            raise AttributeError(name)
        return lambda: list(self.held.get(name, ()))


def server(name="sky-vm", deployment_id="d1", image="i1", flavor=None, attached=()):
    metadata = {
        marks.MARK: deployment_id,
        "eu.egi.cloud.orchestrator.name": "sky",
        "eu.egi.cloud.orchestrator.use_case": "docker",
    }
    return Thing(
        id=f"id-{name}", name=name, metadata=metadata, status="ACTIVE", created_at="2026-11-24",
        image=Thing(id=image), flavor=flavor or Thing(original_name="m1.small", id=None),
        attached_volumes=[{"id": one} for one in attached],
    )  # fmt: skip


def port(device="id-sky-vm"):
    return Thing(
        id="p", name="sky-vm", description=f"{OURS}.p", device_id=device, device_owner="compute:nova",
        network_id="net", fixed_ips=[{"subnet_id": "sub", "ip_address": "10.0.0.5"}],
    )  # fmt: skip


def address(description):
    return Thing(id="fip", floating_ip_address="198.51.100.7", floating_network_id="ext",
                 port_id="p", description=description)  # fmt: skip


def test_a_server_is_told_with_its_port_address_and_gateway():
    router = Thing(
        id="r",
        name="r",
        description=f"{OURS}.r",
        external_gateway_info={"network_id": "ext"},
    )
    found = find(
        Project(
            servers=[server(), server("other", "d2")],
            ports=[port(), Thing(id="q", description="", device_id="x", device_owner="")],
            routers=[router],
            ips=[address(f"{OURS}.f")],
        ),
        "d1",
    )
    assert (found.name, found.use_case, found.gateway_network_id) == ("sky", "docker", "ext")
    (node,) = found.nodes
    assert (node.name, node.server_id, node.flavor) == ("sky-vm", "id-sky-vm", "m1.small")
    assert (node.image_id, node.boot_volume_gb) == ("i1", 0)
    assert (node.network_id, node.subnet_id, node.addresses) == ("net", "sub", ("10.0.0.5",))
    assert (node.floating_ip, node.floating_network_id, node.floating_ip_is_ours) == (
        "198.51.100.7",
        "ext",
        True,
    )


def test_an_address_without_our_mark_is_the_projects_own():
    found = find(Project(servers=[server()], ports=[port()], ips=[address("mine")]), "d1")
    assert found.nodes[0].floating_ip == "198.51.100.7"
    assert not found.nodes[0].floating_ip_is_ours


def test_the_volume_that_a_server_boots_from_is_measured():
    def volume(name, size, bootable):
        return Thing(
            id=name, name=name, description="", metadata={}, size=size, is_bootable=bootable,
            status="in-use", created_at="", attachments=[],
        )  # fmt: skip

    booting = server(image=None, attached=("data", "root"))
    volumes = [volume("data", 100, False), volume("root", 20, True), volume("else", 7, True)]
    found = find(Project(servers=[booting], ports=[port()], volumes=volumes), "d1")
    assert (found.nodes[0].image_id, found.nodes[0].boot_volume_gb) == (None, 20)


def test_an_old_site_tells_a_flavor_by_its_id():
    old = server(flavor=Thing(original_name=None, id="3"))
    assert find(Project(servers=[old], ports=[port()]), "d1").nodes[0].flavor == "3"


def test_the_faults_of_broken_servers_of_ours_are_told():
    broken, fine, other = server(), server("fine"), server("other", "d2")
    broken.status = other.status = "ERROR"
    noted = {
        broken.id: {"code": 500, "message": "No valid host was found.\nNot enough hosts."},
        other.id: {"message": "not asked for"},
    }
    listed = Project(servers=[broken, fine, other], faults=noted)
    assert faults(listed, "d1") == {
        "sky-vm, in Nova's words": "No valid host was found. Not enough hosts."
    }


def test_a_broken_server_without_a_fault_tells_nothing():
    broken = server()
    broken.status = "ERROR"
    assert faults(Project(servers=[broken], faults={}), "d1") == {}


def test_nothing_is_told_of_what_never_was():
    found = find(Project(servers=[server("other", "d2")]), "d1")
    assert (found.resources, found.nodes, found.name) == ((), (), "")
