"""Host keys: read from the console, which the cloud answers for, or from the node itself; and which are believed."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.drivers import command, ssh
from orchestrator.drivers.environment import child_environment
from orchestrator.model import Node
from orchestrator.workdir import Workdir, write_atomically

_BEGIN = "-----BEGIN SSH HOST KEY KEYS-----"
_END = "-----END SSH HOST KEY KEYS-----"
_HOST_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) ([A-Za-z0-9+/]{40,}={0,2})")


def from_console(console: str, *, address: str, port: int = 22) -> list[str]:
    """Return known_hosts lines for the host keys that cloud-init wrote to the console.

    The last complete block counts. The console of the cloud is trusted, the network is not;
    a line that the kernel's messages have cut is left out.
    """
    block = console.rpartition(_END)[0].rpartition(_BEGIN)
    if not block[1]:
        return []
    pairs = dict.fromkeys(_HOST_KEY.findall(block[2]))
    return [
        f"{ssh.host_in_known_hosts(address, port)} {kind} {key}"
        for kind, key in pairs
        if _is_whole(kind, key)
    ]


def scan(node: Node, *, workdir: Workdir, env: Mapping[str, str]) -> list[str]:
    """Return known_hosts lines as the node itself gives them; trusts the network this once."""
    if node.hop is not None:
        return _keys_behind_hop(node, workdir=workdir, env=env)
    argv = ["ssh-keyscan", "-T", "5", "-p", str(node.port), node.address]
    answer = command.run(argv, env=child_environment(env), timeout=30)
    pairs = dict.fromkeys(_HOST_KEY.findall(answer.stdout))
    host = ssh.host_in_known_hosts(node.address, node.port)
    return [f"{host} {kind} {key}" for kind, key in pairs if _is_whole(kind, key)]


def trust(workdir: Workdir, lines: Sequence[str]) -> None:
    """Let these host keys and no older ones of the same addresses be believed."""
    hosts = {line.split()[0] for line in lines}
    kept = [line for line in _known(workdir) if line.split()[0] not in hosts]
    write_atomically(workdir.known_hosts, "".join(f"{line}\n" for line in (*kept, *lines)))


def is_trusted(workdir: Workdir, node: Node) -> bool:
    """Tell whether a host key of the node is known."""
    return any(
        line.split()[0] == ssh.host_in_known_hosts(node.address, node.port)
        for line in _known(workdir)
    )


def _keys_behind_hop(node: Node, *, workdir: Workdir, env: Mapping[str, str]) -> list[str]:
    """Return the key that ssh itself takes on first sight: ssh-keyscan goes through nothing."""
    with tempfile.TemporaryDirectory(prefix="orch-") as folder:
        seen = Path(folder) / "known_hosts"
        # The first value of an option counts.
        first = ["-oBatchMode=yes", "-oStrictHostKeyChecking=accept-new"]
        argv = ssh.ssh_argv(node, workdir=workdir, command=["true"])
        argv = [argv[0], *first, f"-oUserKnownHostsFile={seen}", *argv[1:]]
        with contextlib.suppress(command.CommandTimeoutError):
            answer = command.run(argv, env=child_environment(env), timeout=90)
            ssh.raise_if_hopeless(node, answer.stderr, workdir)
        lines = seen.read_text(encoding="utf-8").splitlines() if seen.is_file() else []
    return [line for line in lines if line.strip()]


def _known(workdir: Workdir) -> list[str]:
    if not workdir.known_hosts.is_file():
        return []
    lines = workdir.known_hosts.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip()]


def _is_whole(kind: str, key: str) -> bool:
    """Tell whether a key says inside what it says outside, and is not cut off."""
    try:
        blob = base64.b64decode(key, validate=True)
    except binascii.Error:
        return False
    fields, rest = [], blob
    while len(rest) >= 4:
        size = int.from_bytes(rest[:4], "big")
        fields.append(rest[4 : 4 + size])
        whole, rest = len(rest) >= 4 + size, rest[4 + size :]
        if not whole:
            return False
    return not rest and len(fields) >= 2 and fields[0] == kind.encode()
