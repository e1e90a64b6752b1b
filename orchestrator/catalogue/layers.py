"""Layers of site files, laid over each other key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from orchestrator import paths
from orchestrator.catalogue import merging, naming, sitefile
from orchestrator.catalogue.sitefile import ReadFile
from orchestrator.model import Fact, Site


class Layer(Protocol):
    """Something that has site files."""

    def read(self, warnings: list[str]) -> list[ReadFile]:
        """Return its files; what is wrong with one goes to the warnings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFolder:
    """A folder of site files; only a trusted one may name a command to run."""

    path: Path
    trusted: bool
    source: str = ""  # whose list it is, and of when
    dated: datetime | None = None

    def read(self, warnings: list[str]) -> list[ReadFile]:
        """Return the files of the folder; one that does not exist is empty."""
        found = []
        for path in sorted(self.path.glob("*.y*ml")):
            try:
                read = sitefile.read(path)
            except ValueError as error:
                warnings.append(str(error))
                continue
            warnings.extend(read.warnings)
            found.append(read if self.trusted else self._believed(read, warnings))
        return found

    def _believed(self, read: ReadFile, warnings: list[str]) -> ReadFile:
        kept = replace(merging.without_commands(read, warnings), whole=True)
        if self.dated is None:
            return kept
        said = [("listed", read.gocdb), ("endpoint", read.site.endpoint or "")]
        vos = {vo.name: vo.auth.project_id or "" for vo in read.site.vos or ()}
        return replace(
            kept,
            facts=tuple(self._fact(what, value) for what, value in said),
            vo_facts={vo: (self._fact("listed", project),) for vo, project in vos.items()},
        )

    def _fact(self, what: str, value: str) -> Fact:
        return Fact(what=what, value=value, source=self.source, at=self.dated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A site with what its files say beyond the shared value."""

    site: Site
    gocdb: str
    other_names: tuple[str, ...]


def own_folders(config: Path) -> tuple[SiteFolder, ...]:
    """Return the folders over the official lists in order: the user's, the sandbox's."""
    return (
        SiteFolder(path=config / "sites", trusted=True),
        SiteFolder(path=paths.SANDBOX / "sites", trusted=True),
    )


def read_entries(
    layers: Sequence[Layer], *, aliases: Mapping[str, str] | None = None
) -> tuple[list[Entry], list[str]]:
    """Return every site and the warnings about files that cannot be used."""
    warnings: list[str] = []
    files = [layer.read(warnings) for layer in layers]
    stacks = naming.stack(files, aliases=aliases or {})
    entries = [_entry(name, stack, warnings) for name, stack in sorted(stacks.items())]
    return [entry for entry in entries if entry is not None], warnings


def _entry(name: str, stack: Sequence[ReadFile], warnings: list[str]) -> Entry | None:
    merged = merging.merge(stack)
    if merged.get("endpoint") is None:
        origin = merging.origin_of(stack)
        warnings.append(f"{origin}: {name} has no endpoint, so it is left out")
        return None
    return Entry(
        site=merging.site_of(name, stack, merged),
        gocdb=stack[0].gocdb,
        other_names=tuple(sorted({read.stem for read in stack} - {name})),
    )
