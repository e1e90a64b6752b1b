"""One trial: a run is killed at a random moment, its state damaged, and the next run has to put it right."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.site import WANTED, Project

ROOT = Path(__file__).resolve().parents[2]
_LONGEST = 300.0
_RUNS = 4  # a run may be refused while the site lets go of something; more is a failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong in a trial; all of it follows from the seed."""

    seed: int
    verb: str  # deploy, redeploy, destroy
    victim: str  # orchestrator, terraform, both
    moment: float  # seconds after the site is first changed
    damage: str  # to the state, afterwards

    @classmethod
    def of(cls, seed: int) -> Fault:
        """Return the fault of a seed."""
        dice = random.Random(seed)
        return cls(
            seed=seed,
            verb=dice.choice(("deploy", "deploy", "redeploy", "destroy")),
            victim=dice.choice(("orchestrator", "terraform", "both")),
            moment=dice.uniform(0.0, 14.0),
            damage=dice.choice(("none", "none", "emptied", "truncated", "deleted", "rolled back")),
        )


@dataclass(slots=True, kw_only=True)
class Result:
    """How a trial ended."""

    fault: Fault
    killed: bool = False
    left: int = 0  # resources at the site when the run had been killed
    runs: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


class Trial:
    """The steps of one trial, in a home of its own."""

    def __init__(self, fault: Fault, *, home: Path, project: Project) -> None:
        self._result = Result(fault=fault)
        self._fault = fault
        self._home = home
        self._project = project
        self._name = f"t{fault.seed}"
        self._before = project.holds()

    def run(self) -> Result:
        """Do it, leave nothing behind, and return what happened."""
        started = time.monotonic()
        verb = {"redeploy": "deploy"}.get(self._fault.verb, self._fault.verb)
        if self._fault.verb != "deploy":
            self._until_done("deploy")
        if self._fault.verb == "redeploy":
            self._project.remove_server(f"{self._name}-one")
        self._kill_in(verb)
        self._result.left = len(self._ours())
        self._damage()
        self._put_right(verb)
        self._until_done("destroy")
        if left := self._ours():
            self._result.problems.append(f"left at the end: {sorted(left)}")
        self._result.seconds = round(time.monotonic() - started, 1)
        return self._result

    def _put_right(self, verb: str) -> None:
        if verb == "destroy":
            return
        self._until_done("deploy")
        found = Counter(kind for kind, _ in self._ours())
        if found != WANTED:
            self._result.problems.append(f"has {dict(found)}, wanted {dict(WANTED)}")
        again = self._started("deploy")
        if '"changed": false' not in again.communicate(timeout=_LONGEST)[0]:
            self._result.problems.append("a further deploy had something to do")

    def _ours(self) -> set[tuple[str, str]]:
        return self._project.holds() - self._before

    def _until_done(self, verb: str) -> None:
        """Run a verb as a person would: again when it says that it can be resumed."""
        for _ in range(_RUNS):
            self._result.runs += 1
            process = self._started(verb)
            said, _ = process.communicate(timeout=_LONGEST)
            if process.returncode == 0 or "you have no deployment named" in said:
                return
        self._result.problems.append(f"{verb} does not end well: {said.splitlines()[-1][:600]}")

    def _kill_in(self, verb: str) -> None:
        """Start a run, and kill its victim some time after it has begun to change the site."""
        process = self._started(verb)
        phase = "destroy" if verb == "destroy" else "apply"
        if self._wait_for(process, f'"phase": "{phase}", "state": "started"'):
            time.sleep(self._fault.moment)
            self._result.killed = process.poll() is None
            self._kill(process)
        process.communicate(timeout=_LONGEST)
        _VICTIMS["settle"](self._folder())

    def _wait_for(self, process: subprocess.Popen[str], words: str) -> bool:
        assert process.stdout is not None
        return any(words in line for line in process.stdout)

    def _kill(self, process: subprocess.Popen[str]) -> None:
        folder = self._folder()
        if self._fault.victim in ("orchestrator", "both"):
            process.kill()
        if self._fault.victim in ("terraform", "both"):
            _VICTIMS["terraform"](folder)

    def _folder(self) -> Path:
        folders = list((self._home / "data" / "deployments").glob("*"))
        return folders[0] if folders else self._home

    def _damage(self) -> None:
        state = self._folder() / "terraform.tfstate"
        if state.exists():
            _DAMAGES[self._fault.damage](state)

    def _started(self, verb: str) -> subprocess.Popen[str]:
        words = ["-m", "tests.faults.running", str(self._home), verb, self._name]
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env={key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
        )


def _kill_terraform(folder: Path) -> None:
    """Kill Terraform and its provider in one deployment's folder, and nobody else's."""
    for pid in _at_work(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _settle(_folder: Path) -> None:
    """Leave what is still at work alone: the next run has to deal with it."""


def _at_work(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").resolve() == folder.resolve():
                found.append(int(entry.name))
    return found


_VICTIMS: dict[str, Callable[[Path], None]] = {"terraform": _kill_terraform, "settle": _settle}


def _roll_back(state: Path) -> None:
    """Put an older copy in the place of the state, where there is one."""
    copies = sorted((state.parent / "states").glob("*.tfstate"))
    if len(copies) > 1:
        state.write_text(copies[0].read_text())


def _truncate(state: Path) -> None:
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])


_DAMAGES: dict[str, Callable[[Path], object]] = {
    "none": lambda _state: None,
    "emptied": lambda state: state.write_text(""),
    "truncated": _truncate,
    "deleted": lambda state: state.unlink(),
    "rolled back": _roll_back,
}


def as_value(result: Result) -> dict[str, object]:
    """Return a result as JSON keeps it."""
    fault = {name: getattr(result.fault, name) for name in result.fault.__dataclass_fields__}
    rest = {name: getattr(result, name) for name in result.__dataclass_fields__ if name != "fault"}
    value: dict[str, object] = json.loads(json.dumps({**fault, **rest}))
    return value
