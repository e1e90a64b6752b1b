"""Which sites there are, and which VO may use which of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from orchestrator import paths
from orchestrator.catalogue import refusals
from orchestrator.catalogue.layers import Entry, SiteFolder, read_entries, usual_folders
from orchestrator.errors import RequestError
from orchestrator.model import CHECK_IN, Share, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What is known about the shipped list as a whole."""

    dated: date
    aliases: Mapping[str, str]
    try_first: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Index:
        """Read the index beside the shipped site files."""
        content = yaml.safe_load(path.read_text())
        return cls(
            dated=content["date"],
            aliases=content["aliases"],
            try_first=tuple(content["try_first"]),
        )


class Catalogue:
    """All sites of all folders; a broken file costs a warning, never the others."""

    def __init__(self, entries: Iterable[Entry], *, index: Index, warnings: Iterable[str]) -> None:
        self._entries = {entry.site.name: entry for entry in entries}
        self._index = index
        self.warnings = tuple(warnings)
        self._names = self._lookup()

    @classmethod
    def load(cls, folders: Sequence[SiteFolder], *, index: Path | None = None) -> Catalogue:
        """Read the folders, the first of which has the last word on every key."""
        entries, warnings = read_entries(folders)
        return cls(
            entries,
            index=Index.read(index or paths.TEMPLATES / "sites.yaml"),
            warnings=warnings,
        )

    @classmethod
    def usual(cls, config: Path) -> Catalogue:
        """Read the user's folder, the sandbox's and the shipped list."""
        return cls.load(usual_folders(config))

    @property
    def dated(self) -> date:
        """The day of the shipped list."""
        return self._index.dated

    def find(self, name: str) -> Site:
        """Return the site of this name, file name or alias; case does not matter."""
        found = self._names.get(name.casefold())
        if found is not None:
            return self._entries[found].site
        if name.casefold().startswith("sandbox"):
            raise refusals.no_sandbox(name)
        near = difflib.get_close_matches(name.casefold(), list(self._names), n=3, cutoff=0.5)
        raise refusals.unknown_site(name, near=list(dict.fromkeys(self._names[n] for n in near)))

    def sites(self, vo: str | None = None) -> tuple[Site, ...]:
        """Return all sites by name, or those that serve one VO."""
        every = (self._entries[name].site for name in sorted(self._entries, key=str.casefold))
        return tuple(site for site in every if vo is None or site.share_of(vo))

    def vos(self) -> tuple[str, ...]:
        """Return every VO that some site serves."""
        return tuple(sorted({share.vo for site in self.sites() for share in site.shares}))

    def serving(self, vo: str) -> tuple[Site, ...]:
        """Return the sites that serve a VO; RequestError names near VOs where there is none."""
        found = self.sites(vo)
        if not found:
            raise refusals.nowhere_served(vo, known_vos=self.vos(), dated=self.dated)
        return found

    def share(
        self,
        site: Site,
        vo: str,
        *,
        asked_as: str | None = None,
        use_case: str | None = None,
        logged_in: bool = True,
    ) -> Share:
        """Return the VO's share of the site; the error names the sites that do serve the VO."""
        entry = self._entries[site.name]
        share = site.share_of(vo)
        if share is None:
            raise self._not_served(entry, vo, asked_as, use_case, logged_in)
        if site.auth != CHECK_IN:
            raise refusals.other_login(site, auth=site.auth)
        return share

    def _not_served(
        self, entry: Entry, vo: str, asked_as: str | None, use_case: str | None, logged_in: bool
    ) -> RequestError:
        return refusals.not_served(
            entry.site,
            vo,
            at=self._suggestions(entry, vo),
            known_vos=self.vos(),
            dated=self.dated,
            asked_as=asked_as,
            use_case=use_case,
            logged_in=logged_in,
        )

    def _suggestions(self, entry: Entry, vo: str) -> list[str]:
        # The other endpoint of the same name is what was meant, most likely.
        same = [s.name for s in self.sites(vo) if self._entries[s.name].gocdb == entry.gocdb]
        serving = [site.name for site in self.sites(vo)]
        first = [name for name in self._index.try_first if name in serving]
        return list(dict.fromkeys([*same, *first, *serving]))

    def _lookup(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for alias, name in self._index.aliases.items():
            if name in self._entries:
                names[alias.casefold()] = name
        for name, entry in self._entries.items():
            for other in (*entry.other_names, *entry.site.aliases):
                names[other.casefold()] = name
        # A site's own name beats every alias of another one.
        names.update({name.casefold(): name for name in self._entries})
        return names
