"""A node as testinfra sees it, over SSH with the deployment's own key."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator import passwords
from orchestrator.drivers import asking, ssh
from orchestrator.drivers.asking import WebAnswer
from orchestrator.drivers.hops import answering_ports
from orchestrator.drivers.sockets import shared_connections
from orchestrator.drivers.tunnels import tunnel as open_tunnel
from orchestrator.errors import DeploymentFailedError
from orchestrator.model import Login, Node, Tunnel
from orchestrator.names import in_url
from orchestrator.workdir import Workdir

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program on the node ended."""

    code: int
    stdout: str
    stderr: str


class Machine:
    """One node, looked at from inside as the login user and from outside by its ports."""

    def __init__(
        self, node: Node, host: Any, *, workdir: Workdir, env: Mapping[str, str], socket: Path
    ) -> None:
        self._node = node
        self._host = host
        self._workdir = workdir
        self._env = env
        self._socket = socket

    def run(self, argv: Sequence[str]) -> Ran:
        """Run a program as the login user, without a shell of ours in between."""
        result = self._asked(lambda: self._host.run(shlex.join(argv)))
        return Ran(code=result.rc, stdout=result.stdout, stderr=result.stderr)

    def is_running(self, service: str) -> bool:
        """Tell whether a systemd unit is active."""
        return bool(self._asked(lambda: self._host.service(service).is_running))

    def file_mode(self, path: str) -> int | None:
        """Return the mode of a file, None where there is none."""
        file = self._host.file(path)
        return int(self._asked(lambda: file.mode)) if self._asked(lambda: file.exists) else None

    def file_text(self, path: str) -> str:
        """Return what is in a file."""
        return str(self._asked(lambda: self._host.file(path).content_string))

    def is_listening(self, *, address: str, port: int) -> bool:
        """Tell whether something listens on this very address and port."""
        # testinfra takes an IPv6 address as it is here, and refuses one in brackets.
        return bool(self._asked(lambda: self._host.socket(f"tcp://{address}:{port}").is_listening))

    def answering_ports(self, ports: Sequence[int]) -> set[int]:
        """Return those of the ports that take a connection from outside the node."""
        return answering_ports(self._node, ports, workdir=self._workdir, env=self._env)

    def ask(self, url: str, login: Login | None) -> WebAnswer:
        """Ask a web service from inside the node, with the password that the login names."""
        return asking.ask_on_node(
            self._node,
            url,
            workdir=self._workdir,
            env=self._env,
            options=[f"-oControlPath={self._socket}"],
            **self._pair(login),
        )

    def ask_through(self, tunnel: Tunnel) -> WebAnswer:
        """Ask a web service through an SSH tunnel, with its login."""
        with open_tunnel(
            self._node, tunnel.port, workdir=self._workdir, env=self._env
        ) as local_port:
            url = f"{tunnel.scheme}://127.0.0.1:{local_port}{tunnel.path}"
            return asking.ask_here(url, **self._pair(tunnel.login))

    def _pair(self, login: Login | None) -> dict[str, str]:
        if login is None:
            return {}
        return {
            "user": login.user,
            "password": passwords.read_one(self._workdir, login.secret),
        }

    def _asked(self, question: Any) -> Any:
        """Ask again when ssh failed; testinfra tells that by a RuntimeError."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return question()
            except RuntimeError as error:
                if attempt == _ATTEMPTS:
                    raise DeploymentFailedError(
                        f"{self._node.name} cannot be looked into any more",
                        facts={"testinfra says": str(error)[:500]},
                    ) from error
        return None


@contextlib.contextmanager
def connect(node: Node, *, workdir: Workdir, env: Mapping[str, str]) -> Iterator[Machine]:
    """Give a Machine for a node; its shared connection ends with the block."""
    with shared_connections(env) as folder:
        host = _host(node, workdir=workdir, sockets=folder)
        yield Machine(node, host, workdir=workdir, env=env, socket=folder / "node")


def _host(node: Node, *, workdir: Workdir, sockets: Path) -> Any:
    import testinfra.backend
    from testinfra.host import Host

    through = ssh.proxy_options(node, workdir)
    extra = shlex.join([*ssh.options(workdir), *through, "-oBatchMode=yes"])
    # testinfra.get_host keeps hosts for the life of the process: another node behind the same
    # address would be taken for this one.
    backend = testinfra.backend.get_backend(
        f"ssh://{node.user}@{in_url(node.address)}:{node.port}",
        ssh_extra_args=extra,
        timeout=10,
        controlpersist=30,
        controlpath=str(sockets / "node"),
    )
    host = Host(backend)
    backend.set_host(host)
    return host
