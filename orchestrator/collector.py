"""The catalogue service: rounds over all sites of some VOs, each answer kept as it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.auth.choosing import Given, choose_source
from orchestrator.auth.sharing import SharedTokens
from orchestrator.auth.source import TokenSource
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.errors import LoginError
from orchestrator.model import Site
from orchestrator.paths import Folders
from orchestrator.settings import Settings
from orchestrator.store.offers import Offers
from orchestrator.surveying import PATIENCE, Answer, Place, places, survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer that is in the store now, and the parts of the offer that are not as before."""

    answer: Answer
    changed: tuple[str, ...] = ()


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class Collector:
    """Asks all sites of the given VOs and keeps what they say.

    Tokens come from where the settings say, or are ``access_token``; ``environment`` is
    what child processes may know. Setting ``stop`` ends a round; what has been answered
    by then is kept.
    """

    def __init__(
        self,
        *,
        folders: Folders,
        settings: Settings,
        offers: Offers,
        environment: Mapping[str, str],
        access_token: str | None = None,
        stop: threading.Event | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._folders = folders
        self._settings = settings
        self._offers = offers
        self._given = Given(token=access_token, env=environment)
        self._stop = stop or threading.Event()
        self._patience = patience

    def places(self, *, vos: Sequence[str], sites: Sequence[str] = ()) -> tuple[Place, ...]:
        """Return what a round would ask; the site files are read anew each time."""
        return places(
            Catalogue.usual(self._folders.config, cache=self._folders.cache), vos=vos, sites=sites
        )

    def round(self, asked: Sequence[Place]) -> Iterator[Kept]:
        """Ask all places at once; give each answer when it has been kept.

        Raises LoginError before any question where there is no login for any of them.
        """
        tokens = SharedTokens(self._source)
        _require_login(asked, tokens)
        for answer in survey(asked, tokens=tokens, stop=self._stop, patience=self._patience):
            yield Kept(answer=answer, changed=self._keep(answer))

    def forget(self, *, keep: timedelta, clock: Callable[[], datetime] = now) -> int:
        """Forget what ended longer ago than that; the last offer of each site and VO stays."""
        return self._offers.prune(clock() - keep)

    def _source(self, site: Site) -> TokenSource:
        return choose_source(
            self._settings, site=site, tokens=self._folders.tokens, given=self._given
        )

    def _keep(self, answer: Answer) -> tuple[str, ...]:
        if answer.offer is not None:
            return self._offers.record(answer.place.vo, answer.offer)
        assert answer.error is not None
        self._offers.record_failure(
            answer.place.site.name,
            answer.place.vo,
            at=now(),
            kind=type(answer.error).__name__,
            cause=answer.error.message,
        )
        return ()


def rounds(
    every: timedelta | None,
    *,
    stop: threading.Event,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[int]:
    """Number the rounds and give each when it is due: once, or until ``stop``.

    They are due on a grid that begins with the first one, so they do not drift; one that
    takes longer than its share makes the next wait for the grid, so no two overlap.
    """
    start = clock()
    number = 0
    while not stop.is_set():
        number += 1
        yield number
        if every is None:
            return
        step = every.total_seconds()
        due = start + ((clock() - start) // step + 1) * step
        stop.wait(due - clock())


def _require_login(asked: Sequence[Place], tokens: SharedTokens) -> None:
    missing: LoginError | None = None
    for place in asked:
        if place.refusal is not None:
            continue
        try:
            tokens.source(place.site)
        except LoginError as error:
            missing = missing or error
        else:
            return
    if missing is not None:
        raise missing
