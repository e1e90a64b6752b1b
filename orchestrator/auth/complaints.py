"""What Keystone's refusals and silences mean for a person."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from keystoneauth1 import exceptions as failures

from orchestrator.auth import web
from orchestrator.auth.issuer import Issuer
from orchestrator.auth.roles import Entitlement, missing_role
from orchestrator.auth.token import LOGIN_AGAIN, AccessToken
from orchestrator.errors import LoginError, OrchestratorError, SiteError
from orchestrator.model import Site


class UntrustedError(LoginError):
    """The certificate of a site is not trusted, so it was told nothing."""


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
    return _role_of(site, token, vo) or LoginError(
        f"{site.name} does not accept your token (HTTP 401), although it is good for"
        f" {token.seconds_left() / 60:.0f} more minutes.",
        facts={
            "Keystone": site.endpoint,
            "token of": f"{token.username or token.subject} at {token.issuer}",
            "VOs in it": _vos(token),
        },
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
