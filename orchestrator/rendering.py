"""From choices to files: main.tf holds structure, terraform.tfvars.json every value."""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from enum import Enum
from pathlib import Path
from typing import Any

import jinja2

from orchestrator import paths
from orchestrator.errors import DeploymentFailedError, RequestError
from orchestrator.model import (
    DataVolume,
    Deployment,
    Hop,
    JumpHost,
    Node,
    NodeGroup,
    Selection,
    Site,
    UseCase,
)

PROVIDER_VERSION = "3.4.0"
LOGIN_USER = "egi"
# Away from Docker's 172.17.0.0/16 and from what sites use for themselves.
CIDR = "10.222.0.0/24"
ANYWHERE = {4: ("0.0.0.0/0",), 6: ("0.0.0.0/0", "::/0")}
GIVES_FLOATING_IPS = ("floating", "bastion")

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NODE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_SITE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PUBLIC_KEY = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-[a-z0-9]+) [A-Za-z0-9+/=]+( [A-Za-z0-9@._-]+)?"
)


class Identifier(str):
    """A name of HCL, checked; the only text that is written without quotes."""

    __slots__ = ()


class Stays(Enum):
    """What a removal may leave at the site, as Terraform knows it."""

    VOLUMES = "module.volumes.openstack_blockstorage_volume_v3.data"
    ADDRESS = "module.nodes.openstack_networking_floatingip_associate_v2.node"


def ident(name: str) -> Identifier:
    """Return a name that HCL may be made of, or raise RequestError."""
    if not _IDENTIFIER.fullmatch(name):
        raise RequestError(f"{name!r} cannot be a name in Terraform")
    return Identifier(name)


def hcl(value: object) -> str:
    """Return a value as an HCL literal, in which nothing is ever evaluated."""
    # The text of what is undefined is an error that names it.
    if isinstance(value, Identifier | jinja2.Undefined):
        return str(value)
    return literal(json.dumps(value, ensure_ascii=False))


def literal(text: str) -> str:
    """Return a text as it stands between quotes of HCL, also of its JSON, where none of it is evaluated."""
    return text.replace("${", "$${").replace("%{", "%%{")


def network_module(selection: Selection) -> str:
    """Return the module that gives the nodes their network: one is made, or is there already."""
    return "network" if selection.attachment is None else "network_existing"


def render_main(
    *, network: str = "network", volumes: bool = False, template: Path | None = None
) -> str:
    """Return main.tf; ``network`` names the module that gives the nodes their network.

    ``volumes`` says whether a node has a data volume.
    """
    return _render(template or paths.TEMPLATES / "main.tf.j2", network=network, volumes=volumes)


def render_end(stays: Collection[Stays]) -> str:
    """Return the main.tf by which all is removed but what stays, which the state forgets."""
    addresses = [Identifier(one.value) for one in Stays if one in stays]
    return _render(paths.TEMPLATES / "end.tf.j2", stays=addresses)


def _render(template: Path, **structure: object) -> str:
    return _compiled(template.read_text(encoding="utf-8")).render(
        provider_version=PROVIDER_VERSION,
        module_source=lambda name: f"./modules/{ident(name)}",
        **structure,
    )


@functools.lru_cache(maxsize=16)
def _compiled(source: str) -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        finalize=hcl,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    environment.filters["ident"] = ident
    return environment.from_string(source)


def variables(
    *,
    deployment: Deployment,
    site: Site,
    selection: Selection,
    use_case: UseCase,
    public_key: str,
    cidr: str = CIDR,
    ssh_from: Sequence[str] = (),
    open_ports: Sequence[int] = (),
) -> dict[str, Any]:
    """Return what terraform.tfvars.json says: every value of a deployment, no secret."""
    share = site.share_of(deployment.vo)
    volumes = _volumes(deployment, selection, use_case)
    return {
        "site": {
            "auth_url": site.endpoint,
            "project_id": deployment.project_id,
            "region": (share and share.region) or site.region,
            "cacert": str(site.ca_bundle) if site.ca_bundle else None,
        },
        "deployment": {
            "id": deployment.id,
            "name": deployment.name,
            "use_case": deployment.use_case,
        },
        "network": _network(selection, cidr=cidr, dns=site.dns),
        "ssh_public_key": _public_key(public_key),
        "ssh_from": list(ssh_from or ANYWHERE[selection.ip_version]),
        "login_user": LOGIN_USER,
        "nodes": _nodes(deployment, selection, use_case),
        **({"open_ports": sorted(open_ports)} if open_ports else {}),
        # Code without volumes knows no word for them.
        **({"volumes": volumes} if volumes else {}),
    }


def _volumes(
    deployment: Deployment, selection: Selection, use_case: UseCase
) -> dict[str, dict[str, Any]]:
    if not selection.volume_gb:
        return {}
    existing = selection.volume.value if selection.volume else None
    first = _node_name(f"{deployment.name}-{use_case.nodes[0].name}")
    return {first: {"size_gb": selection.volume_gb, "existing_id": existing}}


def _network(selection: Selection, *, cidr: str, dns: Sequence[str]) -> dict[str, Any]:
    public, attachment = selection.public_network, selection.attachment
    leads_out = public if selection.topology.value in GIVES_FLOATING_IPS else None
    return {
        "external_network_id": leads_out.value if leads_out else None,
        "external_network_name": leads_out.name if leads_out else None,
        "cidr": cidr,
        "dns": list(dns),
        "network_id": attachment.network_id if attachment else None,
        "subnet_id": attachment.subnet_id if attachment else None,
        "ip_version": selection.ip_version,
        # Networks of a provider's own often reach no metadata service, and IPv6 alone never does.
        "config_drive": None if leads_out else True,
    }


def _nodes(deployment: Deployment, selection: Selection, use_case: UseCase) -> dict[str, Any]:
    names = {group: _node_name(f"{deployment.name}-{group.name}") for group in use_case.nodes}
    floating = [names[group] for group in with_floating_ip(use_case, selection.topology.value)]
    door = floating[0] if floating else None
    reused = selection.floating_ip
    return {
        name: {
            "flavor_id": selection.flavor.value,
            "image_id": selection.image.value,
            "boot_volume_gb": selection.boot_volume_gb,
            "groups": list(group.groups),
            "public": name in floating,
            "floating_ip": reused.name if reused and name == door else None,
            "via": None if name in floating else door,
        }
        for group, name in names.items()
    }


def with_floating_ip(use_case: UseCase, topology: str) -> list[NodeGroup]:
    """Return the nodes that get a floating IP: all public ones, or the first as a bastion.

    Where none is public the first one is the door to the others: else nobody would get in.
    """
    if topology not in GIVES_FLOATING_IPS:
        return []
    doors = [group for group in use_case.nodes if group.public] or list(use_case.nodes[:1])
    return doors[:1] if topology == "bastion" else doors


def read_nodes(outputs: Mapping[str, Any], jump_host: JumpHost | None = None) -> tuple[Node, ...]:
    """Return the nodes that Terraform's outputs tell, sorted by name, with what SSH goes through."""
    try:
        told = outputs["nodes"]
        nodes = {name: _node(name, one) for name, one in sorted(told.items())}
        return tuple(
            replace(node, hop=_hop(nodes, told[name].get("via"), jump_host))
            for name, node in nodes.items()
        )
    except (
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        RequestError,
    ) as error:
        raise DeploymentFailedError(
            f"Terraform's output `nodes` is not as expected: {error}",
        ) from error


def _hop(nodes: Mapping[str, Node], via: str | None, jump_host: JumpHost | None) -> Hop | None:
    if via is not None:
        door = nodes[via]
        return Hop(host=door.address, user=door.user, port=door.port)
    if jump_host is None:
        return None
    return Hop(host=jump_host.host, ours=False, ssh_config=jump_host.ssh_config)


def inventory(
    nodes: Sequence[Node], *, ssh_arguments: Callable[[Node], str] = lambda _node: ""
) -> dict[str, Any]:
    """Return the Ansible inventory of some nodes; ``ssh_arguments`` are those of one node alone."""
    groups = sorted({group for node in nodes for group in node.groups})
    return {
        "all": {
            "hosts": {node.name: _host(node, ssh_arguments(node)) for node in nodes},
            "children": {
                group: {"hosts": {node.name: {} for node in nodes if group in node.groups}}
                for group in groups
            },
        }
    }


def _host(node: Node, ssh_arguments: str) -> dict[str, Any]:
    through = {"ansible_ssh_common_args": ssh_arguments} if ssh_arguments else {}
    return {
        "ansible_host": node.address,
        "ansible_port": node.port,
        "ansible_user": node.user,
        # Else Ansible looks for it on each node, which costs a round trip.
        "ansible_python_interpreter": "/usr/bin/python3",
        "private_ip": node.private_ip,
        "volumes": [asdict(volume) for volume in node.volumes],
        **through,
    }


def _node(name: str, told: Mapping[str, Any]) -> Node:
    return Node(
        name=_node_name(name),
        address=str(ipaddress.ip_address(told["address"])),
        port=int(told["port"]),
        user=ident(told["user"]),
        groups=tuple(ident(group) for group in told["groups"]),
        private_ip=str(ipaddress.ip_address(told["private_ip"])),
        volumes=tuple(_volume(volume) for volume in told["volumes"]),
        id=_site_id(told["id"]) if told.get("id") else "",
    )


def _volume(told: Mapping[str, Any]) -> DataVolume:
    return DataVolume(
        id=_site_id(told["id"]),
        size_gb=int(told["size_gb"]),
        made=bool(told["made"]),
    )


def _site_id(found: object) -> str:
    """Return an id that the site gave; those of OpenStack are UUIDs, and nothing else is believed."""
    if not isinstance(found, str) or not _SITE_ID.fullmatch(found):
        raise RequestError(f"{found!r} cannot be an id of the site")
    return found


def _node_name(name: str) -> str:
    if not _NODE.fullmatch(name):
        raise RequestError(
            f"{name!r} cannot be the name of a host",
            facts={"a host name is": "1 to 63 of a-z, 0-9 and -, a letter first, no - at the end"},
        )
    return name


def _public_key(line: str) -> str:
    if not _PUBLIC_KEY.fullmatch(line.strip()):
        raise RequestError("the public key is not one plain line of OpenSSH")
    return line.strip()
