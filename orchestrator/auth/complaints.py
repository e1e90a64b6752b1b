"""What Keystone's refusals and silences mean for a person."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from keystoneauth1 import exceptions as failures

from orchestrator.auth import web
from orchestrator.auth.issuer import Issuer
from orchestrator.auth.roles import Entitlement, missing_role
from orchestrator.auth.token import CLOCK_SET, LOGIN_AGAIN, AccessToken
from orchestrator.errors import LoginEndedError, LoginError, OrchestratorError, SiteError
from orchestrator.model import Site
from orchestrator.spans import span


class UntrustedError(LoginError):
    """The certificate of a site is not trusted, so it was told nothing."""


_DESCRIPTION = re.compile(r'error_description="([^"]*)"')
# Less than this a site's own tolerance makes up for.
_SKEW = 60.0
_EARLY = 5.0

_ELSEWHERE = "orchestrator sites        shows the other sites of your VO"


def about(site: Site, error: Exception) -> OrchestratorError:
    """Say why the site could not be asked, or refused for its own reasons."""
    if isinstance(error, failures.SSLError):
        if web.is_untrusted(error):
            return _untrusted(site)
        return _silent(site, f"{site.name} broke off before TLS was agreed.")
    if isinstance(error, failures.ConnectTimeout | failures.RequestTimeout):
        return _silent(site, f"{site.name} did not answer in time.")
    if isinstance(error, failures.ConnectionError):
        return _silent(site, f"{site.name} cannot be reached: {_cause(error)}.")
    if isinstance(error, failures.Forbidden):
        return LoginError(
            f"{site.name} knows you and does not let you in (HTTP 403).",
            facts={"Keystone": site.endpoint},
            way_out=["ask your VO's manager, or the site, which role is missing"],
        )
    if isinstance(error, failures.Unauthorized):
        return LoginEndedError(
            f"{site.name} no longer accepts the login that it gave (HTTP 401).",
            facts={"Keystone": site.endpoint},
            way_out=["run the same command again: it logs in anew"],
        )
    status = getattr(error, "http_status", None)
    said = f"answered with HTTP {status}" if status else "gave an answer that makes no sense"
    return _silent(site, f"the Keystone of {site.name} {said}.")


def no_ca_bundle(site: Site) -> UntrustedError:
    """Say that the file of the site's own CA is missing."""
    return UntrustedError(
        f"the CA file of {site.name} is not there, so no token was sent.",
        facts={"ca_bundle": str(site.ca_bundle), "named in": site.origin},
        way_out=[f"correct ca_bundle in sites/{site.name}.yaml"],
    )


def about_token(
    site: Site, error: Exception | None, *, token: AccessToken, vo: str | None
) -> OrchestratorError:
    """Say why the site took no token: no such login there, or not for this person."""
    if isinstance(error, failures.NotFound):
        return SiteError(
            f"{site.name} has no login of the kind its file names.",
            facts={
                "Keystone": site.endpoint,
                "identity provider": site.identity_provider,
                "protocol": f"{site.protocol}, and openid and oidc were tried",
            },
            way_out=[f"correct protocol or identity_provider in sites/{site.name}.yaml"],
        )
    answer = getattr(error, "response", None)
    headers: Mapping[str, str] = getattr(answer, "headers", None) or {}
    said = _DESCRIPTION.search(headers.get("WWW-Authenticate", ""))
    facts = {
        "Keystone": site.endpoint,
        "token of": f"{token.username or token.subject} at {token.issuer}",
        "VOs in it": _vos(token),
        **({"it is for": ", ".join(token.audience)} if token.audience else {}),
        **({"the site says": said[1][:300]} if said else {}),
    }
    known = (
        _role_of(site, token, vo)
        or _clock_of(site, token, headers.get("Date", ""))
        or _audience_of(site, said[1] if said else "", facts)
    )
    return known or LoginError(
        f"{site.name} does not accept your token (HTTP 401), although it is good for"
        f" {token.seconds_left() / 60:.0f} more minutes.",
        facts=facts,
        way_out=[f"ask the manager of {vo or 'your VO'} for the role vm_operator", *LOGIN_AGAIN],
    )


def about_project(
    site: Site, yours: Sequence[str], project_id: str | None, *, token: AccessToken, vo: str | None
) -> OrchestratorError:
    """Say why the person may not enter the VO's project."""
    wanted = f"the project of {vo}" if vo else f"project {project_id}"
    return _role_of(site, token, vo) or LoginError(
        f"{site.name} lets you in, but not into {wanted}.",
        facts={"project": project_id or "not named", "you may enter": ", ".join(yours) or "none"},
        way_out=[f"ask the manager of {vo or 'the VO'} for the role vm_operator", *LOGIN_AGAIN],
    )


def _clock_of(site: Site, token: AccessToken, date: str) -> LoginError | None:
    """Say that clocks differ: a token is then taken for one of the past or of the future."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    if theirs.tzinfo is None:
        return None
    ours = datetime.now(UTC)
    ahead = (ours - theirs).total_seconds()
    facts = {
        f"clock of {site.name}": f"{theirs:%H:%M:%S} UTC",
        "clock here": f"{ours:%H:%M:%S} UTC",
    }
    if abs(ahead) > _SKEW:
        how = "ahead of" if ahead > 0 else "behind"
        return LoginError(
            f"the clock of this machine is {span(abs(ahead))} {how} that of {site.name},"
            " which does not accept your token (HTTP 401).",
            facts=facts,
            way_out=CLOCK_SET,
        )
    early = (token.issued_at - theirs).total_seconds() if token.issued_at else 0.0
    if early > _EARLY:
        return LoginError(
            f"the clock of {site.name} is behind that of {token.issuer}: it takes your token for one"
            f" of the future (HTTP 401).",
            facts=facts,
            way_out=[f"the same command again in {span(early + 1)}", "tell the site"],
        )
    return None


def _audience_of(site: Site, said: str, facts: Mapping[str, str]) -> LoginError | None:
    if "aud" not in re.split(r"[^a-z]+", said.lower()) and "audience" not in said.lower():
        return None
    return LoginError(
        f"your token is for somebody else than {site.name}: it has the wrong audience (HTTP 401).",
        facts=facts,
        way_out=[f"orchestrator login --site {site.name}"],
    )


def _role_of(site: Site, token: AccessToken, vo: str | None) -> LoginError | None:
    if vo is None:
        return None
    entitlements = token.entitlements
    if entitlements is None:
        entitlements = _asked(site, token)
    refusal = missing_role(vo, entitlements)
    if refusal is None:
        return None
    return LoginError(
        f"{site.name} does not let you in: {refusal.message}",
        facts=refusal.facts,
        way_out=refusal.way_out,
    )


def _vos(token: AccessToken) -> str:
    held = [Entitlement.read(urn) for urn in token.entitlements or ()]
    return ", ".join(sorted({one.vo for one in held if one})) or "none"


def _asked(site: Site, token: AccessToken) -> tuple[str, ...] | None:
    issuer = Issuer(url=token.issuer, client_id=site.client_id, ca_bundle=site.ca_bundle)
    told = issuer.userinfo(token.raw).get("eduperson_entitlement")
    return tuple(told) if isinstance(told, list) else None


def _untrusted(site: Site) -> UntrustedError:
    trusted = str(site.ca_bundle) if site.ca_bundle else "the system's roots"
    return UntrustedError(
        f"the certificate of {site.name} is not trusted, so no token was sent.",
        facts={"Keystone": site.endpoint, "trusted": trusted},
        way_out=[
            f"name the CA's file as ca_bundle in sites/{site.name}.yaml"
            " (many sites use IGTF: https://dist.igtf.net)",
        ],
    )


def _silent(site: Site, message: str) -> SiteError:
    return SiteError(
        message, facts={"Keystone": site.endpoint}, way_out=["try again in a while", _ELSEWHERE]
    )


def _cause(error: Exception) -> str:
    text = str(error)
    if "Connection refused" in text or f"Errno {errno.ECONNREFUSED}" in text:
        return "nothing listens there (connection refused)"
    if "Name or service not known" in text or "NameResolution" in text:
        return "its name is not known to the DNS"
    return "the connection failed"
