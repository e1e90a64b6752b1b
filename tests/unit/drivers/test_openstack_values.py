"""What sites answer, as our values."""

from datetime import UTC, datetime

from orchestrator.drivers import openstack_values as values
from orchestrator.drivers.openstack_listings import Listed


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


def test_a_quota_of_minus_one_is_unlimited():
    assert values.quota("cores", 3, -1).limit is None
    assert values.quota("cores", None, 5) == values.quota("cores", 0, 5)
