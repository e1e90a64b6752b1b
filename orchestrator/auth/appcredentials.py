"""Application credentials: a login for one project that needs no token, until it expires."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keystoneauth1 import exceptions as failures
from keystoneauth1.access import AccessInfoV3
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from orchestrator.auth import complaints, keystone, web
from orchestrator.auth.keystone import KeystoneLogin
from orchestrator.errors import LoginError, OrchestratorError
from orchestrator.model import Site
from orchestrator.workdir import write_atomically

_FILE = "application-credential.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCredential:
    """An application credential of one deployment, with its secret."""

    id: str
    secret: str = field(repr=False)
    user_id: str
    project_id: str
    expires_at: str  # ISO, UTC

    @property
    def ends_at(self) -> datetime:
        """The moment of its end."""
        return datetime.fromisoformat(self.expires_at)

    def seconds_left(self, now: datetime | None = None) -> float:
        """Return for how long it is still good."""
        return (self.ends_at - (now or datetime.now(UTC))).total_seconds()


def keep(folder: Path, credential: AppCredential) -> None:
    """Write it into the deployment's folder of secrets, for its owner alone."""
    write_atomically(folder / _FILE, json.dumps(asdict(credential)))


def kept(folder: Path) -> AppCredential | None:
    """Return the one that is kept and has not expired, None where there is none."""
    try:
        found = AppCredential(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        # Without the words of it, which may be the secret.
        raise LoginError(
            "the deployment's application credential cannot be read",
            facts={"file": str(folder / _FILE)},
            way_out=["remove the file: the next deploy makes another"],
        ) from error
    return found if found.seconds_left() > 0 else None


def make(site: Site, login: KeystoneLogin, *, name: str, expires_at: datetime) -> AppCredential:
    """Have the site make one for the login's project: the roles of the login, and no power to make more.

    Raises LoginError when the site does not give any to this person.
    """
    asked = {
        "name": name,
        "description": f"made by orchestrator for the deployment {name}",
        "unrestricted": False,
        "expires_at": f"{expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}",
    }
    try:
        answer = login.session.post(
            _address(site, login.user_id), json={"application_credential": asked}
        )
    except failures.ClientException as error:
        raise _refused(site, error) from error
    told: dict[str, Any] = web.json_object(answer).get("application_credential", {})
    if not (told.get("id") and told.get("secret")):
        raise LoginError(f"{site.name} made an application credential and did not tell its secret.")
    return AppCredential(
        id=str(told["id"]),
        secret=str(told["secret"]),
        user_id=login.user_id,
        project_id=login.project_id,
        expires_at=expires_at.astimezone(UTC).isoformat(),
    )


def remove(site: Site, login: KeystoneLogin, credential: AppCredential) -> None:
    """Have the site forget it; one that is gone already is no error.

    Raises LoginError where the login is one by application credential: those may not.
    """
    address = f"{_address(site, credential.user_id)}/{credential.id}"
    try:
        login.session.delete(address)
    except failures.NotFound:
        return
    except failures.Forbidden as error:
        raise LoginError(
            f"{site.name} keeps the application credential until it expires"
            f" ({credential.expires_at:.10}): another login than this has to remove it."
        ) from error
    except failures.ClientException as error:
        raise complaints.about(site, error) from error


def login(site: Site, credential: AppCredential) -> KeystoneLogin:
    """Log in with it; the login is bound to its project."""
    session = keystone.session_of(site)
    plugin = v3.ApplicationCredential(
        auth_url=site.endpoint,
        application_credential_id=credential.id,
        application_credential_secret=credential.secret,
        # Else the library would keep the secret and log in again whenever it likes.
        reauthenticate=False,
    )
    access = _access(site, plugin, session)
    session.auth = plugin
    return KeystoneLogin(
        auth_url=site.endpoint,
        token=str(access.auth_token),
        expires_at=access.expires,
        user_id=str(access.user_id),
        user_name=str(access.username),
        projects=(),
        project_id=credential.project_id,
        session=session,
        is_scoped=True,
    )


def _access(site: Site, plugin: v3.ApplicationCredential, session: Session) -> AccessInfoV3:
    try:
        return plugin.get_access(session)
    except (failures.Unauthorized, failures.NotFound) as error:
        raise LoginError(
            f"{site.name} does not accept the deployment's application credential"
            f" (HTTP {error.http_status}): it was removed, or your roles in the project have ended.",
        ) from error
    except (failures.ClientException, AttributeError, KeyError, TypeError, ValueError) as error:
        raise complaints.about(site, error) from error


def _address(site: Site, user_id: str) -> str:
    return f"{site.endpoint}/users/{user_id}/application_credentials"


def _refused(site: Site, error: failures.ClientException) -> OrchestratorError:
    status = getattr(error, "http_status", None)
    if status == 400 and "role assignment" in str(error):
        # Keystone looks for roles of the user, and those of a mapped group are forgotten after
        # the login unless the site keeps them for a while.
        return LoginError(
            f"{site.name} gives no application credentials to people who log in by Check-in:"
            " their roles come with each login and are not kept.",
            way_out=["the site can change that: authorization_ttl of its identity provider"],
        )
    if status in (401, 403, 404, 405, 501):
        return LoginError(f"{site.name} gives no application credentials (HTTP {status}).")
    return complaints.about(site, error)
