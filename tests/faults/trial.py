"""One trial: a run goes wrong as its seed says, and the next run has to put it right."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from openstack.exceptions import SDKException

from tests.faults.damage import Disk, damage
from tests.faults.fault import Fault
from tests.faults.proxy import Proxy
from tests.faults.site import WANTED, Project, Thing
from tests.faults.ways import Started, Way, kill_terraform, known

_LONGEST = 400.0
_TICK = 0.05
# A bare Terraform may need more than one run to let go of things; ours gets one.
_RUNS = {"orchestrator": 1, "terraform": 3}


@dataclass(slots=True, kw_only=True)
class Result:
    """How a trial ended."""

    fault: Fault
    way: str
    struck: bool = False  # whether the fault hit a run that was at work
    given: dict[str, int] = field(default_factory=dict)  # by the proxy
    error: str = ""  # the kind that the run which went wrong ended with; empty where it did well
    after: tuple[int, ...] = ()  # the seeds of the trials that came before in the same deployment
    left: int = 0  # resources at the site when the run had gone wrong
    unknown: int = 0  # of those at the site in the end, the state does not know so many
    surplus: int = 0  # so many more than were wanted
    missing: int = 0  # so many fewer
    runs: int = 0  # until it was right
    seconds: float = 0.0
    seconds_right: float = 0.0  # of these, until it was right again
    problems: list[str] = field(default_factory=list)

    @property
    def as_value(self) -> dict[str, object]:
        """The result as JSON keeps it."""
        value = asdict(self)
        value |= value.pop("fault")
        return dict(json.loads(json.dumps(value)))


class Place:
    """Where the trials of one deployment take place, and what was there before the first of them."""

    def __init__(self, *, home: Path, name: str, project: Project, proxy: Proxy) -> None:
        self.home = home
        self.name = name
        self.project = project
        self.proxy = proxy
        self._before = project.holds(name)

    def ours(self) -> set[Thing]:
        """List what of the project's is of this deployment."""
        return self.project.holds(self.name) - self._before


class Trial:
    """The steps of one trial: alone, or in the deployment that the trials of `after` have left right.

    What `stays` is left to the next one.
    """

    def __init__(
        self,
        fault: Fault,
        way: Way,
        place: Place,
        *,
        after: Sequence[Fault] = (),
        stays: bool = False,
    ) -> None:
        seeds = tuple(one.seed for one in after)
        self._result = Result(fault=fault, way=way.name, after=seeds)
        self._fault = fault
        self._way = way
        self._place = place
        self._follows = bool(after)
        self._stays = stays
        self._older: str | None = None
        self._disk: Disk | None = None

    def run(self) -> Result:
        """Do it, leave nothing behind that is not to stay, and return what happened."""
        started = time.monotonic()
        with ExitStack() as stack:
            stack.callback(self._clear)
            if self._fault.kind == "disk":
                self._disk = stack.enter_context(Disk(self._place.home / "data"))
            stack.callback(kill_terraform, self._place.home)
            try:
                self._steps()
            except subprocess.TimeoutExpired as error:
                self._result.problems.append(f"not ended after {error.timeout:.0f} s")
            except SDKException as error:
                # What comes after this trial does not depend on it.
                self._result.problems.append(f"the trial itself failed: {error}")
        self._result.seconds = round(time.monotonic() - started, 1)
        return self._result

    def _steps(self) -> None:
        verb = self._fault.verb
        if not self._follows:
            self._way.prepare()
            if verb != "deploy":
                self._must("deploy", runs=1)
        if self._result.problems:
            # There is nothing that could go wrong.
            return
        if verb != "deploy":
            self._prepare_verb()
        before = self._place.ours()
        _DISTURBING[self._fault.kind](self)
        self._result.left = len(self._place.ours())
        if verb != "recover":
            self._damage()
        began = time.monotonic()
        if verb == "destroy":
            self._require_nothing()
        else:
            self._put_right(before)
        self._result.seconds_right = round(time.monotonic() - began, 1)
        if verb != "destroy" and not self._stays:
            self._require_nothing()

    def _prepare_verb(self) -> None:
        """Make of the deployment what the fault's verb finds: one machine gone, a damaged state."""
        self._keep_state()
        if self._fault.verb == "redeploy":
            project = self._place.project
            project.remove_server(project.server(f"{self._place.name}-one"))
        if self._fault.verb == "recover":
            self._damage()

    # --- what goes wrong

    def kill(self) -> None:
        """Kill the victim at the fault's moment."""
        run = self._way.start(self._verb)
        if self._fault.victim != "nobody" and self._begins(run):
            time.sleep(self._fault.moment / 2)
            self._keep_state()
            time.sleep(self._fault.moment / 2)
            self._result.struck = run.process.poll() is None
            if self._fault.victim in ("orchestrator", "both") or self._way.name == "terraform":
                run.process.kill()
            if self._fault.victim in ("terraform", "both"):
                kill_terraform(self._way.folder())
        self._end(run)
        if self._fault.victim == "nobody":
            self._result.struck = True
            self._require_end(run)

    def disturb_disk(self) -> None:
        """Let the disk be full from a moment on, or read-only all the time."""
        assert self._disk is not None
        if self._fault.disk == "read-only":
            self._disk.set_writable(writable=False)
            run = self._way.start(self._verb)
            self._result.struck = True
            self._end(run)
            self._disk.set_writable(writable=True)
            return
        run = self._way.start(self._verb)
        if self._begins(run):
            time.sleep(self._fault.moment)
            self._result.struck = run.process.poll() is None
            self._disk.fill()
        self._end(run)
        # Terraform may be at work still, when the orchestrator has given up.
        self._disk.free()

    def disturb_api(self) -> None:
        """Let the site answer as the rules say."""
        self._place.proxy.obey(self._fault.rules)
        run = self._way.start(self._verb)
        try:
            self._end(run)
        finally:
            self._result.given = self._place.proxy.obey(())
            self._result.struck = bool(self._result.given)
        self._result.error = _error(run)

    @property
    def _verb(self) -> str:
        return "deploy" if self._fault.verb == "redeploy" else self._fault.verb

    def _begins(self, run: Started) -> bool:
        """Wait until a run has come to the fault's step; tell whether it ever does."""
        deadline = time.monotonic() + _LONGEST
        while run.process.poll() is None and time.monotonic() < deadline:
            steps = self._way.steps(self._verb, run)
            if steps is not None and steps >= self._fault.step:
                return True
            time.sleep(_TICK)
        return False

    def _end(self, run: Started) -> None:
        try:
            run.process.wait(timeout=_LONGEST)
        finally:
            if run.process.poll() is None:
                run.process.kill()
                run.process.wait()
        if "Traceback (most recent call last)" in run.said:
            self._result.problems.append(f"a bug: {run.said.splitlines()[-1][:300]}")

    def _keep_state(self) -> None:
        """Remember the state as it is, for one that is rolled back later."""
        state = self._way.folder() / "terraform.tfstate"
        if self._older is None and known(self._way.folder()) is not None:
            self._older = state.read_text()

    def _damage(self) -> None:
        damage(self._way.folder() / "terraform.tfstate", self._fault.damage, older=self._older)

    # --- how it is put right

    def _put_right(self, before: set[Thing]) -> None:
        """Deploy once more, and look whether that is all that was wanted, and nothing else."""
        self._must("deploy", runs=_RUNS[self._way.name])
        ours = self._place.ours()
        found = Counter(kind for kind, _ in ours)
        self._result.surplus = (found - WANTED).total()
        self._result.missing = (WANTED - found).total()
        self._result.unknown = len(ours - (known(self._way.folder()) or set()))
        if found != WANTED:
            self._result.problems.append(f"has {dict(found)}, wanted {dict(WANTED)}")
        if self._result.unknown:
            self._result.problems.append(f"the state does not know {self._result.unknown}")
        servers = {found for kind, found in ours if kind == "server"}
        if self._way.machines() not in (None, servers):
            self._result.problems.append("the record does not name the machines that there are")
        if self._fault.verb != "deploy" and (lost := before - ours):
            self._result.problems.append(f"made anew: {_told(lost)}")

    def _require_nothing(self) -> None:
        """Destroy once more, and look whether anything is left."""
        self._must("destroy", runs=_RUNS[self._way.name])
        if left := self._place.ours():
            self._result.unknown = max(self._result.unknown, len(left))
            self._result.problems.append(f"left at the end: {_told(left)}")

    def _must(self, verb: str, *, runs: int) -> None:
        """Run a verb, again so many times, until it says that it has done it."""
        for _ in range(runs):
            self._result.runs += 1
            run = self._way.start(verb)
            self._end(run)
            if self._way.is_done(verb, run):
                return
        self._result.problems.append(f"{verb} does not end well: {_last(run)}")

    def _require_end(self, run: Started) -> None:
        if not self._way.is_done(self._verb, run):
            self._result.problems.append(f"{self._verb} does not end well: {_last(run)}")

    def _clear(self) -> None:
        if self._result.problems or not self._stays:
            self._place.project.clear(self._place.ours)


_DISTURBING: dict[str, Callable[[Trial], None]] = {
    "kill": Trial.kill,
    "disk": Trial.disturb_disk,
    "api": Trial.disturb_api,
}


def _told(things: set[Thing]) -> str:
    return ", ".join(f"{kind} {found}" for kind, found in sorted(things))


def _error(run: Started) -> str:
    """Return the kind of error that a run of the orchestrator has ended with."""
    last = _last_line(run)
    return str(json.loads(last)["kind"]) if last.startswith('{"event": "error"') else ""


def _last(run: Started) -> str:
    return _last_line(run)[:600]


def _last_line(run: Started) -> str:
    lines: Sequence[str] = run.said.splitlines() or [f"nothing (code {run.process.returncode})"]
    return lines[-1]
