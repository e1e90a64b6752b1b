"""Renders the configuration of every service from the templates."""

import hashlib
import json
import shutil
from pathlib import Path
from string import Template

from sandbox import cache, files, gateway, kvm, realm, services
from sandbox.errors import SandboxError
from sandbox.layout import (
    OTHER_PORTS,
    PUBLIC_PORTS,
    SOURCE,
    TEMPLATES,
    Layout,
    url,
)
from sandbox.networks import EXTERNAL_GATEWAY, NETWORKS, links
from sandbox.vos import USUAL

# The user of QEMU in Debian and Ubuntu; it need not be in the user database.
QEMU_UID = 64055
# Users that live inside alone: the unprivileged part of sshd, and whoever jumps.
SSHD_UID, JUMP_UID = 64056, 64057
# Copies that a program reads as another user, or at a place of its own.
PLACED = {
    "rabbitmq.conf": "rabbitmq/rabbitmq.conf",
    "qemu.conf": "libvirt/etc/qemu.conf",
    "libvirtd.conf": "libvirt/etc/libvirtd.conf",
    "mount.nfs": "inside/sbin/mount.nfs",
}


def fingerprint() -> str:
    """Return a mark of the sources, which tells a sandbox started from others."""
    paths = sorted(path for path in SOURCE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    digest = hashlib.sha256(json.dumps(gateway.resolvers()).encode())
    for path in paths:
        digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def render(text: str, values: dict[str, str]) -> str:
    """Fill a template; a name without a value is an error."""
    try:
        return Template(text).substitute(values)
    except (KeyError, ValueError) as error:
        raise SandboxError(f"a template of the sandbox cannot be filled: {error}") from error


def values(layout: Layout, passwords: dict[str, str]) -> dict[str, str]:
    """Return what the templates may name."""
    return {
        "state": str(layout.state),
        "etc": str(layout.etc),
        "source": str(SOURCE),
        "log": str(layout.log),
        "run": str(layout.run),
        "tls": str(layout.tls),
        "ca": str(layout.ca),
        "secrets": str(layout.secrets),
        "venv": str(cache.environment(layout)),
        **_network_values(),
        **{name: str(limit) for name, limit in (USUAL.quota | USUAL.volume_quota).items()},
        "floating_ips": str(USUAL.floating_ips),
        "jump": str(layout.jump),
        "jump_port": str(OTHER_PORTS["jump"]),
        "qemu_uid": str(QEMU_UID),
        "sshd_uid": str(SSHD_UID),
        "jump_uid": str(JUMP_UID),
        "issuer": url("keycloak"),
        "glance_url": url("glance"),
        "resolvers": ",".join(gateway.resolvers()),
        "broker_password": passwords["broker"],
        "crypto_passphrase": passwords["keycloak_admin"],
        "transport": broker_address(passwords),
        "database": f"mysql+pymysql://sandbox:{passwords['database']}@localhost",
        "database_options": f"unix_socket={layout.run}/mariadb.sock",
        "service_login": _service_login(layout, passwords["services"]),
    }


def _network_values() -> dict[str, str]:
    """Return the site's networks in the words of the shell and of Neutron."""
    rows = [
        # IPv6 addresses have to wait for a setting that only this machine can make.
        (net.wire, net.link, "" if net.is_reached_by_ipv6 else net.address, net.router, net.jump)
        for net in NETWORKS
    ]
    return {
        # The shell reads a row by its words, so an empty one needs a sign.
        "wires": "\n".join(" ".join(word or "-" for word in row) for row in rows),
        "links": " ".join(links()),
        "way_out": EXTERNAL_GATEWAY,
        "flat_networks": ",".join(network.wire for network in NETWORKS),
        "interface_mappings": ",".join(f"{net.wire}:{net.wire}-nic" for net in NETWORKS),
    }


def broker_address(passwords: dict[str, str]) -> str:
    """Return where the services meet their messages, with the password in it."""
    return f"rabbit://sandbox:{passwords['broker']}@127.0.0.1:25671/"


def _service_login(layout: Layout, password: str) -> str:
    keystone = f"https://127.0.0.1:{PUBLIC_PORTS['keystone']}/v3"
    options = {
        "auth_type": "password",
        "auth_url": keystone,
        "www_authenticate_uri": keystone,
        "cafile": str(layout.ca),
        "username": "services",
        "password": password,
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "region_name": "RegionOne",
        "service_token_roles_required": "true",
    }
    return "\n".join(f"{name} = {value}" for name, value in options.items())


def prepare(layout: Layout, passwords: dict[str, str]) -> str:
    """Write every configuration file, and the folders they speak of."""
    _make_folders(layout)
    known = values(layout, passwords)
    count = 0
    for template in sorted((TEMPLATES / "etc").iterdir()):
        place = PLACED.get(template.name)
        target = layout.state / place if place else layout.etc / template.name
        count += files.write(target, render(template.read_text(), known), mode=0o600)
    supervisor = services.supervisor_configuration(layout)
    count += files.write(layout.etc / "supervisord.conf", supervisor, mode=0o600)
    imported = json.dumps(realm.realm(passwords), indent=1)
    target = layout.state / "keycloak/data/import/egi-realm.json"
    count += files.write(target, imported, mode=0o600)
    for path in (layout.state / "rabbitmq/rabbitmq.conf", _plugins(layout)):
        shutil.chown(path, "rabbitmq", "rabbitmq")
    # Bound over the machine's own, it is read by whoever a service runs as.
    (layout.etc / "hosts").chmod(0o644)
    (layout.state / PLACED["mount.nfs"]).chmod(0o755)
    return f"{count} files changed"


def choose_virtualisation(layout: Layout, *, accelerated: bool) -> str:
    """Write the one part of Nova's configuration that has to wait for a kernel."""
    text = (TEMPLATES / "virt.conf").read_text()
    files.write(layout.etc / "virt.conf", render(text, kvm.settings(accelerated)), mode=0o600)
    return "KVM" if accelerated else "emulation"


def _plugins(layout: Layout) -> Path:
    path = layout.state / "rabbitmq/plugins"
    files.write(path, "[].\n")
    return path


def _link_keycloak(layout: Layout) -> None:
    """Give Keycloak a home of its own for its data; the programs stay in the cache."""
    for name in ("lib", "conf", "providers", "themes"):
        link, target = layout.state / "keycloak" / name, cache.keycloak(layout) / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)


def _make_folders(layout: Layout) -> None:
    state = layout.state
    for path in (state, layout.log, layout.run, layout.stamps, state / "nova/instances"):
        files.folder(path)
    for path in (state / "glance/images", state / "keycloak"):
        files.folder(path, mode=0o700)
    for name in ("etc", "lib", "log", "cache"):
        files.folder(state / "libvirt" / name)
    files.folder(layout.etc, mode=0o711)
    _link_keycloak(layout)
    files.folder(state / "neutron")
    for name in ("share", "mnt", "conversion", "coordination"):
        files.folder(state / "cinder" / name)
    # Cinder lets everybody write to a volume's file, so nobody may come near.
    files.folder(state / "cinder", mode=0o700)
    files.folder(state / "inside/sbin")
    files.folder(state / "rabbitmq/data", owner="rabbitmq")
    files.folder(state / "rabbitmq", owner="rabbitmq")
    files.folder(state / "apache", mode=0o700, owner="www-data")
