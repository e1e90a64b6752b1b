"""Which sites there are, and which VO may use which of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from orchestrator.catalogue import kept, naming, refusals
from orchestrator.catalogue.ages import Age, Copy, day
from orchestrator.catalogue.index import Index
from orchestrator.catalogue.layers import Entry, Layer, own_folders, read_entries
from orchestrator.catalogue.sources.known import TITLES
from orchestrator.catalogue.union import RefreshedList
from orchestrator.errors import RequestError
from orchestrator.model import CHECK_IN, Share, Site


class Catalogue:
    """All sites of all layers; a broken file costs a warning, never the others."""

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        index: Index,
        warnings: Iterable[str],
        age: Age | None = None,
    ) -> None:
        self._entries = {entry.site.name: entry for entry in entries}
        self._index = index
        self.age = age or Age(shipped=index.at)
        self.warnings = (*warnings, *_no_longer_listed(self.sites()))
        self._names = self._lookup()

    @classmethod
    def load(
        cls,
        layers: Sequence[Layer],
        *,
        index: Path | None = None,
        age: Age | None = None,
        warnings: Iterable[str] = (),
    ) -> Catalogue:
        """Read the layers, the first of which has the last word on every key."""
        read = Index.read(index) if index else Index.shipped()
        entries, found = read_entries(layers, aliases=read.aliases)
        return cls(entries, index=read, warnings=[*warnings, *found], age=age)

    @classmethod
    def usual(cls, config: Path, *, cache: Path | None = None) -> Catalogue:
        """Read the user's folder, the sandbox's, the refreshed list and the shipped one.

        The refreshed list lies in ``cache``; without it the shipped one is the only list.
        """
        index = Index.shipped()
        copies, wrong = kept.read(cache) if cache else ({}, None)
        warnings = [wrong] if wrong else []
        if cache is None or all(one.at < index.at for one in copies.values()):
            return cls.load([*own_folders(config), index.folder], warnings=warnings)
        listings = kept.in_force(copies, kept.shipped(index.folder, index.at))
        refreshed = RefreshedList(path=kept.path(cache), listings=listings)
        return cls.load(
            [*own_folders(config), refreshed, index.folder],
            age=_age(listings, index.at),
            warnings=warnings,
        )

    @property
    def dated(self) -> date:
        """The day of the shipped list."""
        return self._index.dated

    def find(self, name: str) -> Site:
        """Return the site of this name, file name or alias; case does not matter."""
        found = self._names.get(name.strip().casefold()) or self._but_for_signs(name)
        if found is not None:
            return self._entries[found].site
        if name.casefold().startswith("sandbox"):
            raise refusals.no_sandbox(name)
        raise refusals.unknown_site(name, near=self._near(name))

    def sites(self, vo: str | None = None) -> tuple[Site, ...]:
        """Return all sites by name, or those that serve one VO and are still listed somewhere."""
        every = (self._entries[name].site for name in sorted(self._entries, key=str.casefold))
        if vo is None:
            return tuple(every)
        return tuple(site for site in every if site.is_listed and site.share_of(vo))

    def vos(self) -> tuple[str, ...]:
        """Return every VO that some site serves."""
        listed = (site for site in self.sites() if site.is_listed)
        return tuple(sorted({share.vo for site in listed for share in site.shares}))

    def serving(self, vo: str) -> tuple[Site, ...]:
        """Return the sites that serve a VO; RequestError names near VOs where there is none."""
        found = self.sites(vo)
        if not found:
            raise refusals.nowhere_served(vo, known_vos=self.vos(), age=self.age.text())
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
            age=self.age.text(),
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

    def _but_for_signs(self, name: str) -> str | None:
        """Return the one site whose name differs in hyphens, dots and spaces alone."""
        folded = naming.fold(name)
        found = {site for known, site in self._names.items() if naming.fold(known) == folded}
        return found.pop() if len(found) == 1 else None

    def _near(self, name: str) -> list[str]:
        asked = name.strip().casefold()
        near = difflib.get_close_matches(asked, list(self._names), n=3, cutoff=0.5)
        # Part of a name is as good a guess as one with a letter wrong.
        near += [known for known in self._names if len(asked) > 2 and asked in known]
        return list(dict.fromkeys(self._names[known] for known in near))[:5]

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


def _age(listings: kept.Listings, shipped: datetime) -> Age:
    refreshed = max(one.at for one in listings.values())
    older = [
        Copy(title=TITLES[source], at=one.at)
        for source, one in listings.items()
        if day(one.at) != day(refreshed)
    ]
    return Age(shipped=shipped, refreshed=refreshed, older=older)


def _no_longer_listed(sites: Iterable[Site]) -> list[str]:
    found = []
    for site in sites:
        gone = [fact for fact in site.facts if fact.what == "no longer listed" and fact.at]
        if gone:
            by = " and ".join(f"{fact.source} (since {day(fact.at)})" for fact in gone if fact.at)
            still = [fact.source for fact in site.facts if fact.what == "listed"]
            told = f"; {', '.join(still)} still lists it" if still else ""
            found.append(f"{site.name} is no longer listed by {by}{told}")
    return found
