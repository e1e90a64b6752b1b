"""A Check-in token traded for Keystone's: unscoped for Terraform, scoped for listings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from keystoneauth1 import exceptions as failures
from keystoneauth1.access import AccessInfoV3
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from orchestrator.auth import complaints, web
from orchestrator.auth.token import AccessToken
from orchestrator.errors import LoginError
from orchestrator.model import Site

# openid is what sites agreed on; some older ones still call it oidc.
_PROTOCOLS = ("openid", "oidc")
_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project that the person may enter."""

    id: str
    name: str
    vo: str | None = None  # the site's own word, egi.VO


@dataclass(frozen=True, slots=True, kw_only=True)
class KeystoneLogin:
    """One login at one site: good for about an hour, made new for every phase."""

    auth_url: str
    token: str = field(repr=False)  # unscoped, unless it says so below
    expires_at: datetime
    user_id: str
    user_name: str
    projects: tuple[Project, ...]
    project_id: str
    session: Session = field(repr=False)  # scoped to the project
    is_scoped: bool = False  # the token too: no other project can be named with it

    def seconds_left(self, now: datetime | None = None) -> float:
        """Return for how long the login is still good."""
        return (self.expires_at - (now or datetime.now(UTC))).total_seconds()


def login(
    site: Site,
    access_token: AccessToken,
    *,
    project_id: str | None,
    vo: str | None = None,
    timeout: float | None = None,
) -> KeystoneLogin:
    """Log in at a site; without a project the one that the site keeps for the VO is taken.

    ``timeout`` is the patience with each single answer.
    """
    origin = "the access token"
    access_token.require_issuer(site.issuer, site=site.name, origin=origin)
    access_token.require_seconds(10, origin=origin)
    # A redirect would carry the access token to wherever it points.
    access = _unscoped(site, access_token, session_of(site, timeout, redirect=False), vo)
    session = session_of(site, timeout)
    try:
        projects = _projects(site, access, session)
        chosen = _project(site, projects, project_id, vo, access_token)
        return _login(site, access, session, projects, chosen)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # JSON, and yet not what Keystone says.
        raise complaints.about(site, error) from error


def _login(
    site: Site,
    access: AccessInfoV3,
    session: Session,
    projects: tuple[Project, ...],
    chosen: str,
) -> KeystoneLogin:
    token = str(access.auth_token)
    session.auth = v3.Token(auth_url=site.endpoint, token=token, project_id=chosen)
    return KeystoneLogin(
        auth_url=site.endpoint,
        token=token,
        expires_at=access.expires,
        user_id=str(access.user_id),
        user_name=str(access.username),
        projects=projects,
        project_id=chosen,
        session=session,
    )


def session_of(site: Site, timeout: float | None = None, *, redirect: bool | int = 30) -> Session:
    """Return a session that trusts what the site's file says, and has no login yet."""
    if site.ca_bundle and not os.path.isfile(site.ca_bundle):
        raise complaints.no_ca_bundle(site)
    inner = web.session(site.ca_bundle)
    return Session(
        session=inner,
        verify=inner.verify,
        redirect=redirect,
        timeout=timeout or _TIMEOUT,
        app_name="egi-orchestrator",
    )


def _unscoped(site: Site, token: AccessToken, session: Session, vo: str | None) -> AccessInfoV3:
    first: Exception | None = None
    for protocol in dict.fromkeys((site.protocol, *_PROTOCOLS)):
        plugin = v3.OidcAccessToken(
            auth_url=site.endpoint,
            identity_provider=site.identity_provider,
            protocol=protocol,
            access_token=token.raw,
        )
        try:
            return plugin.get_unscoped_auth_ref(session)
        except (failures.NotFound, failures.Unauthorized) as error:
            first = _more_telling(first, error)
        except (failures.ClientException, AttributeError, KeyError, TypeError, ValueError) as error:
            # A redirect, or a login page for browsers, is no JSON: ValueError.
            raise complaints.about(site, error) from error
    raise complaints.about_token(site, first, token=token, vo=vo) from first


def _more_telling(first: Exception | None, second: Exception) -> Exception:
    # "No such protocol" says nothing about a token that another protocol refused.
    if first is None or (
        isinstance(first, failures.NotFound) and isinstance(second, failures.Unauthorized)
    ):
        return second
    return first


def _projects(site: Site, access: AccessInfoV3, session: Session) -> tuple[Project, ...]:
    try:
        answer = session.get(
            f"{site.endpoint}/auth/projects",
            headers={"X-Auth-Token": str(access.auth_token)},
            authenticated=False,
        )
    except failures.ClientException as error:
        raise complaints.about(site, error) from error
    listed: Sequence[dict[str, Any]] = web.json_object(answer)["projects"]
    return tuple(
        Project(id=entry["id"], name=entry.get("name", ""), vo=entry.get("egi.VO"))
        for entry in listed
        if entry.get("enabled", True)
    )


def _project(
    site: Site,
    projects: Sequence[Project],
    project_id: str | None,
    vo: str | None,
    token: AccessToken,
) -> str:
    mine = [project for project in projects if _is_asked_for(project, project_id, vo)]
    if len(mine) == 1:
        return mine[0].id
    if not mine:
        raise complaints.about_project(
            site, [project.name for project in projects], project_id, token=token, vo=vo
        )
    raise LoginError(
        f"{site.name} keeps {len(mine)} projects for {vo}, and its file names none of them.",
        facts={project.name: project.id for project in mine},
        way_out=[f"name one as project_id of {vo} in sites/{site.name}.yaml"],
    )


def _is_asked_for(project: Project, project_id: str | None, vo: str | None) -> bool:
    return project.id == project_id if project_id else vo is not None and project.vo == vo
