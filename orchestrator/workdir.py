"""The folder of one deployment: its code, values, state and keys, for its owner alone."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator import paths
from orchestrator.errors import DeploymentFailedError, SetupError
from orchestrator.rendering import literal

PLAN_FILE = "plan.tfplan"
# What a plan takes back into the state; there for that one plan only.
EXTRAS_FILE = "extras"
IMPORTS_FILE = "imports.tf.json"
_KEPT_STATES = 20
_NUMBERED = re.compile(r"(\d{4,})[.-]")


class StateLostError(DeploymentFailedError):
    """The state does not tell what exists; only the site does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMark:
    """What tells one state from another: whose it is, how old, and how much it knows."""

    lineage: str
    serial: int
    resources: int


@dataclass(frozen=True, slots=True)
class Workdir:
    """Where everything of one deployment lies, below a folder of mode 0700."""

    path: Path

    @property
    def main(self) -> Path:
        """The root module."""
        return self.path / "main.tf"

    @property
    def variables(self) -> Path:
        """Every value that Terraform is given."""
        return self.path / "terraform.tfvars.json"

    @property
    def state(self) -> Path:
        """The state that Terraform writes."""
        return self.path / "terraform.tfstate"

    @property
    def plan_file(self) -> Path:
        """The saved plan."""
        return self.path / PLAN_FILE

    @property
    def private_key(self) -> Path:
        """The deployment's own key; the public one lies beside it."""
        return self.path / "ssh" / "id_ed25519"

    @property
    def public_key(self) -> Path:
        """The public half of the deployment's key."""
        return self.path / "ssh" / "id_ed25519.pub"

    @property
    def known_hosts(self) -> Path:
        """The host keys of the nodes."""
        return self.path / "ssh" / "known_hosts"

    @property
    def runs(self) -> Path:
        """What each run wrote, numbered."""
        return self.path / "runs"

    @property
    def secrets(self) -> Path:
        """Files with secrets, 0600."""
        return self.path / "secrets"

    @property
    def use_case(self) -> Path:
        """The use case that the deployment was made with, its roles below it."""
        return self.path / "usecase"

    def create(self) -> None:
        """Make the folder and its parts; what is there stays."""
        with told("make", self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            for part in ("ssh", "secrets", "runs", "states"):
                (self.path / part).mkdir(mode=0o700, exist_ok=True)

    def write_code(self, *, main: str, lock_file: Path, modules: Path | None = None) -> None:
        """Write main.tf, the modules and the provider's lock, once.

        A deployment is changed and destroyed by the code that made it, also after the
        orchestrator was updated: what is there already stays.
        """
        target = self.path / "modules"
        if not target.exists():
            _copy_tree(modules or paths.TERRAFORM_MODULES, target)
        if not self.main.exists():
            write_atomically(self.main, main)
        # The lock belongs to the provider of this machine, which may have been built anew.
        write_atomically(self.path / ".terraform.lock.hcl", lock_file.read_text())

    def write_end(self, main: str) -> None:
        """Replace main.tf by the one that describes the end: from then on all is only ever removed."""
        write_atomically(self.main, main)

    def write_variables(self, values: Mapping[str, Any]) -> None:
        """Write terraform.tfvars.json."""
        write_atomically(self.variables, json.dumps(values, indent=2, ensure_ascii=False) + "\n")

    def write_imports(self, imports: Mapping[str, str]) -> None:
        """Write which resources the next plan takes back, ids by address; none removes the file."""
        file = self.path / IMPORTS_FILE
        if not imports:
            file.unlink(missing_ok=True)
            return
        # Ids come from the site, and a text in Terraform's JSON is a template.
        blocks = [{"to": place, "id": literal(found)} for place, found in sorted(imports.items())]
        write_atomically(file, json.dumps({"import": blocks}, indent=2) + "\n")

    def extras(self) -> frozenset[str]:
        """Return the extras that the nodes may have something of."""
        file = self.path / EXTRAS_FILE
        return (
            frozenset(file.read_text(encoding="ascii").split()) if file.is_file() else frozenset()
        )

    def note_extras(self, names: Iterable[str]) -> None:
        """Note which extras the nodes may have something of."""
        noted = frozenset(names)
        if noted != self.extras():
            write_atomically(self.path / EXTRAS_FILE, " ".join(sorted(noted)))

    def require_key(self, name: str) -> None:
        """Say so when the deployment was taken over from a listing: its key stayed where it was made."""
        if not self.private_key.is_file():
            raise DeploymentFailedError(
                f"the key of {name} is not on this machine, so its nodes cannot be logged in to",
                facts={"its place here": str(self.private_key)},
                way_out=[
                    "copy it there from the machine that made it, or go on from that machine",
                    f"orchestrator status {name} and make destroy NAME={name} work without it",
                ],
            )

    @property
    def has_plan(self) -> bool:
        """Whether a plan is saved."""
        return self.plan_file.is_file()

    def next_run(self, *words: str, suffix: str = "jsonl") -> Path:
        """Return a new file runs/NNNN-word-word.suffix, made already so that nobody takes it."""
        self.runs.mkdir(mode=0o700, exist_ok=True)
        number = _next_number(self.runs)
        while True:
            path = self.runs / f"{number:04d}-{'-'.join(words)}.{suffix}"
            with told("write", path), contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                return path
            number += 1

    def check_state(self, *, expected: bool = False) -> StateMark | None:
        """Return the mark of the state, None where there is none yet.

        Raises StateLostError when it is empty, broken, of another lineage or older than
        the last copy, and when there is none although one is ``expected``: Terraform would
        read all of these as "nothing exists" and build everything again.
        """
        kept = self._last_kept()
        mark = read_mark(self.state)
        if mark is None and (kept or expected):
            raise _lost(self.state, "is missing")
        if mark and kept and mark.lineage != kept.lineage:
            raise _lost(self.state, "belongs to another deployment")
        if mark and kept and mark.serial < kept.serial:
            raise _lost(
                self.state, f"is older (serial {mark.serial}) than its copy ({kept.serial})"
            )
        return mark

    def keep_state(self) -> Path | None:
        """Copy a sound state to a new number, by copy and rename; None where there is nothing new.

        An unsound one is told by ``check_state`` before the next plan, not here, where it
        would hide the error of the run.
        """
        try:
            mark = self.check_state()
        except StateLostError:
            return None
        if mark is None or mark == self._last_kept():
            return None
        target = self._states / f"{_next_number(self._states):04d}.tfstate"
        write_atomically(target, self.state.read_text())
        for old in sorted(self._states.glob("*.tfstate"))[:-_KEPT_STATES]:
            old.unlink()
        return target

    def set_state_aside(self) -> Path | None:
        """Move an unusable state away, so that a new one can be made from the site's listing.

        Its copies no longer count either: the new one is of another lineage.
        """
        for copy in self._states.glob("*.tfstate"):
            os.replace(copy, copy.with_suffix(".superseded.json"))
        if not self.state.exists():
            return None
        aside = self._states / f"{_next_number(self._states):04d}-unusable.json"
        os.replace(self.state, aside)
        return aside

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        with contextlib.suppress(FileNotFoundError), told("remove", self.path):
            shutil.rmtree(self.path)

    @property
    def _states(self) -> Path:
        return self.path / "states"

    def _last_kept(self) -> StateMark | None:
        copies = sorted(self._states.glob("*.tfstate"))
        return read_mark(copies[-1]) if copies else None


def read_mark(state: Path) -> StateMark | None:
    """Return what a state says of itself, None for no file; StateLostError when it is not one."""
    try:
        content = json.loads(state.read_bytes())
        return StateMark(
            lineage=str(content["lineage"]),
            serial=int(content["serial"]),
            resources=len(content["resources"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        cut = "is empty" if state.stat().st_size == 0 else "is cut off or not a state"
        raise _lost(state, cut) from error


def write_atomically(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part."""
    with told("write", path):
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _copy_tree(source: Path, target: Path) -> None:
    """Copy a folder so that it is there completely or not at all."""
    with told("write", target):
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            copied = temporary / target.name
            shutil.copytree(source, copied, ignore=shutil.ignore_patterns(".terraform*"))
            os.replace(copied, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _next_number(folder: Path) -> int:
    matches = (_NUMBERED.match(path.name) for path in folder.iterdir())
    return max((int(match[1]) for match in matches if match), default=0) + 1


def _lost(state: Path, what: str) -> StateLostError:
    return StateLostError(
        f"the state {what}, so it does not tell what exists at the site",
        facts={"state": str(state)},
    )


@contextlib.contextmanager
def told(verb: str, path: Path) -> Iterator[None]:
    """Say what a disk that is full or read-only means here."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        raise SetupError(
            f"cannot {verb} {path}: {error.strerror}",
            way_out=["make room or set the rights, then run the same command again"],
        ) from error
