"""What sites answer, as our values."""

from datetime import UTC, datetime

import pytest

from orchestrator.drivers import openstack_values as values
from orchestrator.drivers.openstack_listings import Listed, StrangeAnswerError


def listed(**told):
    return Listed(told)


def test_a_network_with_hidden_subnets():
    answer = {
        "id": "n",
        "name": "ext",
        "router:external": True,
        "shared": False,
        "project_id": "admin",
        "status": "ACTIVE",
        "admin_state_up": True,
        "is_default": True,
        "mtu": 1442,
        "tags": ["default"],
        "subnets": ["hidden"],
    }
    found = values.network(listed(**answer), "mine", ())
    assert (found.external, found.shared, found.owned, found.is_default) == (
        True,
        False,
        False,
        True,
    )
    assert (found.active, found.mtu, found.tags, found.subnets) == (True, 1442, ("default",), ())
    assert values.network(listed(**answer), "admin", ()).owned
    assert not values.network(listed(**{**answer, "status": "DOWN"}), "mine", ()).active
    assert not values.network(listed(**{**answer, "admin_state_up": False}), "mine", ()).active


SEEN = values.subnet(listed(id="seen", network_id="n", cidr="10.0.0.0/24", ip_version=4))


@pytest.mark.parametrize(
    ("told", "seen", "hidden"),
    [
        (["a", "b"], (), 2),
        (["seen", "b"], (SEEN,), 1),
        (["seen"], (SEEN,), 0),
        ([], (), 0),
        (None, (), 0),
        (["twice", "twice"], (), 1),
        # What is seen and not told hides nothing.
        ([], (SEEN,), 0),
    ],
)
def test_subnets_that_are_told_and_not_shown_are_counted(told, seen, hidden):
    network = listed(id="n", name="ext", subnets=told)
    assert values.network(network, "mine", seen).hidden_subnets == hidden


def test_what_a_deployment_of_ours_made_is_known_by_its_mark():
    mark = {"description": "orchestrator deployment 0f3c"}
    assert values.network(listed(id="n", **mark), "mine", ()).made_by == "0f3c"
    assert values.router(listed(id="r", **mark)).made_by == "0f3c"
    by_hand = {"description": "made by hand"}
    assert values.network(listed(id="n", **by_hand), "mine", ()).made_by is None
    assert values.router(listed(id="r")).made_by is None


def port(owner, *addresses, **given):
    fixed = [{"subnet_id": f"s{i}", "ip_address": one} for i, one in enumerate(addresses)]
    return values.ports(
        listed(id="p", network_id="n", device_owner=owner, fixed_ips=fixed, device_id="d", **given)
    )


@pytest.mark.parametrize(
    ("owner", "use"),
    [
        ("compute:nova", "server"),
        ("compute:az-2", "server"),
        ("network:router_interface", "router"),
        ("network:router_interface_distributed", "router"),
        ("network:ha_router_replicated_interface", "router"),
        ("network:router_gateway", "other"),
        ("network:dhcp", "other"),
        ("network:floatingip", "other"),
        ("", "other"),
        (None, "other"),
    ],
)
def test_a_port_tells_what_has_it(owner, use):
    (found,) = port(owner, "10.0.0.5")
    assert (found.use, found.network_id, found.subnet_id) == (use, "n", "s0")
    assert (found.address, found.device_id) == ("10.0.0.5", "d")


def test_a_port_of_two_families_is_two_addresses():
    found = port("compute:nova", "10.0.0.5", "2001:db8::5")
    assert [(one.subnet_id, one.address) for one in found] == [
        ("s0", "10.0.0.5"),
        ("s1", "2001:db8::5"),
    ]


def test_a_port_without_an_address_is_none():
    assert port("compute:nova") == ()
    assert values.ports(listed(id="p", network_id="n", fixed_ips=None)) == ()


def test_a_subnet():
    found = values.subnet(listed(id="s", network_id="n", cidr="10.0.0.0/24", ip_version=4))
    assert (found.cidr, found.ip_version, found.name) == ("10.0.0.0/24", 4, "")


def test_a_router_with_and_without_a_gateway():
    gateway = {"network_id": "n", "external_fixed_ips": [{"ip_address": "198.51.100.7"}, {}]}
    found = values.router(listed(id="r", name="r1", external_gateway_info=gateway))
    assert (found.external_network_id, found.external_addresses) == ("n", ("198.51.100.7",))
    assert values.router(listed(id="r", name="r1")).external_network_id is None


def test_a_floating_ip():
    answer = {"id": "f", "floating_ip_address": "198.51.100.7", "floating_network_id": "n"}
    assert not values.floating_ip(listed(**answer)).attached
    assert values.floating_ip(listed(**answer, port_id="p")).attached


def test_a_flavor_with_extra_specs():
    answer = {
        "id": "1",
        "name": "m1",
        "vcpus": 2,
        "ram": 4096,
        "disk": 20,
        "OS-FLV-EXT-DATA:ephemeral": 5,
        "OS-FLV-DISABLED:disabled": True,
        "extra_specs": {"Accelerator:Number": 1.0},
    }
    found = values.flavor(listed(**answer))
    assert (found.vcpus, found.ram_mb, found.disk_gb, found.ephemeral_gb) == (2, 4096, 20, 5)
    assert found.disabled
    assert found.extra_specs == {"Accelerator:Number": "1.0"}


def test_an_image_with_every_property_as_text():
    answer = {
        "id": "i",
        "name": "x",
        "status": "active",
        "visibility": "shared",
        "created_at": "2026-11-20T10:00:00Z",
        "min_disk": 8,
        "min_ram": 512,
        "size": 5,
        "virtual_size": 9,
        "os_hidden": True,
        "os_distro": "debian",
        "os_version": "12",
        "disk_format": "qcow2",
        "image_list": "egi_vm_images",
        "tags": ["a"],
    }
    found = values.image(listed(**answer))
    assert found.created_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (found.min_disk_gb, found.min_ram_mb, found.size_bytes, found.hidden) == (
        8,
        512,
        9,
        True,
    )
    assert found.properties["os_distro"] == "debian"
    assert found.properties["image_list"] == "egi_vm_images"
    assert found.properties["disk_format"] == "qcow2"
    assert "architecture" not in found.properties


def quota(**told):
    return values.quota("cores", told, used="used", limit="limit")


def test_a_quota_of_minus_one_is_unlimited():
    assert quota(used=3, limit=-1).limit is None
    assert quota(limit=5) == quota(used=0, limit=5)


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (values.flavor, {"id": "f", "name": ["m1"]}),
        (values.flavor, {"id": "f", "vcpus": "two"}),
        (values.flavor, {"id": "f", "ram": 10**400}),
        (values.flavor, {"id": "f", "disk": float("nan")}),
        (values.flavor, {"id": "f", "extra_specs": ["a"]}),
        (values.flavor, {"name": "without an id"}),
        (values.image, {"id": "i", "created_at": "yesterday"}),
        (values.image, {"id": "i", "tags": {"a": 1}}),
        (values.ports, {"id": "p", "fixed_ips": ["10.0.0.5"]}),
        (values.router, {"id": "r", "external_gateway_info": "n"}),
    ],
)
def test_what_is_not_what_it_should_be_is_named(read, told):
    with pytest.raises(StrangeAnswerError, match="^the .* of .* is "):
        read(listed(**told))


def test_a_name_of_others_acts_on_no_terminal():
    found = values.image(listed(id="i", name="\x1b]0;x\x07deb\nian\ud800", os_distro="a\x1b[2J"))
    assert found.name == "�]0;x�deb�ian�"
    assert found.properties["os_distro"] == "a�[2J"
