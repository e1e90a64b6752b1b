"""What the trials of a run share: the image, a project and a proxy for each lane; and their homes."""

from __future__ import annotations

import json
import queue
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.paths import SANDBOX, Folders
from tests.faults import site
from tests.faults.fault import Fault
from tests.faults.proxy import Proxy
from tests.faults.site import Project
from tests.faults.trial import Result, Trial
from tests.faults.ways import ROOT, Bare, Orchestrated

# A project for each lane, and no other test's machines are there at the same time.
LANES = ("visible.sandbox", "expired.sandbox")
# What went wrong in a trial is kept here, to be looked at.
KEPT = ROOT / ".cache" / "faults"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where trials take place, one after the other."""

    folder: Path
    project: Project
    proxy: Proxy
    planted: str = ""

    def trial(self, fault: Fault) -> Result:
        """Run the trial of a fault."""
        return self._run(fault, bare=False)

    def bare(self, fault: Fault) -> Result | None:
        """Run it with Terraform alone; None where there is nothing to compare with."""
        return self._run(fault, bare=True) if fault.verb in Bare.verbs else None

    def _run(self, fault: Fault, *, bare: bool) -> Result:
        home = self._home(fault, bare=bare)
        name = f"t{fault.seed}"
        orchestrated = Orchestrated(home, deployment=name, vo=self.project.vo, planted=self.planted)
        way = Bare(home, by=orchestrated, token=self._token) if bare else orchestrated
        trial = Trial(fault, way, home=home, project=self.project, proxy=self.proxy)
        result = trial.run()
        if result.problems and not bare:
            self._keep(home)
        shutil.rmtree(home)
        return result

    def _token(self) -> str:
        return site.operator(self.project.vo).token

    def _home(self, fault: Fault, *, bare: bool) -> Path:
        """Make a home with the provider of this machine, the trials' use case, and their way to the site."""
        home = Path(tempfile.mkdtemp(dir=self.folder, prefix=f"{fault.seed}-"))
        (home / "cache").symlink_to(Folders.default().cache)
        shutil.copytree(Path(__file__).with_name("usecases"), home / "config" / "usecases")
        if fault.kind == "api":
            (home / "config" / "sites").mkdir()
            through = {
                "gocdb": "SANDBOX",
                "endpoint": f"{self.proxy.url('identity')}/v3",
                "ca_bundle": str(self.proxy.bundle),
            }
            (home / "config" / "sites" / "SANDBOX.yaml").write_text(json.dumps(through))
        return home

    def _keep(self, home: Path) -> None:
        target = KEPT / home.name
        KEPT.mkdir(parents=True, exist_ok=True)
        shutil.copytree(home, target, symlinks=True, ignore=shutil.ignore_patterns(".terraform"))


@dataclass(frozen=True, kw_only=True)
class Run:
    """Trials side by side, each lane in a project of its own."""

    lanes: queue.Queue[Ground]
    pool: ThreadPoolExecutor

    def submit(self, fault: Fault, *, bare: bool = False) -> Future[tuple[Result, ...]]:
        """Have a trial run as soon as a lane is free, with Terraform alone too if asked."""
        return self.pool.submit(self._take, fault, bare)

    def _take(self, fault: Fault, bare: bool) -> tuple[Result, ...]:
        lane = self.lanes.get()
        try:
            beside = lane.bare(fault) if bare else None
            return (lane.trial(fault), *([beside] if beside else ()))
        finally:
            self.lanes.put(lane)


@contextmanager
def prepared(planted: str = "") -> Iterator[Run]:
    """Prepare the sandbox for trials, and leave it as it was."""
    with ExitStack() as stack:
        admin = stack.enter_context(closing(site.administrator()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orc-faults-")))
        site.prepare(admin, folder)
        stack.callback(site.clean, admin)
        lanes: queue.Queue[Ground] = queue.Queue()
        for vo in LANES:
            (folder / vo).mkdir()
            proxy = Proxy(site.SERVICES, ca=SANDBOX / "ca.pem", folder=folder / vo)
            lanes.put(
                Ground(
                    folder=folder / vo,
                    project=Project(stack.enter_context(closing(site.administrator())), vo),
                    proxy=stack.enter_context(proxy),
                    planted=planted,
                )
            )
        pool = ThreadPoolExecutor(len(LANES))
        # Also when the run is stopped: what is under way is ended and cleared away first.
        stack.callback(pool.shutdown, cancel_futures=True)
        yield Run(lanes=lanes, pool=pool)
