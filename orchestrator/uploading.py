"""Files of parameters on their way to the first node: compared by checksum, continued, never half there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from orchestrator.errors import DeploymentFailedError, InterruptedRunError, RequestError
from orchestrator.fetching import checksum, in_words
from orchestrator.model import UseCase
from orchestrator.workdir import Workdir, write_atomically

INPUTS = "/srv/inputs"
_CHUNK = 1 << 20
_SPARE = 256 << 20
_FILE = "uploads.json"


class Taker(Protocol):
    """What takes a file on a node, and says whether its checksum is right."""

    def write(self, piece: bytes) -> None:
        """Take a piece."""
        ...

    def answer(self) -> Mapping[str, Any]:
        """Say how it went."""
        ...


class Target(Protocol):
    """A node's files, as drivers.transfer gives them."""

    def ask(self, path: str, sha256: str) -> Mapping[str, Any]:
        """Return whether a file is complete, how much of it is there, and the room."""
        ...

    def putting(
        self, path: str, sha256: str, *, offset: int, length: int
    ) -> AbstractContextManager[Taker]:
        """Give what takes the rest of a file."""
        ...


def files_given(use_case: UseCase, parameters: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files that a person gave, by parameter."""
    names = [one.name for one in use_case.parameters if one.type == "file"]
    return {name: Path(parameters[name]) for name in names if parameters.get(name)}


def remote_path(parameter: str, file: Path) -> str:
    """Return where a file is on the node."""
    return f"{INPUTS}/{parameter}/{file.name}"


def upload(
    target: Target,
    workdir: Workdir,
    files: Mapping[str, Path],
    *,
    stop: threading.Event,
    on_progress: Callable[[str], None],
) -> None:
    """Bring each file to the node unless it is there already.

    One that is on the node may be gone from here; RequestError when it is in neither place.
    """
    known = _known(workdir)
    for parameter, file in files.items():
        remote = remote_path(parameter, file)
        if not file.is_file():
            earlier = known.get(parameter, {}).get("sha256")
            if earlier is None or not target.ask(remote, earlier)["complete"]:
                raise _gone(parameter, file)
            continue
        mark = mark_of(file)
        on_progress(f"{file.name}: its checksum is being made")
        sha256 = checksum(file)
        _bring(target, file, remote, sha256, stop=stop, on_progress=on_progress)
        known[parameter] = {"mark": mark, "sha256": sha256}
        write_atomically(workdir.path / _FILE, json.dumps(known))


def marks(workdir: Workdir, files: Mapping[str, Path]) -> dict[str, Any]:
    """Return what tells a changed file: its size and time here, else those it had when it was taken."""
    known = _known(workdir)
    return {
        name: mark_of(file) if file.is_file() else known.get(name, {}).get("mark")
        for name, file in files.items()
    }


def mark_of(file: Path) -> list[int]:
    """Return what changes with a file."""
    found = file.stat()
    return [found.st_size, found.st_mtime_ns]


def _known(workdir: Workdir) -> dict[str, Any]:
    path = workdir.path / _FILE
    known: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return known


def _bring(
    target: Target,
    file: Path,
    remote: str,
    sha256: str,
    *,
    stop: threading.Event,
    on_progress: Callable[[str], None],
) -> None:
    size = file.stat().st_size
    for _attempt in range(2):
        there = target.ask(remote, sha256)
        if there["complete"]:
            return
        offset = min(int(there["have"]), size)
        _require_room(file, size - offset, int(there["free"]))
        if _put(target, file, remote, sha256, offset, stop=stop, on_progress=on_progress):
            return
    raise DeploymentFailedError(
        f"{file} came twice with another checksum to the node: is something writing it?"
    )


def _put(
    target: Target,
    file: Path,
    remote: str,
    sha256: str,
    offset: int,
    *,
    stop: threading.Event,
    on_progress: Callable[[str], None],
) -> bool:
    size = file.stat().st_size
    with (
        file.open("rb") as opened,
        target.putting(remote, sha256, offset=offset, length=size - offset) as taker,
    ):
        opened.seek(offset)
        done = offset
        while piece := opened.read(min(_CHUNK, size - done)):
            if stop.is_set():
                raise InterruptedRunError(f"stopped while {file.name} was on its way to the node")
            taker.write(piece)
            done += len(piece)
            on_progress(f"{file.name}: {in_words(done)} of {in_words(size)}")
        return bool(taker.answer().get("right"))


def _require_room(file: Path, needed: int, free: int) -> None:
    if needed + _SPARE > free:
        raise DeploymentFailedError(
            f"there is no room for {file.name} on the node",
            facts={"needed": in_words(needed), "free": in_words(free)},
            way_out=["deploy with a larger disk or a volume"],
        )


def _gone(parameter: str, file: Path) -> RequestError:
    return RequestError(
        f"the file of the parameter {parameter} is not there any more",
        facts={"file": str(file)},
        way_out=[f"--param {parameter}=FILE"],
    )
