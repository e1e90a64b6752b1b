"""SSH tunnels: a local port that leads to one of a node's own, for as long as somebody holds it open."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import IO

from orchestrator.drivers import process, ssh
from orchestrator.drivers.environment import child_environment
from orchestrator.errors import DeploymentFailedError, RequestError, SetupError
from orchestrator.model import Node
from orchestrator.names import in_url
from orchestrator.workdir import Workdir

_LOCAL = "127.0.0.1"
_ATTEMPTS = 3
_PATIENCE = 60.0
_PAUSE = 0.1
# ssh ends with us, however we end: our end of the pipe closes, and the shell sees that.
_NOT_LONGER_THAN_US = """\
exec 3<&0
"$@" </dev/null 3<&- &
ssh=$!
trap 'kill $ssh 2>/dev/null' TERM INT HUP
(cat <&3 >/dev/null; kill $ssh 2>/dev/null) &
exec 3<&-
wait $ssh
"""


@contextlib.contextmanager
def tunnel(
    node: Node,
    port: int,
    *,
    workdir: Workdir,
    env: Mapping[str, str],
    local_port: int | None = None,
) -> Iterator[int]:
    """Give a port of this machine that leads to the node's own port; the tunnel ends with the block.

    Raises RequestError when the wanted port is taken, DeploymentFailedError when SSH does not come through.
    """
    if local_port is not None and not _is_free(local_port):
        raise RequestError(
            f"the port {local_port} of this machine is taken",
            way_out=["another --port, or none: a free one is found"],
        )
    with tempfile.TemporaryFile() as complaints:
        for attempt in range(1, _ATTEMPTS + 1):
            chosen = local_port or _free_port()
            child = _start(_argv(node, port, chosen, workdir), env, complaints)
            try:
                if _wait(child, chosen):
                    yield chosen
                    return
            finally:
                process.end(child, grace=2.0)
                if child.stdin:
                    child.stdin.close()
            words = _words(complaints)
            # Somebody may have taken the free port in between.
            if local_port is not None or attempt == _ATTEMPTS or "in use" not in words:
                raise _no_tunnel(node, words)


def _argv(node: Node, port: int, local_port: int, workdir: Workdir) -> list[str]:
    forward = f"{_LOCAL}:{local_port}:{_LOCAL}:{port}"
    plain = ssh.ssh_argv(node, workdir=workdir)
    own = ["-oBatchMode=yes", "-oExitOnForwardFailure=yes", "-N", "-L", forward]
    return [plain[0], *own, *plain[1:]]


def _start(
    argv: list[str], env: Mapping[str, str], complaints: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", _NOT_LONGER_THAN_US, "tunnel", *argv],
            env=child_environment(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise SetupError("there is no /bin/sh on this machine") from error


def _wait(child: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until ssh listens; False when it has ended instead."""
    deadline = time.monotonic() + _PATIENCE
    while child.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((_LOCAL, port), timeout=1):
            return True
        time.sleep(_PAUSE)
    return False


def _is_free(port: int) -> bool:
    try:
        socket.create_server((_LOCAL, port)).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server((_LOCAL, 0)) as server:
        return int(server.getsockname()[1])


def _words(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    return complaints.read(64 * 1024).decode("utf-8", "replace")


def _no_tunnel(node: Node, words: str) -> DeploymentFailedError:
    last = [line.strip() for line in words.splitlines() if line.strip()]
    return DeploymentFailedError(
        f"no SSH tunnel to {node.name} comes about",
        facts={
            "address": f"{in_url(node.address)}:{node.port}",
            "ssh says": last[-1] if last else "nothing",
        },
        way_out=["orchestrator status NAME        tells whether it answers"],
    )
