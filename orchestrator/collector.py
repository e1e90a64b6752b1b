"""The catalogue service: rounds over all sites of some VOs, each answer kept as it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from orchestrator.auth.choosing import Given, choose_source
from orchestrator.auth.sharing import SharedTokens
from orchestrator.auth.source import TokenSource
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.errors import LoginError, OrchestratorError
from orchestrator.model import Site
from orchestrator.paths import Folders
from orchestrator.settings import Settings
from orchestrator.store.offers import Offers
from orchestrator.surveying import PATIENCE, Answer, Place, places, survey

# For so long what a site offered earlier can be looked up.
KEEP = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A round that begins, and whom it asks."""

    number: int
    asked: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer that is in the store now, and the parts of the offer that are not as before."""

    answer: Answer
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A round that is over: how many sites answered, or the error that let none be asked."""

    number: int
    seconds: float
    asked: int = 0
    collected: int = 0
    failed: int = 0
    forgotten: int = 0
    error: OrchestratorError | None = None
    wait: float | None = None  # seconds until the next one


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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = folders
        self._settings = settings
        self._offers = offers
        self._given = Given(token=access_token, env=environment)
        self._stop = stop or threading.Event()
        self._patience = patience
        self._clock = clock

    def run(
        self,
        *,
        vos: Sequence[str],
        sites: Sequence[str] = (),
        every: timedelta | None = None,
        keep: timedelta = KEEP,
    ) -> Iterator[Begun | Kept | Ended]:
        """Collect once, or every so often until ``stop``; each event comes as it happens.

        What ends a single round is raised. Of many rounds it ends that one alone.
        """
        first = self._clock()
        for number in rounds(every, stop=self._stop, clock=self._clock):
            started = self._clock()
            try:
                ended = yield from self._round(number, vos, sites, keep)
            except OrchestratorError as error:
                if every is None:
                    raise
                ended = Ended(number=number, seconds=0.0, error=error)
            goes_on = every if not self._stop.is_set() else None
            wait = _until_next(first, goes_on, self._clock()) if goes_on else None
            yield replace(ended, seconds=self._clock() - started, wait=wait)

    def _round(
        self, number: int, vos: Sequence[str], sites: Sequence[str], keep: timedelta
    ) -> Generator[Begun | Kept, None, Ended]:
        # Site files are read anew, so that what was refreshed meanwhile counts.
        catalogue = Catalogue.usual(self._folders.config, cache=self._folders.cache)
        asked = places(catalogue, vos=vos, sites=sites)
        tokens = SharedTokens(self._source)
        _require_login(asked, tokens)
        yield Begun(number=number, asked=asked)
        collected = failed = 0
        for answer in survey(asked, tokens=tokens, stop=self._stop, patience=self._patience):
            yield Kept(answer=answer, changed=self._keep(answer))
            collected += answer.offer is not None
            failed += answer.offer is None
        forgotten = self._offers.prune(now() - keep)
        return Ended(
            number=number,
            seconds=0.0,
            asked=len(asked),
            collected=collected,
            failed=failed,
            forgotten=forgotten,
        )

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
    first = clock()
    number = 0
    while not stop.is_set():
        number += 1
        yield number
        if every is None:
            return
        stop.wait(_until_next(first, every, clock()))


def _until_next(first: float, every: timedelta, at: float) -> float:
    step = every.total_seconds()
    return step - (at - first) % step


def _require_login(asked: Sequence[Place], tokens: SharedTokens) -> None:
    """Raise LoginError where not one of the sites has a source of tokens."""
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
