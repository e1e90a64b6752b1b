"""The issuer's token endpoints: device code, refresh, client credentials, revocation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from orchestrator.auth import web
from orchestrator.errors import LoginError, SiteError

SCOPES = "openid profile email offline_access eduperson_entitlement"


class RefusedGrantError(Exception):
    """The issuer said no, by the error code of OAuth."""

    def __init__(self, *, code: str, description: str) -> None:
        super().__init__(description or code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One realm of Check-in, as one client sees it."""

    url: str
    client_id: str
    ca_bundle: Path | None = None

    def start_device(self) -> dict[str, Any]:
        """Ask for a code that a person types in elsewhere."""
        return self._post("auth/device", {"client_id": self.client_id, "scope": SCOPES})

    def poll_device(self, device_code: str) -> dict[str, Any]:
        """Ask whether the person has agreed; a RefusedGrantError says not yet."""
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        return self._token({"grant_type": grant, "device_code": device_code})

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        """Trade a refresh token for an access token."""
        return self._token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def client_credentials(self, secret: str) -> dict[str, Any]:
        """Get a token for the client itself."""
        return self._token(
            {"grant_type": "client_credentials", "client_secret": secret, "scope": "openid"}
        )

    def revoke(self, refresh_token: str) -> None:
        """End the login that a refresh token stands for."""
        form = {
            "client_id": self.client_id,
            "token": refresh_token,
            "token_type_hint": "refresh_token",
        }
        self._post("revoke", form)

    def userinfo(self, access_token: str) -> dict[str, Any]:
        """Return what the issuer tells about the person; empty when it will not."""
        headers = {"Authorization": f"Bearer {access_token}"}
        try:
            with web.session(self.ca_bundle) as session:
                response = session.get(
                    f"{self._base}/userinfo",
                    headers=headers,
                    timeout=web.TIMEOUT,
                    allow_redirects=False,
                )
        except requests.RequestException:
            return {}  # it only ever adds to a message
        return web.json_object(response) if response.status_code == 200 else {}

    def _token(self, form: Mapping[str, str]) -> dict[str, Any]:
        return self._post("token", {"client_id": self.client_id, **form})

    @property
    def _base(self) -> str:
        return f"{self.url.rstrip('/')}/protocol/openid-connect"

    def _post(self, endpoint: str, form: Mapping[str, str]) -> dict[str, Any]:
        url = f"{self._base}/{endpoint}"
        try:
            with web.session(self.ca_bundle) as session:
                response = session.post(
                    url, data=dict(form), timeout=web.TIMEOUT, allow_redirects=False
                )
        except requests.RequestException as error:
            raise self._unreachable(error) from error
        content = web.json_object(response)
        if response.status_code == 200:
            return content
        if "error" in content:
            raise RefusedGrantError(
                code=str(content["error"]), description=str(content.get("error_description", ""))
            )
        raise SiteError(
            f"the issuer {self.url} answered with HTTP {response.status_code}.",
            way_out=["try again in a while"],
        )

    def _unreachable(self, error: requests.RequestException) -> SiteError | LoginError:
        if isinstance(error, requests.exceptions.SSLError) and web.is_untrusted(error):
            trusted = self.ca_bundle or "the system's roots"
            return LoginError(
                f"the certificate of the issuer {self.url} is not trusted.",
                facts={"trusted": str(trusted)},
                way_out=["name its CA as ca_bundle in the site's file"],
            )
        slow = isinstance(error, requests.exceptions.Timeout)
        return SiteError(
            f"the issuer {self.url} {'did not answer in time' if slow else 'cannot be reached'}.",
            way_out=["try again, or check the network from here"],
        )
