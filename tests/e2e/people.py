"""Somebody at a terminal, and what the administrator sees of what they do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from openstack.connection import Connection

from orchestrator.paths import SANDBOX, Folders

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).parent / "orchestrator"
PROJECT = "access"  # the project of vo.access.egi.eu at the sandbox
# What has one shape of network each: what deploys to them runs beside the other tests, see tests/conftest.py.
SHAPES = frozenset(
    f"{name}.sandbox" for name in ("routed", "direct", "jump", "v6", "two", "bastion")
)


def token_of(account: str) -> str:
    """A fresh Check-in token of one of the sandbox's accounts."""
    command = [str(SANDBOX / "bin" / "token"), account]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def site_file() -> dict[str, Any]:
    """What the sandbox's site file says now."""
    found: dict[str, Any] = yaml.safe_load((SANDBOX / "sites" / "SANDBOX.yaml").read_text())
    return found


@dataclass
class Person:
    """Somebody at a terminal: a home of their own, and the command."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def folders(self) -> Folders:
        return Folders.under(self.home)

    def env(self, **more: str) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("OS_", "OIDC_"))},
            "ORCHESTRATOR_HOME": str(self.home),
            **self.environment,
            **more,
        }

    def run(
        self, *arguments: str, code: int | None = 0, timeout: float = 900, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end and check its exit code."""
        done = subprocess.run(
            [str(COMMAND), *arguments],
            env=self.env(**env),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        shown = (
            f"orchestrator {' '.join(arguments)} -> {done.returncode}\n{done.stdout}{done.stderr}"
        )
        assert "Traceback" not in shown, shown
        assert code is None or done.returncode == code, shown
        return done

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start the command and leave it running."""
        return subprocess.Popen(
            [str(COMMAND), *arguments],
            env=self.env(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def show(self, name: str) -> dict[str, object]:
        """The record of a deployment as a program reads it."""
        value: dict[str, object] = json.loads(self.run("show", name, "--json").stdout)
        return value


def new_person(home: Path) -> Person:
    """Make a person whose cache is warm, as on a machine where `make install` has run."""
    home.mkdir(parents=True, exist_ok=True)
    cache = Folders.default().cache
    cache.mkdir(parents=True, exist_ok=True)
    (home / "cache").symlink_to(cache)
    shutil.copytree(ROOT / "tests" / "e2e" / "usecases", home / "config" / "usecases")
    return Person(home=home)


def project_of(admin: Connection, vo: str) -> str:
    """The id of the project that holds a VO's allocation."""
    (found,) = [one for one in admin.identity.projects() if _vo_of(one) == vo]
    return str(found.id)


def _vo_of(project: Any) -> str | None:
    found: str | None = project.to_dict().get("egi.VO")
    return found


def at_the_site(admin: Connection, vos: Collection[str] | None = None) -> set[str]:
    """Everything the administrator sees in the projects of these VOs, as kind and id.

    Without a list: of all VOs but those that the tests of the shapes have to themselves.
    """
    named = {one.id: _vo_of(one) for one in admin.identity.projects()}
    projects = {
        project
        for project, vo in named.items()
        if vo is not None and (vo in vos if vos is not None else vo not in SHAPES)
    }
    network = admin.network
    listings: dict[str, Sequence[object]] = {
        "server": list(admin.compute.servers(all_projects=True)),
        "port": list(network.ports()),
        "network": list(network.networks()),
        "subnet": list(network.subnets()),
        "router": list(network.routers()),
        "floating_ip": list(network.ips()),
        "security_group": [one for one in network.security_groups() if one.name != "default"],
        "volume": list(admin.block_storage.volumes(details=True, all_projects=True)),
    }
    return {
        f"{kind} {thing.id}"  # type: ignore[attr-defined]
        for kind, things in listings.items()
        for thing in things
        if thing.project_id in projects  # type: ignore[attr-defined]
    }
