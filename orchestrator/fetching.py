"""Results from a node: checked by their sums, continued where an earlier fetch ended, kept in their folder.

What a node says of its files is not believed: a name may try to lead out of the folder, a link
elsewhere, a size or a sum may be a lie.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from orchestrator.errors import DeploymentFailedError, SetupError
from orchestrator.workdir import told

PARTS = ".orchestrator-parts"
_CHUNK = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SPARE = 64 << 20  # room that is left free on the disk
_LONGEST_PART = 255


class Stream(Protocol):
    """What comes from a node."""

    def read(self, size: int) -> bytes:
        """Return so many bytes and never fewer."""
        ...


class Source(Protocol):
    """A node's files, as drivers.transfer gives them."""

    def listing(self, roots: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Return what is below some folders."""
        ...

    def stream(self, wanted: Sequence[tuple[str, int, int]]) -> AbstractContextManager[Stream]:
        """Give parts of files one behind the other: path, first byte, how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a fetch came to."""

    folder: Path
    files: int  # that are now here and right
    fetched: int  # of them fetched by this run
    bytes: int  # that this run fetched
    left_out: tuple[tuple[str, str], ...]  # name and why


@dataclass(slots=True, kw_only=True)
class _Wanted:
    """Content that is wanted, and every place here that is to have it."""

    remote: str
    size: int
    sha256: str
    places: list[Path] = field(default_factory=list)


OnProgress = Callable[[str], None]


def fetch(
    source: Source, roots: Sequence[str], folder: Path, *, on_progress: OnProgress = lambda _: None
) -> Fetched:
    """Fetch folders of a node into a folder here, each below its own last name.

    Raises SetupError when the disk is too small, DeploymentFailedError when the connection broke
    (the next fetch goes on from there) or a file's sum stays wrong.
    """
    left_out: list[tuple[str, str]] = []
    found = list(_believed(source, roots, folder, left_out, on_progress))
    missing = _missing(found)
    parts = folder / PARTS
    with told("write", folder):
        parts.mkdir(parents=True, exist_ok=True)
        _require_room(folder, parts, missing)
        fetched = _fetch_all(source, missing, parts, on_progress)
        shutil.rmtree(parts)
    return Fetched(
        folder=folder,
        files=sum(len(one.places) for one in found),
        fetched=sum(len(one.places) for one in missing),
        bytes=fetched,
        left_out=tuple(left_out),
    )


# --- what the node says, as far as it is believed


def _believed(
    source: Source,
    roots: Sequence[str],
    folder: Path,
    left_out: list[tuple[str, str]],
    on_progress: OnProgress,
) -> Iterable[_Wanted]:
    wanted: dict[tuple[str, int], _Wanted] = {}
    for number, said in enumerate(source.listing(roots), 1):
        root, name = said.get("root"), said.get("path")
        if not isinstance(root, str) or root not in roots or not isinstance(name, str):
            raise DeploymentFailedError("the node's list of its files is not as expected")
        why = _why_not(said, name) or _in_the_way(folder, _place(folder, root, name))
        if why:
            left_out.append((ascii(f"{root}/{name}")[1:-1], why))
            continue
        one = wanted.setdefault(
            (said["sha256"], said["size"]),
            _Wanted(remote=_remote(root, name), size=said["size"], sha256=said["sha256"]),
        )
        one.places.append(_place(folder, root, name))
        on_progress(f"{number} files looked at")
    return wanted.values()


def _why_not(said: Mapping[str, Any], name: str) -> str | None:
    """Say why a thing is left out, None when there is no reason to."""
    kinds = {"missing": "not there", "link": "a symbolic link", "other": "not a plain file"}
    if said.get("kind") != "file":
        return kinds.get(str(said.get("kind")), "of an unknown kind")
    if not _is_safe(name):
        return "its name is not safe here"
    size, sha256 = said.get("size"), said.get("sha256")
    if type(size) is not int or size < 0 or not _SHA256.fullmatch(str(sha256)):
        return "it has no size or checksum"
    return None


def _is_safe(name: str) -> bool:
    """Tell whether a name stays below its folder and can be shown."""
    if not name:  # the root itself is a file
        return True
    parts = name.split("/")
    return name.isprintable() and all(
        part not in ("", ".", "..") and len(os.fsencode(part)) <= _LONGEST_PART for part in parts
    )


def _place(folder: Path, root: str, name: str) -> Path:
    below = folder / PurePosixPath(root).name
    return below / name if name else below


def _remote(root: str, name: str) -> str:
    return f"{root}/{name}" if name else root


def _in_the_way(folder: Path, place: Path) -> str | None:
    """Say what stands where a file or one of its folders is to be; nothing is written through a link."""
    for parent in list(place.relative_to(folder).parents)[-2::-1]:
        there = folder / parent
        if there.is_symlink() or (there.exists() and not there.is_dir()):
            return f"{there} is in the way: it is no folder"
    if place.is_symlink() or (place.exists() and not place.is_file()):
        return f"{place} is in the way: it is no plain file"
    return None


# --- what is here already


def _missing(found: Iterable[_Wanted]) -> list[_Wanted]:
    """Return what is not here yet, with the places that lack it."""
    missing = []
    for one in found:
        places = [place for place in one.places if not _is_here(place, one)]
        if places:
            missing.append(
                _Wanted(remote=one.remote, size=one.size, sha256=one.sha256, places=places)
            )
    return missing


def _is_here(place: Path, one: _Wanted) -> bool:
    return place.is_file() and place.stat().st_size == one.size and checksum(place) == one.sha256


def checksum(file: Path) -> str:
    """Return the sha256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _require_room(folder: Path, parts: Path, missing: Sequence[_Wanted]) -> None:
    needed = sum(one.size * len(one.places) - _have(parts, one) for one in missing)
    free = shutil.disk_usage(folder).free
    if needed and needed + _SPARE > free:
        raise SetupError(
            f"there is no room for the results in {folder}",
            facts={"needed": in_words(needed), "free": in_words(free)},
            way_out=["make room, or name another folder"],
        )


# --- fetching


def _fetch_all(
    source: Source, missing: Sequence[_Wanted], parts: Path, on_progress: OnProgress
) -> int:
    fetched, todo = 0, list(missing)
    for _attempt in range(2):
        count, todo = _fetch_once(source, todo, parts, on_progress)
        fetched += count
        if not todo:
            return fetched
    raise DeploymentFailedError(
        f"{len(todo)} files came twice with another checksum than the node says",
        facts={"files": ", ".join(one.remote for one in todo[:5])},
        way_out=["is something still writing them? orchestrator status NAME"],
    )


def _fetch_once(
    source: Source, todo: Sequence[_Wanted], parts: Path, on_progress: OnProgress
) -> tuple[int, list[_Wanted]]:
    """Fetch all once; return how many bytes came, and what came wrong."""
    fetched, wrong = 0, list[_Wanted]()
    total = sum(one.size for one in todo)
    rest = [(one.remote, _have(parts, one), one.size - _have(parts, one)) for one in todo]
    done = total - sum(length for _, _, length in rest)

    def tell(size: int) -> None:
        nonlocal fetched
        fetched += size
        on_progress(f"{in_words(done + fetched)} of {in_words(total)} in {len(todo)} files")

    with source.stream(rest) as stream:
        for one, (_, _, length) in zip(todo, rest, strict=True):
            part = parts / one.sha256
            if _take(stream, part, length, tell) == one.sha256:
                _settle(part, one, parts.parent)
            else:
                part.unlink()
                wrong.append(one)
    return fetched, wrong


def _take(stream: Stream, part: Path, length: int, tell: Callable[[int], None]) -> str:
    """Add what comes to a part, and return the checksum of all of it."""
    with part.open("a+b") as file:
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256")
        while length:
            piece = stream.read(min(length, _CHUNK))
            file.write(piece)
            digest.update(piece)
            length -= len(piece)
            tell(len(piece))
    return digest.hexdigest()


def _settle(part: Path, one: _Wanted, folder: Path) -> None:
    """Put a whole file wherever it belongs."""
    for place in one.places:
        # The node may list a file where another one of it wants a folder.
        if why := _in_the_way(folder, place):
            raise DeploymentFailedError(f"the results cannot be kept: {why}")
    *others, last = one.places
    for place in others:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(part, place)
    last.parent.mkdir(parents=True, exist_ok=True)
    os.replace(part, last)


def _have(parts: Path, one: _Wanted) -> int:
    """Return how much of a file an earlier fetch has left; too much is nothing."""
    part = parts / one.sha256
    if not part.is_file():
        return 0
    if part.stat().st_size > one.size:
        part.unlink()
        return 0
    return part.stat().st_size


def in_words(size: int) -> str:
    """Return a number of bytes as a person reads it."""
    if size < 1000:
        return f"{size} bytes"
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1000:.1f} KB"
