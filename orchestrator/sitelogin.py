"""The login of one run at its site: made anew for a phase, and where it ends on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

from orchestrator.auth import appcredentials, keystone
from orchestrator.auth.appcredentials import AppCredential
from orchestrator.auth.keystone import KeystoneLogin
from orchestrator.auth.source import TokenSource
from orchestrator.errors import (
    DeploymentFailedError,
    LoginEndedError,
    LoginError,
    OrchestratorError,
    SiteError,
)
from orchestrator.journal import Journal
from orchestrator.model import Share, Site
from orchestrator.spans import span

_T = TypeVar("_T")

# With less than this a phase begins with a new login, where there is one to be had.
_COMFORT = 900.0
_SHORTEST = 60.0
# How often one phase goes on with another login: a site that refuses each is not asked for ever.
_LOGINS = 6
# For how long a fresh access token of Check-in is good.
_FRESH_TOKEN = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """As whom a login was made, and for how long it holds whatever else happens."""

    who: str
    source: str
    renews: bool
    token_seconds: float  # of what it was made from, which may make another one


class SiteLogin:
    """Gives each phase a login that lasts, from whatever source answers."""

    def __init__(
        self,
        *,
        site: Site,
        share: Share,
        source: Callable[[], TokenSource],
        secrets: Path,
        journal: Journal,
    ) -> None:
        self._site = site
        self._share = share
        self._source = source
        self._secrets = secrets
        self._journal = journal
        self._login: KeystoneLogin | None = None
        self._made: LoggedIn | None = None

    @property
    def now(self) -> KeystoneLogin:
        """The login as it is now."""
        if self._login is None:
            raise RuntimeError("a phase needs the site before the run has logged in")
        return self._login

    def anew(self, project_id: str | None) -> LoggedIn:
        """Log in anew; the deployment's application credential does where no token is to be had."""
        try:
            made = self._by_token(project_id)
        except OrchestratorError as error:
            credential = appcredentials.kept(self._secrets)
            if credential is None:
                raise
            made = self._by_credential(credential, error)
        self._made = made
        return made

    def lasting(self, project_id: str | None, *, seconds: float = _COMFORT) -> None:
        """Log in anew unless the login lasts so long; what is there has to do where there is no other."""
        left = self.now.seconds_left()
        if left >= seconds:
            return
        try:
            self.anew(project_id)
        except OrchestratorError as error:
            if left < _SHORTEST:
                raise
            self._journal.note(
                "login", f"{error.message} The login of before has {span(left)} left"
            )

    def through(
        self,
        step: Callable[[], _T],
        *,
        project_id: str | None,
        holds: bool,
        again: Callable[[], None] | None = None,
    ) -> _T:
        """Do a step that needs the login; where that ends on the way, go on with another one.

        ``again`` prepares what is left to be done. Without another login this is a
        DeploymentFailedError where something exists (``holds``), else a LoginError.
        """
        for _ in range(_LOGINS):
            try:
                return step()
            except LoginEndedError as error:
                self._replace(error, project_id, holds=holds)
                if again is not None:
                    again()
        raise _ended(self._site, holds=holds, why="it takes each new one for a moment only")

    def require_seconds(self, seconds: float | None, *, holds: bool) -> None:
        """Say that the login ends before what is begun now, which took so long lately, is over.

        Refused before anything exists, as long as a fresh token would do; else only told.
        """
        made = self._made
        if seconds is None or made is None or made.renews:
            return
        left = max(made.token_seconds, self.now.seconds_left())
        if left >= seconds:
            return
        said = (
            f"this login ends in {span(left)} and cannot be renewed;"
            f" what comes now took {span(seconds)} lately"
        )
        if holds or seconds > _FRESH_TOKEN:
            self._journal.note(
                "login", f"{said}. Where it ends on the way, the same command goes on"
            )
            return
        raise LoginError(
            said,
            facts={"login by": made.source},
            way_out=[
                "orchestrator login        renews itself; then unset OIDC_ACCESS_TOKEN",
                "or hand over a fresh token: OIDC_ACCESS_TOKEN",
            ],
        )

    def keep_credential(self, deployment_id: str, *, until: datetime) -> None:
        """Have an application credential that ends then; a site that gives none is told of, no more."""
        # Another name each time: one that a killed run had made, and did not keep, has the last one.
        name = f"orchestrator-{deployment_id}-{token_hex(3)}"
        try:
            kept = appcredentials.kept(self._secrets)
            if self.now.is_scoped or (kept and kept.ends_at == until):
                return
            made = appcredentials.make(self._site, self.now, name=name, expires_at=until)
            appcredentials.keep(self._secrets, made)
            if kept:
                appcredentials.remove(self._site, self.now, kept)
        except (LoginError, SiteError) as error:
            # Everything goes on without: the end then needs the login of a person.
            self._journal.note("login", f"no application credential: {error.message}")
            return
        self._journal.note("login", f"an application credential is kept until {until:%d %b %Y}")

    def forget_credential(self) -> None:
        """Have the site remove the deployment's application credential, where there is one."""
        try:
            kept = appcredentials.kept(self._secrets)
            if kept is not None:
                appcredentials.remove(self._site, self.now, kept)
        except (LoginError, SiteError) as error:
            # It has an end of its own, and without its secret it opens nothing.
            self._journal.note("destroy", error.message)

    def _by_token(self, project_id: str | None) -> LoggedIn:
        source = self._source()
        token = source.access_token()
        # A deployment stays where it was made, also when the site's file names another project.
        project = project_id or self._share.project_id
        self._login = keystone.login(self._site, token, project_id=project, vo=self._share.vo)
        return LoggedIn(
            who=token.username or token.subject,
            source=source.name,
            renews=source.renews,
            token_seconds=token.seconds_left(),
        )

    def _by_credential(self, credential: AppCredential, error: OrchestratorError) -> LoggedIn:
        try:
            self._login = appcredentials.login(self._site, credential)
        except OrchestratorError as refused:
            error.facts.setdefault("application credential", refused.message)
            raise error from refused
        self._journal.note(
            "login", f"by the deployment's application credential, since {error.message}"
        )
        left = (self._login.seconds_left(), credential.seconds_left())
        return LoggedIn(
            who=self._login.user_name,
            source="the deployment's application credential",
            renews=True,
            token_seconds=min(left),
        )

    def _replace(self, ended: LoginEndedError, project_id: str | None, *, holds: bool) -> None:
        try:
            self.anew(project_id)
        except OrchestratorError as refused:
            error = _ended(self._site, holds=holds, why=refused.message)
            error.facts = {**ended.facts, **refused.facts}
            error.way_out = refused.way_out
            raise error from refused
        self._journal.note("login", f"{ended.message}: going on with a new one")


def _ended(site: Site, *, holds: bool, why: str) -> OrchestratorError:
    kind = DeploymentFailedError if holds else LoginError
    return kind(f"the login at {site.name} ended on the way, and there is no other: {why}")
