"""What the benches share that make machines without a system: the image, a home, and a project that is left clean."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from openstack.connection import Connection

from orchestrator.paths import Folders
from tests.faults import site
from tests.faults.site import Project, Thing
from tests.faults.ways import Orchestrated, Started, kill_terraform

# How long one run may take, where others run beside it.
LONGEST = 3600.0


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A home with the blank use case, and the project in which its deployments are made."""

    admin: Connection
    project: Project
    home: Path
    names: tuple[str, ...]
    before: frozenset[Thing]

    def begin(self, verb: str, name: str) -> Started:
        """Start a verb on the deployment of that name, as a process."""
        return Orchestrated(self.home, deployment=name, vo=self.project.vo).begin(verb)

    def folder(self) -> Path:
        """Where the only deployment has its files."""
        (found,) = (self.home / "data" / "deployments").iterdir()
        return found

    def left(self) -> set[Thing]:
        """List what the administrator sees of the deployments."""
        return self.project.holds(*self.names) - self.before

    def require_nothing_left(self) -> None:
        """Stop the bench where a destroy has left something at the site."""
        if left := self.left():
            raise SystemExit(f"left at the site after destroy: {sorted(left)}")


@contextmanager
def prepared(vo: str, *, names: tuple[str, ...], use_cases: Path) -> Iterator[Ground]:
    """Prepare the sandbox, and leave it as it was, whatever happens."""
    with ExitStack() as stack:
        admin = stack.enter_context(closing(site.administrator()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orc-bench-")))
        site.prepare(admin, folder)
        stack.callback(site.clean, admin)
        home = folder / "home"
        home.mkdir()
        (home / "cache").symlink_to(Folders.default().cache)
        shutil.copytree(use_cases, home / "config" / "usecases")
        project = Project(admin, vo)
        ground = Ground(
            admin=admin,
            project=project,
            home=home,
            names=names,
            before=frozenset(project.holds(*names)),
        )
        stack.callback(project.clear, ground.left)
        stack.callback(kill_terraform, home)
        yield ground


def require_good_end(verb: str, runs: Mapping[str, Started]) -> None:
    """Stop the bench with the last words of a run, of all by deployment, that has failed."""
    failed = {name: run for name, run in runs.items() if run.process.returncode != 0}
    for name, run in failed.items():
        raise SystemExit(
            f"{verb} failed for {len(failed)} of {len(runs)}, for {name} with code"
            f" {run.process.returncode}:\n{run.said[-2000:]}"
        )
