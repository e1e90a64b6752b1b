"""What the trials of a run share: the image, a project and a proxy for each lane; and their homes."""

from __future__ import annotations

import json
import queue
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.paths import SANDBOX, Folders
from tests.faults import site
from tests.faults.fault import Fault
from tests.faults.proxy import Proxy
from tests.faults.site import Project
from tests.faults.trial import Place, Result, Trial
from tests.faults.ways import ROOT, Bare, Orchestrated

# A project for each lane, and no other test's machines are there at the same time.
LANES = ("visible.sandbox", "expired.sandbox")
# Where nothing else is at work, a third has what the two leave of two cores.
ALONE = (*LANES, "bastion.sandbox")
# What went wrong in a trial is kept here, to be looked at.
KEPT = ROOT / ".cache" / "faults"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where trials take place, one after the other."""

    folder: Path
    project: Project
    proxy: Proxy
    planted: str = ""

    def run(self, chain: Sequence[Fault]) -> Iterator[Result]:
        """Run trials one after the other in one deployment, each from what the one before has left."""
        home, name = self._home(chain[0]), f"t{chain[0].seed}"
        place = Place(home=home, name=name, project=self.project, proxy=self.proxy)
        way = self._orchestrated(place)
        for number, fault in enumerate(chain):
            before, rest = chain[:number], chain[number + 1 :]
            result = Trial(fault, way, place, after=before, stays=bool(rest)).run()
            yield result
            if result.problems:
                self._keep(home)
                break
        shutil.rmtree(home)
        if rest:
            yield from self.run(rest)

    def bare(self, fault: Fault) -> Result | None:
        """Run a trial with Terraform alone; None where there is nothing to compare with."""
        if fault.verb not in Bare.verbs:
            return None
        home = self._home(fault)
        place = Place(home=home, name=f"t{fault.seed}", project=self.project, proxy=self.proxy)
        way = Bare(home, by=self._orchestrated(place), token=self._token)
        result = Trial(fault, way, place).run()
        shutil.rmtree(home)
        return result

    def _orchestrated(self, place: Place) -> Orchestrated:
        vo = self.project.vo
        return Orchestrated(place.home, deployment=place.name, vo=vo, planted=self.planted)

    def _token(self) -> str:
        return site.operator(self.project.vo).token

    def _home(self, fault: Fault) -> Path:
        """Make a home for the trials of a chain, with their way to the site."""
        home = new_home(Path(tempfile.mkdtemp(dir=self.folder, prefix=f"{fault.seed}-")))
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


def new_home(folder: Path) -> Path:
    """Put the trials' use case and this machine's provider into a folder that is somebody's home."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cache").symlink_to(Folders.default().cache)
    shutil.copytree(Path(__file__).with_name("usecases"), folder / "config" / "usecases")
    return folder


Trials = dict[Fault, Future[tuple[Result, ...]]]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Trials side by side, each lane in a project of its own."""

    lanes: queue.Queue[Ground]
    pool: ThreadPoolExecutor

    def submit(self, chain: Sequence[Fault], *, bare: bool = False) -> Trials:
        """Have a chain of trials run as soon as a lane is free, with Terraform alone too if asked."""
        trials: Trials = {fault: Future() for fault in chain}
        self.pool.submit(self._take, trials, bare)
        return trials

    def _take(self, trials: Trials, bare: bool) -> None:
        lane = self.lanes.get()
        try:
            ours = lane.run(tuple(trials))
            # Not before the chain's deployment is gone: the project's listing is one way's alone.
            for result in list(ours) if bare else ours:
                beside = lane.bare(result.fault) if bare else None
                trials[result.fault].set_result((result, *([beside] if beside else ())))
        except BaseException as error:
            for one in trials.values():
                if not one.done():
                    one.set_exception(error)
            raise
        finally:
            self.lanes.put(lane)


@contextmanager
def prepared(planted: str = "", *, lanes: Sequence[str] = LANES) -> Iterator[Run]:
    """Prepare the sandbox for trials in these VOs' projects, and leave it as it was."""
    with ExitStack() as stack:
        admin = stack.enter_context(closing(site.administrator()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orc-faults-")))
        site.prepare(admin, folder)
        stack.callback(site.clean, admin)
        free: queue.Queue[Ground] = queue.Queue()
        for vo in lanes:
            (folder / vo).mkdir()
            proxy = Proxy(site.SERVICES, ca=SANDBOX / "ca.pem", folder=folder / vo)
            free.put(
                Ground(
                    folder=folder / vo,
                    project=Project(stack.enter_context(closing(site.administrator())), vo),
                    proxy=stack.enter_context(proxy),
                    planted=planted,
                )
            )
        pool = ThreadPoolExecutor(len(lanes))
        # Also when the run is stopped: what is under way is ended and cleared away first.
        stack.callback(pool.shutdown, cancel_futures=True)
        yield Run(lanes=free, pool=pool)
