"""Boots a server as the operator would and measures it: run with the control plane's Python.

Prints JSON: seconds to ACTIVE, to SSH, and the floating address.
"""

import json
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import openstack

STATE = Path("/var/lib/orchestrator-sandbox")


def connect(project: str) -> Any:
    """Log in through Check-in, as a deployment does."""
    token = subprocess.run(
        [STATE / "bin/token"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_type="v3oidcaccesstoken",
        auth_url="https://127.0.0.1:25000/v3",
        identity_provider="egi.eu",
        protocol="openid",
        access_token=token,
        project_id=project,
        cacert=str(STATE / "ca.pem"),
        region_name="RegionOne",
    )


def create(cloud: Any, name: str, dns: bool) -> dict[str, Any]:
    """Make network, subnet, router, group, port, server and floating address."""
    network = cloud.network.create_network(name=name)
    servers = {"dns_nameservers": ["10.255.255.53"]} if dns else {}
    subnet = cloud.network.create_subnet(
        name=name, network_id=network.id, ip_version=4, cidr="10.77.0.0/24", **servers
    )
    external = cloud.network.find_network("ext-2083")
    router = cloud.network.create_router(
        name=name, external_gateway_info={"network_id": external.id}
    )
    cloud.network.add_interface_to_router(router, subnet_id=subnet.id)
    group = cloud.network.create_security_group(name=name)
    cloud.network.create_security_group_rule(
        security_group_id=group.id,
        direction="ingress",
        ethertype="IPv4",
        protocol="tcp",
        port_range_min=22,
        port_range_max=22,
    )
    port = cloud.network.create_port(
        network_id=network.id, security_group_ids=[group.id], name=name
    )
    floating = cloud.network.create_ip(floating_network_id=external.id, port_id=port.id)
    return {
        "network": network,
        "router": router,
        "subnet": subnet,
        "group": group,
        "port": port,
        "floating": floating,
    }


def boot(cloud: Any, name: str, port: Any, key: Path) -> Any:
    """Start a server from EGI's newest Debian image."""
    public = key.with_suffix(".pub").read_text()
    cloud.compute.create_keypair(name=name, public_key=public)
    images = [i for i in cloud.image.images() if i.name.endswith("debian:12")]
    newest = max(images, key=lambda image: image.created_at)
    flavor = cloud.compute.find_flavor("m1.medium")
    return cloud.compute.create_server(
        name=name,
        image_id=newest.id,
        flavor_id=flavor.id,
        key_name=name,
        networks=[{"port": port.id}],
    )


def wait_for_ssh(address: str, patience: float = 180) -> None:
    """Return when something speaks SSH at the address."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            with socket.create_connection((address, 22), timeout=3) as connection:
                connection.settimeout(5)
                if connection.recv(20).startswith(b"SSH-"):
                    return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"no SSH at {address}")


def shows_host_keys(cloud: Any, server: Any, patience: float = 120) -> bool:
    """Say whether the console comes to show the host keys, which it does at the boot's end."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if "BEGIN SSH HOST KEY KEYS" in cloud.compute.get_server_console_output(server)["output"]:
            return True
        time.sleep(2)
    return False


def remove(cloud: Any, name: str, server: Any, made: dict[str, Any]) -> None:
    """Remove all of it again."""
    cloud.compute.delete_server(server)
    cloud.compute.wait_for_delete(server)
    cloud.network.delete_ip(made["floating"])
    cloud.network.delete_port(made["port"])
    cloud.network.remove_interface_from_router(made["router"], subnet_id=made["subnet"].id)
    cloud.network.delete_router(made["router"])
    cloud.network.delete_network(made["network"])
    cloud.network.delete_security_group(made["group"])
    cloud.compute.delete_keypair(name)


def main(project: str, key: str, *options: str) -> None:
    """Measure one server; `keep` leaves it, `no-dns` gives the subnet no name server."""
    cloud = connect(project)
    name = f"boot-{uuid.uuid4().hex[:6]}"
    began = time.monotonic()
    made = create(cloud, name, "no-dns" not in options)
    networked = time.monotonic()
    server = boot(cloud, name, made["port"], Path(key))
    server = cloud.compute.wait_for_server(server, interval=0.5, wait=120)
    active = time.monotonic()
    address = made["floating"].floating_ip_address
    wait_for_ssh(address)
    seconds = {
        "network": round(networked - began, 1),
        "active": round(active - networked, 1),
        "ssh": round(time.monotonic() - active, 1),
    }
    host_keys = shows_host_keys(cloud, server)
    seconds["host_keys_after"] = round(time.monotonic() - active, 1)
    print(json.dumps({"address": address, "name": name, "host_keys": host_keys, **seconds}))
    if "keep" not in options:
        remove(cloud, name, server, made)


if __name__ == "__main__":
    main(*sys.argv[1:])
