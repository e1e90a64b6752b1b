"""Debian packages the sandbox needs; installs those that are missing."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from sandbox import shell
from sandbox.errors import SandboxError

NEEDED = (
    "apache2-bin",
    "conntrack",
    "dnsmasq-base",
    "e2fsprogs",
    "ebtables",
    "gcc",
    "genisoimage",
    "iproute2",
    "iptables",
    "iputils-arping",
    "libapache2-mod-auth-openidc",
    "libc6-dev",
    "libssl-dev",
    "libvirt-clients",
    "libvirt-daemon",
    "libvirt-daemon-driver-qemu",
    "libvirt-dev",
    "mariadb-client-core",
    "mariadb-server-core",
    "memcached",
    "mmdebstrap",
    "openssl",
    "pkg-config",
    "python3-dev",
    "python3-venv",
    "qemu-system-x86",
    "qemu-utils",
    "rabbitmq-server",
    "debian-archive-keyring",
)
# A program may come from elsewhere than from Debian; then its package is not needed.
PROGRAMS = {"mvn": "maven", "java": "openjdk-17-jre-headless", "ssh": "openssh-client"}
POLICY = Path("/usr/sbin/policy-rc.d")
REFUSE = (
    "#!/bin/sh\n# Of the orchestrator's sandbox: no service starts on installing it.\nexit 101\n"
)


def missing(needed: Sequence[str], listing: str) -> list[str]:
    """Return the packages that `dpkg-query` does not list as installed."""
    installed = set()
    for line in listing.splitlines():
        name, _, state = line.partition(" ")
        if state.endswith(" installed"):
            installed.add(name.partition(":")[0])
    return [name for name in needed if name not in installed]


def install(log: Path) -> str:
    """Install what is missing; whatever brings a service with it does not start it."""
    wanted = missing(NEEDED, _listing())
    wanted += [name for program, name in PROGRAMS.items() if not shutil.which(program)]
    if not wanted:
        return "all there"
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    guarded = _forbid_starts()
    try:
        shell.run(["apt-get", "update"], log=log, env=quiet)
        install_command = ["apt-get", "-y", "--no-install-recommends", "install", *wanted]
        shell.run(install_command, log=log, env=quiet)
    except SandboxError as error:
        raise SandboxError(f"cannot install packages; is there a network?\n{error}") from error
    finally:
        if guarded:
            POLICY.unlink()
    return f"installed {len(wanted)}"


def _listing() -> str:
    return shell.run(["dpkg-query", "-W", "-f", "${Package} ${Status}\\n"])


def _forbid_starts() -> bool:
    """Write the file that packages ask before starting a service; tell if it is ours."""
    if POLICY.exists() and POLICY.read_text() != REFUSE:
        return False
    POLICY.write_text(REFUSE)
    POLICY.chmod(0o755)
    return True
