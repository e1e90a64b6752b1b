"""Tokens of a service account, by client credentials."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.auth.given import SHORTEST
from orchestrator.auth.issuer import Issuer, RefusedGrantError
from orchestrator.auth.token import AccessToken
from orchestrator.errors import LoginError


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotToken:
    """A client that logs in as itself, for pipelines."""

    issuer: Issuer
    secret: str = field(repr=False)

    @property
    def name(self) -> str:
        """The client."""
        return f"the service account {self.issuer.client_id}"

    @property
    def renews(self) -> bool:
        """True: it gives a new token each time."""
        return True

    def access_token(self) -> AccessToken:
        """Ask the issuer for a new one."""
        try:
            answer = self.issuer.client_credentials(self.secret)
        except RefusedGrantError as error:
            raise LoginError(
                f"{self.name} gets no token at {self.issuer.url}: {error}.",
                way_out=["check client_id and client_secret_file in config.yaml"],
            ) from error
        token = AccessToken.read(str(answer.get("access_token", "")), origin="the issuer's answer")
        token.require_fresh(SHORTEST, origin=f"the token of {self.name}")
        return token
