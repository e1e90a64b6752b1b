"""What was last collected, asked without asking any site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrator.discovery.differences import Change, changes
from orchestrator.discovery.searching import Match, Miss, Wanted, search
from orchestrator.discovery.snapshots import Collected, Failure
from orchestrator.errors import RequestError
from orchestrator.paths import Folders
from orchestrator.store.offers import Offers


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What has changed for a VO at a site, between the first and the last of what is known."""

    first: Collected
    last: Collected
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer of a search: who has it, who has not, and of whom nothing is known."""

    matches: tuple[Match, ...]
    misses: tuple[Miss, ...]
    unknown: tuple[Failure, ...]


class CollectedOffers:
    """The questions of `orchestrator catalogue`, and of whatever face comes next."""

    def __init__(self, offers: Offers, folders: Folders) -> None:
        self._offers = offers
        self._folders = folders

    def show(self, site: str, vo: str | None = None) -> Collected:
        """Return the last offer of a site to a VO; without one to the only one, or the usual one."""
        found = {one.vo: one for one in self._of_site(site, vo)}
        if len(found) == 1:
            return next(iter(found.values()))
        usual_vo = self._usual_vo()
        if usual_vo in found:
            return found[usual_vo]
        name = next(iter(found.values())).offer.site
        raise RequestError(
            f"{name} was collected for {len(found)} VOs, and not for {usual_vo}.",
            facts={"collected for": ", ".join(sorted(found))},
            way_out=[f"orchestrator catalogue show {name} --vo {sorted(found)[0]}"],
        )

    def search(self, wanted: Wanted, *, vo: str | None = None) -> Found:
        """Look through the last offers of all sites, or of those to one VO."""
        known = self._offers.latest(vo=vo)
        failures = self._offers.failures(vo=vo)
        if not known and not failures:
            raise _nothing(None, vo)
        found = search(known, wanted)
        pairs = {(one.offer.site, one.vo) for one in known}
        return Found(
            matches=tuple(one for one in found if isinstance(one, Match)),
            misses=tuple(one for one in found if isinstance(one, Miss)),
            unknown=tuple(one for one in failures if (one.site, one.vo) not in pairs),
        )

    def diff(
        self, *, site: str | None = None, vo: str | None = None, since: datetime
    ) -> tuple[Changed, ...]:
        """Return what has changed since then, for each VO at each site that was collected."""
        known = self._of_site(site, vo) if site else self._offers.latest(vo=vo)
        if not known:
            raise _nothing(None, vo)
        found = []
        for one in known:
            history = self._offers.history(one.offer.site, one.vo, since=since)
            found.append(Changed(first=history[0], last=one, changes=changes(history)))
        return tuple(found)

    def _usual_vo(self) -> str:
        from orchestrator.settings import Settings

        return Settings.read(self._folders.config).vo

    def _of_site(self, site: str, vo: str | None) -> tuple[Collected, ...]:
        found = self._offers.latest(site=site, vo=vo)
        if not found:
            # Perhaps an alias: only now the site files are read, and what it takes to read them.
            from orchestrator.catalogue.catalogue import Catalogue

            site = Catalogue.usual(self._folders.config, cache=self._folders.cache).find(site).name
            found = self._offers.latest(site=site, vo=vo)
        if not found:
            raise _nothing(site, vo, self._offers.failures(site=site, vo=vo))
        return found


def _nothing(site: str | None, vo: str | None, failures: tuple[Failure, ...] = ()) -> RequestError:
    what = " for ".join(part for part in (site, vo) if part) or "any site"
    options = "".join(f" --{key} {value}" for key, value in (("vo", vo), ("site", site)) if value)
    return RequestError(
        f"nothing has been collected yet of {what}.",
        facts={f"last tried {one.at:%d %b %Y, %H:%M} UTC": one.cause for one in failures},
        way_out=[f"orchestrator catalogue collect{options}"],
    )
