"""Folders of site files, laid over each other key by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator import paths
from orchestrator.catalogue import merging, sitefile
from orchestrator.catalogue.sitefile import ReadFile
from orchestrator.model import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFolder:
    """A folder of site files; only a trusted one may name a command to run."""

    path: Path
    trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A site with what its files say beyond the shared value."""

    site: Site
    gocdb: str
    other_names: tuple[str, ...]


def usual_folders(config: Path) -> tuple[SiteFolder, ...]:
    """Return the folders in order of precedence: the user's, the sandbox's, the shipped list."""
    return (
        SiteFolder(path=config / "sites", trusted=True),
        SiteFolder(path=paths.SANDBOX / "sites", trusted=True),
        SiteFolder(path=paths.TEMPLATES / "sites", trusted=False),
    )


def read_entries(folders: Sequence[SiteFolder]) -> tuple[list[Entry], list[str]]:
    """Return every site and the warnings about files that cannot be used."""
    warnings: list[str] = []
    stacks: dict[str, list[ReadFile]] = {}
    for folder in folders:
        for name, read in _named(_read_folder(folder, warnings)):
            stacks.setdefault(name, []).append(read)
    entries = [_entry(name, stack, warnings) for name, stack in sorted(stacks.items())]
    return [entry for entry in entries if entry is not None], warnings


def _read_folder(folder: SiteFolder, warnings: list[str]) -> list[ReadFile]:
    found = []
    for path in sorted(folder.path.glob("*.y*ml")):
        try:
            read = sitefile.read(path)
        except ValueError as error:
            warnings.append(str(error))
            continue
        warnings.extend(read.warnings)
        found.append(_believed(read, folder, warnings))
    return found


def _believed(read: ReadFile, folder: SiteFolder, warnings: list[str]) -> ReadFile:
    if folder.trusted:
        return read
    return replace(merging.without_commands(read, warnings), whole=True)


def _named(files: Sequence[ReadFile]) -> list[tuple[str, ReadFile]]:
    """Name each file's site; a second endpoint of one GOCDB name goes by its file's name."""
    taken: dict[str, ReadFile] = {}
    for read in sorted(files, key=lambda read: (read.path.stem != read.gocdb, read.path.stem)):
        name = read.gocdb if read.gocdb not in taken else read.path.stem
        taken[name] = read
    return list(taken.items())


def _entry(name: str, stack: Sequence[ReadFile], warnings: list[str]) -> Entry | None:
    merged = merging.merge(stack)
    if merged.get("endpoint") is None:
        origin = merging.origin_of(stack)
        warnings.append(f"{origin}: {name} has no endpoint, so it is left out")
        return None
    return Entry(
        site=merging.site_of(name, stack, merged),
        gocdb=stack[0].gocdb,
        other_names=tuple({read.path.stem for read in stack} - {name}),
    )
