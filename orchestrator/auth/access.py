"""Asks every site of a VO at once whether a person gets a project there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator import parallel
from orchestrator.auth import keystone
from orchestrator.auth.complaints import UntrustedError
from orchestrator.auth.token import AccessToken
from orchestrator.errors import LoginError, OrchestratorError, SiteError
from orchestrator.model import CHECK_IN, Site

TIMEOUT = 20.0


class Outcome(StrEnum):
    """What came of asking a site."""

    YES = "yes"
    REFUSED = "refused"
    UNTRUSTED = "untrusted"  # its certificate: nothing was sent
    NO_ANSWER = "no answer"
    SKIPPED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one site says, and how long it took."""

    site: str
    outcome: Outcome
    why: str
    seconds: float = 0.0
    project_id: str | None = None
    project_name: str | None = None
    way_out: tuple[str, ...] = ()


Tokens = Mapping[str, AccessToken | OrchestratorError]
OnAnswer = Callable[[Answer], None]


def gather_tokens(sites: Iterable[Site], source: Callable[[Site], AccessToken]) -> Tokens:
    """Return one token per issuer that the sites trust, or why there is none.

    ``source`` gives a token for a site or raises; of the sites that share an issuer the
    first that has a source decides. Without a token for any of them the first error is raised.
    """
    found: dict[str, AccessToken | OrchestratorError] = {}
    for site in sites:
        if not isinstance(found.get(site.issuer), AccessToken):
            try:
                found[site.issuer] = _of_issuer(source(site), site)
            except OrchestratorError as error:
                found.setdefault(site.issuer, error)
    errors = [error for error in found.values() if isinstance(error, OrchestratorError)]
    if errors and len(errors) == len(found):
        raise _none_of(errors)
    return found


def ask(
    sites: Sequence[Site],
    vo: str,
    tokens: Tokens,
    *,
    timeout: float = TIMEOUT,
    on_answer: OnAnswer = lambda _: None,
) -> tuple[Answer, ...]:
    """Ask all sites at the same time; the answers come in the order of the sites.

    Each has the same time for all of its steps. One that is still silent then is left
    behind in a thread of its own, so that it holds up nothing, not even the end.
    """

    def job(site: Site) -> Callable[[], Answer]:
        return lambda: _answer(site, vo, tokens.get(site.issuer), timeout)

    done = parallel.gather(
        [job(site) for site in sites],
        timeout=timeout,
        on_done=lambda _, answer: on_answer(answer),
    )
    late = {n: _too_late(site, timeout) for n, site in enumerate(sites) if n not in done}
    for answer in late.values():
        on_answer(answer)
    return tuple({**late, **done}[number] for number in range(len(sites)))


def verdict(answers: Iterable[Answer]) -> int:
    """Return the exit code: 0 a site says yes, 4 all that answered refuse, 5 none answered."""
    outcomes = {answer.outcome for answer in answers}
    if Outcome.YES in outcomes:
        return 0
    return LoginError.exit_code if Outcome.REFUSED in outcomes else SiteError.exit_code


def _answer(
    site: Site, vo: str, token: AccessToken | OrchestratorError | None, timeout: float
) -> Answer:
    if site.auth != CHECK_IN:
        return _skipped(site, f"takes no EGI Check-in login ({site.auth})")
    if not isinstance(token, AccessToken):
        why = f"trusts {site.issuer}, and there is no token of it here"
        return _skipped(site, why, () if token is None else token.way_out)
    start = time.monotonic()
    share = site.share_of(vo)
    try:
        login = keystone.login(
            site, token, project_id=share.project_id if share else None, vo=vo, timeout=timeout
        )
    except OrchestratorError as error:
        return _failed(site, error, time.monotonic() - start)
    name = next((one.name for one in login.projects if one.id == login.project_id), "")
    return Answer(
        site=site.name,
        outcome=Outcome.YES,
        why=f"project {name} ({login.project_id})" if name else f"project {login.project_id}",
        seconds=time.monotonic() - start,
        project_id=login.project_id,
        project_name=name or None,
    )


def _none_of(errors: Sequence[OrchestratorError]) -> LoginError:
    first, *others = errors
    facts = {**first.facts, **{f"also {n}": one.message for n, one in enumerate(others, start=1)}}
    return LoginError(first.message, facts=facts, way_out=first.way_out)


def _of_issuer(token: AccessToken, site: Site) -> AccessToken:
    token.require_issuer(site.issuer, site=site.name, origin="the access token")
    return token


def _failed(site: Site, error: OrchestratorError, seconds: float) -> Answer:
    outcome = Outcome.NO_ANSWER
    if isinstance(error, UntrustedError):
        outcome = Outcome.UNTRUSTED
    elif isinstance(error, LoginError):
        outcome = Outcome.REFUSED
    return Answer(
        site=site.name,
        outcome=outcome,
        why=error.message,
        seconds=seconds,
        way_out=error.way_out,
    )


def _skipped(site: Site, why: str, way_out: tuple[str, ...] = ()) -> Answer:
    return Answer(site=site.name, outcome=Outcome.SKIPPED, why=why, way_out=way_out)


def _too_late(site: Site, timeout: float) -> Answer:
    return Answer(
        site=site.name,
        outcome=Outcome.NO_ANSWER,
        why=f"{site.name} did not finish within {timeout:g} s.",
        seconds=timeout,
    )
