"""Refresh tokens kept between runs, each in a file that nobody else can read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from orchestrator.auth.given import SHORTEST
from orchestrator.auth.issuer import Issuer, RefusedGrantError
from orchestrator.auth.token import LOGIN_AGAIN, AccessToken
from orchestrator.errors import LoginError, OrchestratorError


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTokens:
    """The folder of kept refresh tokens: one file per issuer and client."""

    folder: Path

    def has(self, issuer: Issuer) -> bool:
        """Tell whether a login is kept."""
        return self._path(issuer).is_file()

    def read(self, issuer: Issuer) -> str:
        """Return the kept refresh token."""
        try:
            return str(json.loads(self._path(issuer).read_text())["refresh_token"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LoginError(
                f"there is no login at {issuer.url} on this machine.", way_out=LOGIN_AGAIN
            ) from error

    def keep(self, issuer: Issuer, refresh_token: str) -> None:
        """Write the token so that a reader sees the old one or the new one, whole."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {
            "issuer": issuer.url,
            "client_id": issuer.client_id,
            "refresh_token": refresh_token,
        }
        handle, name = tempfile.mkstemp(dir=self.folder)  # 0600 from its first moment
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(content, file)
            os.replace(name, self._path(issuer))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def forget(self, issuer: Issuer) -> None:
        """Remove the file."""
        self._path(issuer).unlink(missing_ok=True)

    def _path(self, issuer: Issuer) -> Path:
        key = f"{issuer.url.rstrip('/')} {issuer.client_id}"
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLogin:
    """The login that a person made with ``orchestrator login``."""

    issuer: Issuer
    tokens: RefreshTokens

    @property
    def name(self) -> str:
        """The issuer."""
        return f"the login at {self.issuer.url}"

    @property
    def renews(self) -> bool:
        """True: it gives a new token each time."""
        return True

    def access_token(self) -> AccessToken:
        """Trade the kept refresh token for a fresh access token."""
        try:
            answer = self.issuer.refresh(self.tokens.read(self.issuer))
        except RefusedGrantError as error:
            raise LoginError(
                f"{self.name} has ended: {error}.",
                way_out=LOGIN_AGAIN,
            ) from error
        if answer.get("refresh_token"):
            self.tokens.keep(self.issuer, str(answer["refresh_token"]))
        token = AccessToken.read(str(answer.get("access_token", "")), origin="the issuer's answer")
        token.require_fresh(SHORTEST, origin="the issuer's answer")
        return token


def logout(issuer: Issuer, tokens: RefreshTokens) -> bool:
    """End the login and forget it; False where there was none."""
    if not tokens.has(issuer):
        return False
    # Forgetting must work without the issuer: the token then ends by itself.
    with contextlib.suppress(OrchestratorError, RefusedGrantError):
        issuer.revoke(tokens.read(issuer))
    tokens.forget(issuer)
    return True
