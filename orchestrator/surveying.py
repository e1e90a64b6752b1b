"""What sites offer, asked of one or of many at once; a dead site costs no other one anything."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from orchestrator.auth.sharing import SharedTokens
from orchestrator.auth.token import AccessToken
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.discovery.collecting import collect
from orchestrator.entering import enter
from orchestrator.errors import OrchestratorError, RequestError, SiteError
from orchestrator.model import Offer, Share, Site
from orchestrator.parallel import ask

PATIENCE = 60.0
# So many sites are asked at once; beyond that they take the processor from each other.
WIDTH = 12
# A site that takes longer than this is waiting, not working: another one may begin beside it.
_SLOW = 3.0
# A listing that has run out of patience says so itself, which tells more than we can.
_GRACE = 2.0
_LOOK = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A VO at a site; ``refusal`` says why it need not be asked."""

    site: Site
    vo: str
    share: Share | None = None
    refusal: OrchestratorError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a site said to a VO: its offer, or the error that says why there is none."""

    place: Place
    seconds: float
    offer: Offer | None = None
    error: OrchestratorError | None = None


def places(
    catalogue: Catalogue, *, vos: Sequence[str], sites: Sequence[str] = ()
) -> tuple[Place, ...]:
    """Return every site of the VOs, or those named; RequestError where that is none."""
    named = [catalogue.find(name) for name in sites]
    found = []
    for vo in dict.fromkeys(vos):
        serving = [site for site in named or catalogue.sites(vo) if site.share_of(vo)]
        if not serving and not named:
            raise _nowhere(vo)
        found += [_place(catalogue, site, vo) for site in serving]
    for site in named:
        if not any(site.share_of(vo) for vo in vos):
            catalogue.share(site, vos[0])  # raises, and names the sites that do serve it
    return tuple(found)


def discover(
    site: Site,
    share: Share,
    *,
    token: AccessToken,
    patience: float = PATIENCE,
    volumes: bool = False,
) -> Offer:
    """Log in at a site and list what the VO's project may use there, its own volumes if asked to."""
    started = time.monotonic()
    login, cloud = enter(site, share, token)
    left = max(1.0, patience - (time.monotonic() - started))
    return collect(
        cloud, site=site.name, project_id=login.project_id, patience=left, volumes=volumes
    )


def survey(
    asked: Sequence[Place],
    *,
    tokens: SharedTokens,
    stop: threading.Event,
    patience: float = PATIENCE,
    width: int = WIDTH,
) -> Iterator[Answer]:
    """Ask all places at once and give each answer as it comes; ``stop`` ends it early."""
    waiting = deque(place for place in asked if place.refusal is None)
    for place in asked:
        if place.refusal is not None:
            yield Answer(place=place, seconds=0.0, error=place.refusal)
    running: dict[Future[Offer], tuple[Place, float]] = {}
    while (waiting or running) and not stop.is_set():
        _begin(waiting, running, tokens, patience, width)
        wait(running, timeout=_LOOK, return_when=FIRST_COMPLETED)
        for future, (place, started) in list(running.items()):
            spent = time.monotonic() - started
            if future.done() or spent > patience + _GRACE:
                del running[future]
                yield _answer(place, future, spent, patience)


def _begin(
    waiting: deque[Place],
    running: dict[Future[Offer], tuple[Place, float]],
    tokens: SharedTokens,
    patience: float,
    width: int,
) -> None:
    now = time.monotonic()
    working = sum(now - started < _SLOW for _, started in running.values())
    while waiting and working < width:
        place = waiting.popleft()
        running[_asked(place, tokens, patience)] = (place, now)
        working += 1


def _asked(place: Place, tokens: SharedTokens, patience: float) -> Future[Offer]:
    site, share = place.site, place.share or Share(vo=place.vo, project_id=None)
    return ask(
        lambda: discover(site, share, token=tokens.token(site), patience=patience),
        name=f"survey {site.name}",
    )


def _answer(place: Place, future: Future[Offer], seconds: float, patience: float) -> Answer:
    if not future.done():
        error = SiteError(f"{place.site.name} was not done within {patience:g} s.")
        return Answer(place=place, seconds=seconds, error=error)
    failure = future.exception()
    if failure is None:
        return Answer(place=place, seconds=seconds, offer=future.result())
    if not isinstance(failure, OrchestratorError):
        # One site's odd answer must not end the round for the others.
        failure = SiteError(
            f"{place.site.name} gave an answer that this program does not understand"
            f" ({type(failure).__name__}: {str(failure)[:200]})."
        )
    return Answer(place=place, seconds=seconds, error=failure)


def _place(catalogue: Catalogue, site: Site, vo: str) -> Place:
    try:
        return Place(site=site, vo=vo, share=catalogue.share(site, vo))
    except OrchestratorError as error:
        return Place(site=site, vo=vo, refusal=error)


def _nowhere(vo: str) -> RequestError:
    return RequestError(
        f"no site of the list serves {vo}.",
        way_out=["orchestrator sites        shows which VOs each site serves"],
    )
