"""The two ways in which a trial is run: by the orchestrator, and by Terraform alone on the same files."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from orchestrator.drivers import leftovers, provider
from orchestrator.drivers.environment import child_environment
from orchestrator.paths import Folders
from orchestrator.store import Store
from tests.faults.running import OWNER
from tests.faults.site import Thing

ROOT = Path(__file__).resolve().parents[2]
_STEP = re.compile(r'"type":"apply_(?:start|complete|errored)"')
_KINDS = {
    "openstack_compute_instance_v2": "server",
    "openstack_compute_keypair_v2": "keypair",
    "openstack_networking_floatingip_v2": "floating_ip",
    "openstack_networking_network_v2": "network",
    "openstack_networking_subnet_v2": "subnet",
    "openstack_networking_router_v2": "router",
    "openstack_networking_port_v2": "port",
    "openstack_networking_secgroup_v2": "security_group",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run that was started, and the file that it writes to."""

    process: subprocess.Popen[bytes]
    output: Path
    earlier: int = 0  # steps of the runs before

    @property
    def said(self) -> str:
        """All that it has said so far."""
        return self.output.read_text(errors="replace")

    def ended(self, *, code: int) -> dict[str, Any]:
        """Wait until it has ended with this exit code, and return the last that it told."""
        assert self.process.wait(timeout=300) == code, self.said
        last: dict[str, Any] = json.loads(self.said.splitlines()[-1])
        return last


class Way(Protocol):
    """How a deployment is made and removed."""

    name: str

    def prepare(self) -> None:
        """Do what comes before the first run and changes nothing at the site."""
        ...

    def start(self, verb: str) -> Started:
        """Start a run of a verb."""
        ...

    def folder(self) -> Path:
        """Where its Terraform works; a folder without any while there is none."""
        ...

    def steps(self, verb: str, run: Started) -> int | None:
        """Return how many things Terraform has begun or ended, None before a run changes anything."""
        ...

    def is_done(self, verb: str, run: Started) -> bool:
        """Tell whether a run that has ended did what it was asked for."""
        ...

    def machines(self) -> set[str] | None:
        """Return the ids of the machines that it would configure; None where it configures none."""
        ...


class Orchestrated:
    """The orchestrator's own verbs, each in a process."""

    name = "orchestrator"
    verbs = ("deploy", "redeploy", "recover", "destroy")

    def __init__(
        self, home: Path, *, deployment: str, vo: str, planted: str = "", fixed: Sequence[str] = ()
    ) -> None:
        self._home = home
        self._words = (str(home), deployment, vo, *fixed)
        self._planted = {"PLANTED": planted} if planted else {}

    def prepare(self) -> None:
        """Do nothing: a deploy needs nothing before it."""

    def start(self, verb: str) -> Started:
        """Start a run of a verb."""
        earlier = self._steps()
        return replace(self.begin(verb), earlier=earlier)

    def begin(self, verb: str) -> Started:
        """Start a run whose steps nobody counts; others may be at work in the same home."""
        argv = [sys.executable, "-m", "tests.faults.running", verb, *self._words]
        env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return _start(argv, env={**env, **self._planted}, cwd=ROOT, home=self._home, verb=verb)

    def folder(self) -> Path:
        """Where its Terraform works."""
        return next(iter((self._home / "data" / "deployments").glob("*")), self._home / "none")

    def steps(self, verb: str, run: Started) -> int | None:
        """Return how many things Terraform has begun or ended, None before a run changes anything."""
        phase = {"destroy": "destroy", "recover": "recover"}.get(verb, "apply")
        begun = f'"phase": "{phase}", "state": "started"' in run.said
        return self._steps() - run.earlier if begun else None

    def _steps(self) -> int:
        files = (self.folder() / "runs").glob("*-terraform-apply.jsonl")
        return sum(_count_steps(file.read_text(errors="replace")) for file in files)

    def is_done(self, verb: str, run: Started) -> bool:
        """Tell whether a run did what it was asked for."""
        gone = verb == "destroy" and "you have no deployment named" in run.said
        return run.process.returncode == 0 or gone

    def machines(self) -> set[str] | None:
        """Return the ids of the machines that its record names: it is these that are configured."""
        store = Store.in_folder(self._home / "data")
        try:
            return {node.id for one in store.all(owner=OWNER) for node in one.nodes}
        finally:
            store.close()


class Bare:
    """Terraform alone, on the files that the orchestrator renders for the same deployment."""

    name = "terraform"
    # There is nothing in Terraform that would look for what a state does not know.
    verbs = ("deploy", "redeploy", "destroy")

    def __init__(self, home: Path, *, by: Orchestrated, token: Callable[[], str]) -> None:
        self._home = home
        self._by = by
        self._token = token
        # Where the other way has its files too, so that a disk that is full is full for both.
        self._folder = home / "data" / "bare"

    def prepare(self) -> None:
        """Let the orchestrator choose and render, and make Terraform's folder of that."""
        planned = self._by.start("plan")
        if planned.process.wait(timeout=120) != 0:
            raise RuntimeError(f"nothing to compare with: {planned.said[-2000:]}")
        rendered = self._by.folder()
        self._folder.mkdir(parents=True)
        shutil.copytree(rendered / "modules", self._folder / "modules")
        for name in ("main.tf", "terraform.tfvars.json", ".terraform.lock.hcl"):
            shutil.copyfile(rendered / name, self._folder / name)
        started = self._terraform("init", "-input=false")
        if started.process.wait(timeout=120) != 0:
            raise RuntimeError(f"terraform init: {started.said[-2000:]}")

    def start(self, verb: str) -> Started:
        """Start a run of a verb."""
        return self._terraform(
            "destroy" if verb == "destroy" else "apply", "-auto-approve", "-input=false", "-json"
        )

    def folder(self) -> Path:
        """Where Terraform works."""
        return self._folder

    def steps(self, verb: str, run: Started) -> int | None:
        """Return how many things Terraform has begun or ended, None before it begins."""
        return _count_steps(run.said) or None

    def is_done(self, verb: str, run: Started) -> bool:
        """Tell whether a run did what it was asked for."""
        return run.process.returncode == 0

    def machines(self) -> set[str] | None:
        """Return None: what comes after Terraform is not part of it."""
        return None

    def _terraform(self, verb: str, *options: str) -> Started:
        cache = Folders.under(self._home).cache
        own = {
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_CONFIG_FILE": str(provider.provider_of(cache).cli_config),
            "OS_ALLOW_REAUTH": "false",
            "OS_TOKEN": self._token() if verb != "init" else "",
        }
        program = provider.find_terraform(cache, env=os.environ)
        assert program is not None, "make install brings Terraform"
        env = child_environment(os.environ, own)
        argv = [str(program), verb, *options]
        return _start(argv, env=env, cwd=self._folder, home=self._home, verb=verb)


def _count_steps(said: str) -> int:
    return len(_STEP.findall(said))


def _start(argv: list[str], *, env: Mapping[str, str], cwd: Path, home: Path, verb: str) -> Started:
    folder = home / "said"
    folder.mkdir(exist_ok=True)
    output = folder / f"{len(list(folder.iterdir())) + 1:02d}-{verb}"
    with output.open("wb") as file:
        process = subprocess.Popen(
            argv, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    return Started(process=process, output=output)


def kill_terraform(folder: Path) -> None:
    """Kill Terraform and its provider in one deployment's folder, and nobody else's."""
    for one in leftovers.find(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)


def known(folder: Path) -> set[Thing] | None:
    """Return what the state knows, by kind and id; None where it is no state."""
    try:
        state = json.loads((folder / "terraform.tfstate").read_bytes())
    except (OSError, ValueError):
        return None
    return {
        (_KINDS[resource["type"]], str(instance["attributes"]["id"]))
        for resource in state["resources"]
        for instance in resource["instances"]
        if resource["type"] in _KINDS
    }
