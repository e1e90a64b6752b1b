"""The lists of several sources as one: sites by GOCDB name and endpoint, each fact with its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator.catalogue.kept import Listings
from orchestrator.catalogue.sitefile import Auth, ReadFile, SiteFile, VoEntry
from orchestrator.catalogue.sources.known import GOCDB, TITLES
from orchestrator.catalogue.sources.listing import Key, Listed
from orchestrator.model import Fact


@dataclass(slots=True)
class United:
    """A site with all that the sources say of it."""

    site: Listed  # as the source that is believed first lists it
    vos: dict[str, dict[str, str]] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    vo_facts: dict[str, list[Fact]] = field(default_factory=dict)

    @property
    def is_listed(self) -> bool:
        """Tell whether a source lists it today."""
        return any(fact.what == "listed" for fact in self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshedList:
    """The layer between the shipped list and the folders of this machine."""

    path: Path
    listings: Listings

    def read(self, warnings: list[str]) -> list[ReadFile]:
        """Return one file for each site of any source, with EGI's keys and no others."""
        united = unite(self.listings)
        names = [one.site.name.casefold() for one in united]
        return [
            _file(one, self.path, alone=names.count(one.site.name.casefold()) == 1)
            for one in united
        ]


def unite(listings: Listings) -> list[United]:
    """Return the sites of all sources; GOCDB adds to them, and none of its own: it has no VOs."""
    found: dict[Key, United] = {}
    for source in TITLES:
        if source in listings and source != GOCDB:
            for site in listings[source].sites:
                _add(found, source, site)
    for source in TITLES:
        for gone in listings[source].gone if source in listings else ():
            fact = _fact("no longer listed", gone.site.name, source, gone.since)
            found.setdefault(gone.site.key, _united(gone.site)).facts.append(fact)
    if GOCDB in listings:
        _annotate(found.values(), listings[GOCDB].sites)
    return list(found.values())


def _add(found: dict[Key, United], source: str, site: Listed) -> None:
    one = found.setdefault(_key(found, site), United(site=site))
    one.facts += [
        _fact("listed", site.name, source, site.at),
        _fact("endpoint", site.endpoint, source, site.at),
    ]
    _add_vos(one, site)
    for vo in site.vos:
        fact = _fact("listed", vo.project_id or "", source, site.at)
        one.vo_facts.setdefault(vo.name, []).append(fact)


def _key(found: dict[Key, United], site: Listed) -> Key:
    # Two copies of one file, an older one with the endpoint of before, are one site.
    same = (
        key
        for key, one in found.items()
        if site.file is not None and (one.site.file, key[0]) == (site.file, site.key[0])
    )
    return next(same, site.key)


def _united(site: Listed) -> United:
    one = United(site=site)
    _add_vos(one, site)
    return one


def _add_vos(one: United, site: Listed) -> None:
    for vo in site.vos:
        auth = {"project_id": vo.project_id, "region": vo.region}
        known = one.vos.setdefault(vo.name, {})
        known.update({k: v for k, v in auth.items() if v is not None and k not in known})


def _annotate(found: Iterable[United], registered: Iterable[Listed]) -> None:
    by_name: dict[str, list[Listed]] = {}
    for listed in registered:
        by_name.setdefault(listed.name.casefold(), []).append(listed)
    for one in found:
        known = by_name.get(one.site.name.casefold(), [])
        same = [listed for listed in known if listed.key == one.site.key]
        if same:
            one.facts.append(_fact("listed", same[0].name, GOCDB, same[0].at))
        for listed in same or known:
            one.facts.append(_fact("endpoint", listed.endpoint, GOCDB, listed.at))
            for what, value in listed.notes.items():
                one.facts.append(_fact(what, value, GOCDB, listed.at))


def _fact(what: str, value: str, source: str, at: datetime) -> Fact:
    return Fact(what=what, value=value, source=TITLES[source], at=at)


def _file(one: United, path: Path, *, alone: bool) -> ReadFile:
    site = one.site
    # All of EGI's keys, also those that are not given: what an older list says of them is over.
    keys: dict[str, Any] = {
        "gocdb": site.name,
        "endpoint": site.endpoint,
        "auth": site.auth,
        "protocol": site.protocol,
        "region": site.region,
        "vos": [
            VoEntry.model_construct(name=vo, auth=Auth(**auth)) for vo, auth in one.vos.items()
        ],
    }
    host = urlsplit(site.endpoint).hostname
    return ReadFile(
        path=path,
        site=SiteFile.model_construct(**keys),
        whole=True,
        file=site.file or (site.name if alone else f"{site.name}-{host}"),
        facts=tuple(one.facts),
        vo_facts={vo: tuple(facts) for vo, facts in one.vo_facts.items()},
    )
