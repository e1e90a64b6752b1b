"""What can be asked of a deployment's machines without its site: tunnels, results, checks, status, secrets."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator import fetching, passwords, verifying
from orchestrator.catalogue.usecases import find_use_case, use_case_folders
from orchestrator.drivers import asking, rebooting, remote, tunnels
from orchestrator.drivers.transfer import NodeFiles
from orchestrator.errors import DeploymentFailedError, RequestError
from orchestrator.extras import with_extras
from orchestrator.fetching import Fetched
from orchestrator.keeping import kept_use_case
from orchestrator.model import Deployment, StatusLine, Tunnel, UseCase
from orchestrator.paths import Folders
from orchestrator.verifying import NodeResult, OnResult
from orchestrator.workdir import Workdir

_ANSWER_SECONDS = 60.0
_BOOT_SECONDS = 900.0
_PAUSE = 1.0

OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTunnel:
    """A service of a deployment as it is reached from this machine while its tunnel is open."""

    tunnel: Tunnel
    port: int

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"{self.tunnel.scheme}://127.0.0.1:{self.port}{self.tunnel.path}"


def _ignore(_told: object) -> None:
    """Watch nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One deployment, as its machines know it; ``environment`` is what child processes may know."""

    deployment: Deployment
    use_case: UseCase
    workdir: Workdir
    environment: Mapping[str, str]

    @classmethod
    def of(
        cls, deployment: Deployment, *, folders: Folders, environment: Mapping[str, str]
    ) -> Visit:
        """Return a visit to a deployment, with the use case that it was made with."""
        workdir = Workdir(folders.deployments / deployment.id)
        name = deployment.use_case
        kept = kept_use_case(workdir, name)
        found = kept or find_use_case(name, use_case_folders(folders.config))
        return cls(
            deployment=deployment,
            use_case=with_extras(found, deployment.parameters),
            workdir=workdir,
            environment=environment,
        )

    # --- tunnels

    def tunnel(self, name: str | None = None) -> Tunnel:
        """Return a tunnel of the use case by name, its first where none is named."""
        known = {tunnel.name: tunnel for tunnel in self.use_case.tunnels}
        if not known:
            raise RequestError(
                f"{self.use_case.name} has nothing to open: its use case names no tunnels",
                way_out=[f"orchestrator ssh {self.deployment.name}"],
            )
        if name is not None and name not in known:
            raise RequestError(
                f"{self.use_case.name} has no tunnel {name!r}", facts={"it has": ", ".join(known)}
            )
        return known[name] if name else next(iter(known.values()))

    @contextlib.contextmanager
    def open(
        self,
        name: str | None = None,
        *,
        port: int | None = None,
        seconds: float = _ANSWER_SECONDS,
        on_wait: OnText = _ignore,
    ) -> Iterator[OpenTunnel]:
        """Give a service behind its SSH tunnel once it answers; the tunnel ends with the block.

        Raises RequestError when there is no such tunnel or the port is taken, DeploymentFailedError
        when SSH does not come through or the service does not answer in time.
        """
        tunnel = self.tunnel(name)
        self.workdir.require_key(self.deployment.name)
        node = verifying.node_of(tunnel.node, self.deployment, self.use_case)
        on_wait(f"SSH to {node.user}@{node.address}")
        with tunnels.tunnel(
            node, tunnel.port, workdir=self.workdir, env=self.environment, local_port=port
        ) as local_port:
            opened = OpenTunnel(tunnel=tunnel, port=local_port)
            on_wait(f"waiting for {tunnel.title}")
            self._wait_for(opened, seconds)
            yield opened

    def _wait_for(self, opened: OpenTunnel, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            answer = asking.ask_here(opened.url)
            # Also a refusal is an answer: it may want its login, which is the browser's to give.
            if answer.status:
                return
            if time.monotonic() >= deadline:
                name = self.deployment.name
                raise DeploymentFailedError(
                    f"{opened.tunnel.title} does not answer on port {opened.tunnel.port} of the node",
                    facts={"it says": answer.text[:300]},
                    way_out=[
                        f"orchestrator verify {name}        tells what does not hold",
                        f"orchestrator ssh {name}",
                    ],
                )
            time.sleep(_PAUSE)

    # --- results, checks, status, secrets

    def results(self, folder: Path, *, on_progress: OnText = _ignore) -> Fetched:
        """Fetch the results into a folder; what is there and right is not fetched again."""
        if not self.use_case.results:
            raise RequestError(f"{self.use_case.name} has no results to fetch")
        self.workdir.require_key(self.deployment.name)
        node = verifying.first_node(self.deployment, self.use_case)
        source = NodeFiles(node=node, workdir=self.workdir, env=self.environment)
        return fetching.fetch(source, self.use_case.results, folder, on_progress=on_progress)

    def verify(self, *, rebooted: bool = False, on_result: OnResult = _ignore) -> list[NodeResult]:
        """Make the checks of the use case; after a reboot those that are to hold again."""
        self.workdir.require_key(self.deployment.name)
        verifying.first_node(self.deployment, self.use_case)
        return verifying.verify(
            self.deployment,
            self.use_case,
            workdir=self.workdir,
            env=self.environment,
            rebooted=rebooted,
            on_result=on_result,
        )

    def reboot(
        self,
        *,
        seconds: float = _BOOT_SECONDS,
        stop: threading.Event | None = None,
        on_wait: OnText = _ignore,
    ) -> None:
        """Boot every node anew and wait until SSH answers again."""
        self.workdir.require_key(self.deployment.name)
        rebooting.reboot(
            self.deployment.nodes,
            workdir=self.workdir,
            env=self.environment,
            seconds=seconds,
            stop=stop or threading.Event(),
            on_wait=on_wait,
        )

    def status_lines(self) -> list[tuple[str, str]]:
        """Return the title and the text of each line that the use case says about its state."""
        return [(line.title, self._ask(line)) for line in self.use_case.status]

    def secret(self, name: str) -> str:
        """Return the value of a secret; whoever asks shows it on purpose."""
        if name not in self.use_case.secrets:
            raise RequestError(
                f"{self.deployment.name} has no secret {name!r}",
                facts={"it has": ", ".join(self.use_case.secrets) or "none"},
            )
        return passwords.read_one(self.workdir, name)

    def _ask(self, line: StatusLine) -> str:
        if not self.workdir.private_key.is_file():
            return "not known: the key of its nodes is not on this machine"
        node = verifying.first_node(self.deployment, self.use_case)
        answer = remote.run(node, line.argv, workdir=self.workdir, env=self.environment)
        if answer.code != 0:
            return f"not known: {_plain(answer.last_words)}"
        lines = [text for text in answer.stdout.splitlines() if text.strip()]
        return _plain(lines[-1]) if lines else "nothing yet"


def _plain(text: str) -> str:
    """Return a line of a machine without what would move a terminal's cursor."""
    return "".join(sign for sign in text.strip() if sign.isprintable())[:200]
