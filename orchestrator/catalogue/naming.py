"""Which files speak of one site: by GOCDB name and endpoint, by file name, by alias."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from orchestrator.catalogue.endpoints import comparable
from orchestrator.catalogue.sitefile import ReadFile

Stacks = dict[str, list[ReadFile]]


def fold(name: str) -> str:
    """Return a name as it is compared when nothing fits exactly: letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def stack(layers: Sequence[Sequence[ReadFile]], *, aliases: Mapping[str, str]) -> Stacks:
    """Put the files of all layers, the strongest first, on the stacks of their sites.

    One GOCDB name can have two endpoints: the second goes by the name of its file.
    """
    stacks: Stacks = {}
    known = {alias.casefold(): name for alias, name in aliases.items()}
    for files in reversed(layers):
        taken: set[str] = set()
        for read in sorted(files, key=lambda one: _rank(one, stacks)):
            name = _name(read, stacks, taken, known)
            taken.add(name)
            stacks.setdefault(name, []).insert(0, read)
    return stacks


def _rank(read: ReadFile, stacks: Stacks) -> tuple[bool, bool, str]:
    # Those that cannot be mistaken choose their name first.
    return (not _same_endpoint(read, stacks), read.stem != read.gocdb, read.stem)


def _name(read: ReadFile, stacks: Stacks, taken: set[str], aliases: Mapping[str, str]) -> str:
    wanted = [
        *_same_endpoint(read, stacks),
        *_same_file(read, stacks),
        *_called(read.gocdb, stacks),
        *([] if read.site.endpoint else _called(aliases.get(read.gocdb.casefold(), ""), stacks)),
        *([] if _called(read.gocdb, stacks) else [read.gocdb]),
    ]
    return next((name for name in wanted if name not in taken), read.stem)


def _called(name: str, stacks: Iterable[str]) -> list[str]:
    return [one for one in stacks if one.casefold() == name.casefold()]


def _same_endpoint(read: ReadFile, stacks: Stacks) -> list[str]:
    if read.site.endpoint is None:
        return []
    endpoint = comparable(read.site.endpoint)
    return [
        name
        for name, files in stacks.items()
        if files[0].gocdb.casefold() == read.gocdb.casefold()
        and any(endpoint == comparable(one.site.endpoint) for one in files if one.site.endpoint)
    ]


def _same_file(read: ReadFile, stacks: Stacks) -> list[str]:
    """Return the sites whose name or file is this file's, unless it speaks of another site."""
    stem = read.stem.casefold()
    return [
        name
        for name, files in stacks.items()
        if (stem == name.casefold() or any(stem == one.stem.casefold() for one in files))
        and (read.site.gocdb is None or read.gocdb.casefold() == files[-1].gocdb.casefold())
    ]
