"""Renews the kept copies of the sources' lists; what cannot be renewed stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestrator import parallel
from orchestrator.catalogue import kept
from orchestrator.catalogue.ages import day
from orchestrator.catalogue.index import Index
from orchestrator.catalogue.kept import Listings
from orchestrator.catalogue.sources.known import SOURCES, Source
from orchestrator.catalogue.sources.listing import Found, Gone, Key, Listed, Listing
from orchestrator.catalogue.sources.reading import Reader, SourceError, is_local
from orchestrator.catalogue.union import unite

TIMEOUT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is new in a list, and what has gone from it."""

    new_sites: tuple[str, ...] = ()
    gone_sites: tuple[str, ...] = ()
    new_shares: tuple[tuple[str, str], ...] = ()  # site, VO
    gone_shares: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of asking one source."""

    source: str
    title: str
    address: str
    renewed: bool
    at: datetime | None  # of the copy that is in force now; None: there is none
    sites: int = 0
    vos: int = 0
    problem: str | None = None  # why it was not renewed
    warnings: tuple[str, ...] = ()
    change: Change | None = None  # None: there was nothing to compare with


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh did: each source by itself, and the list that comes of all of them."""

    reports: tuple[Report, ...]
    sites: int
    vos: int
    change: Change

    @property
    def renewed(self) -> bool:
        """Tell whether any source could be renewed."""
        return any(report.renewed for report in self.reports)


def refresh(
    cache: Path,
    *,
    sources: Sequence[Source] = SOURCES,
    index: Index | None = None,
    timeout: float = TIMEOUT,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Refreshed:
    """Ask all sources at once and keep what they say, below ``cache``.

    Each source has ``timeout`` seconds. One that is gone, slow, broken or suspiciously
    empty keeps the copy it had; SetupError only where nothing can be written.
    """
    index = index or Index.shipped()
    shipped = kept.shipped(index.folder, index.at)
    before = kept.in_force(kept.read(cache)[0], shipped)
    answers = _ask(sources, timeout)
    now = clock()
    taken = [
        _take(source, answer, before.get(source.key), now)
        for source, answer in zip(sources, answers, strict=True)
    ]
    fresh = {listing.source: listing for listing, _ in taken if listing is not None}
    if fresh:
        copies = {source: one for source, one in before.items() if one is not shipped}
        kept.write(cache, (copies | fresh).values())
    return _summary([report for _, report in taken], before, {**before, **fresh})


def _ask(sources: Sequence[Source], timeout: float) -> list[Found | SourceError]:
    def job(source: Source) -> Callable[[], Found | SourceError]:
        def read() -> Found | SourceError:
            reader = Reader(seconds=timeout, local=is_local(source.address))
            try:
                return source.read(source.address, reader)
            except SourceError as error:
                return error

        return read

    # A source that watches its time itself can still tell what it has by then.
    done = parallel.gather([job(source) for source in sources], timeout=timeout + 1)
    late = SourceError(f"no answer within {timeout:g} s")
    return [done.get(number, late) for number in range(len(sources))]


def _take(
    source: Source, answer: Found | SourceError, older: Listing | None, now: datetime
) -> tuple[Listing | None, Report]:
    listing, problem = None, None
    warnings: tuple[str, ...] = ()
    try:
        if isinstance(answer, SourceError):
            raise answer
        listing = _listing(source.key, answer, older, now)
        warnings = (*answer.warnings, *_stayed(listing, answer))
    except SourceError as error:
        problem = str(error)
    held = listing or older
    return listing, Report(
        source=source.key,
        title=source.title,
        address=source.address,
        renewed=listing is not None,
        at=held.at if held else None,
        sites=len(held.sites) if held else 0,
        vos=len(held.vos) if held else 0,
        problem=problem,
        warnings=warnings,
        change=_change(_sites(older), _sites(listing)) if listing and older else None,
    )


def _listing(key: str, found: Found, older: Listing | None, now: datetime) -> Listing:
    """Return the new copy; a list that lost most of its sites is taken for a broken one."""
    stay = [site for site in (older.sites if older else ()) if site.file in found.unread]
    sites = {site.key: site for site in (*stay, *found.sites)}
    if not sites:
        raise SourceError("it lists no site")
    if older and 2 * len(sites) < len(older.sites):
        raise SourceError(
            f"it lists {len(sites)} sites where the copy of {day(older.at)} has"
            f" {len(older.sites)}: taken for broken"
        )
    return Listing(source=key, at=now, sites=tuple(sites.values()), gone=_gone(older, sites, now))


def _stayed(listing: Listing, found: Found) -> list[str]:
    return [
        f"{site.file}.yaml stays as it was on {day(site.at)}"
        for site in listing.sites
        if site.file in found.unread
    ]


def _gone(older: Listing | None, sites: dict[Key, Listed], now: datetime) -> tuple[Gone, ...]:
    if older is None:
        return ()
    before = {one.site.key: one for one in older.gone}
    before |= {key: Gone(site=site, since=now) for key, site in older.by_key().items()}
    return tuple(
        one for key, one in before.items() if key not in sites and not _moved(one.site, sites)
    )


def _moved(site: Listed, sites: dict[Key, Listed]) -> bool:
    # The same file with another endpoint is the same site.
    return any((one.file, one.key[0]) == (site.file, site.key[0]) for one in sites.values())


def _sites(listing: Listing) -> list[tuple[str, set[str]]]:
    return [(one.name, {vo.name for vo in one.vos}) for one in listing.sites]


def _united(listings: Listings) -> list[tuple[str, set[str]]]:
    return [(one.site.name, set(one.vo_facts)) for one in unite(listings) if one.is_listed]


def _change(before: list[tuple[str, set[str]]], now: list[tuple[str, set[str]]]) -> Change:
    old, new = {name for name, _ in before}, {name for name, _ in now}
    had = {(name, vo) for name, vos in before for vo in vos}
    has = {(name, vo) for name, vos in now for vo in vos}
    return Change(
        new_sites=tuple(sorted(new - old)),
        gone_sites=tuple(sorted(old - new)),
        new_shares=tuple(sorted(has - had)),
        gone_shares=tuple(sorted(had - has)),
    )


def _summary(reports: list[Report], before: Listings, after: Listings) -> Refreshed:
    now = _united(after)
    return Refreshed(
        reports=tuple(reports),
        sites=len(now),
        vos=len({vo for _, vos in now for vo in vos}),
        change=_change(_united(before), now),
    )
