"""A node that is this machine: a real sshd that takes a deployment's key and gives it a shell."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.drivers import hostkeys, ssh
from orchestrator.model import Node
from orchestrator.workdir import Workdir
from tests.contract import sshd

# On a node the login user becomes root by it; here everything belongs to who runs the test.
_SUDO = '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n'


@dataclass(frozen=True)
class OnNode:
    """The node, and the work folder whose key it takes."""

    node: Node
    workdir: Workdir
    server: Path
    authorized_keys: Path

    def drop_connections(self) -> None:
        """End every session, as a network that breaks does; the sshd itself stays."""
        told = subprocess.run(
            ["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True
        )
        rows = [line.split(maxsplit=2) for line in told.stdout.splitlines()]
        listening = {pid for pid, _, args in rows if f"{self.server}/config" in args}
        for pid, parent, _ in rows:
            if parent in listening:
                os.kill(int(pid), signal.SIGKILL)


@contextmanager
def node_on_this_machine(folder: Path, *, program: Path) -> Iterator[OnNode]:
    """Run the sshd for a work folder beside it."""
    workdir = Workdir(folder / "deployment")
    workdir.create()
    programs = folder / "bin"
    programs.mkdir()
    (programs / "sudo").write_text(_SUDO)
    (programs / "sudo").chmod(0o755)
    key = ssh.make_key(workdir, name="sky", env=os.environ)
    server = folder / "sshd"
    with sshd.running(
        server,
        program=program,
        lets_in=[key],
        options=[f"SetEnv PATH={programs}:/usr/bin:/bin"],
    ) as running:
        hostkeys.trust(workdir, [running.known_hosts])
        node = Node(
            name="sky-toy",
            address=sshd.ADDRESS,
            port=running.port,
            user=sshd.USER,
            groups=("toy",),
            private_ip=sshd.ADDRESS,
        )
        yield OnNode(
            node=node,
            workdir=workdir,
            server=server,
            authorized_keys=server / "authorized_keys",
        )
