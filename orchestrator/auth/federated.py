"""Tokens of oidc-agent and mytoken, both through fedcloudclient."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.auth.given import SHORTEST
from orchestrator.auth.token import AccessToken
from orchestrator.drivers.fedcloud import FedcloudClient


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentToken:
    """The token of an oidc-agent account."""

    account: str
    client: FedcloudClient

    @property
    def name(self) -> str:
        """The account."""
        return f"oidc-agent account {self.account}"

    @property
    def renews(self) -> bool:
        """True: it gives a new token each time."""
        return True

    def access_token(self) -> AccessToken:
        """Ask the agent, which renews the token by itself."""
        return _good(self.client.token_from_agent(self.account), self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MytokenToken:
    """The token that a mytoken stands for."""

    mytoken: str = field(repr=False)
    server: str
    client: FedcloudClient

    @property
    def name(self) -> str:
        """The server."""
        return f"the mytoken at {self.server}"

    @property
    def renews(self) -> bool:
        """True: it gives a new token each time."""
        return True

    def access_token(self) -> AccessToken:
        """Ask the server."""
        raw = self.client.token_from_mytoken(self.mytoken, server=self.server)
        return _good(raw, self.name)


def _good(raw: str, origin: str) -> AccessToken:
    token = AccessToken.read(raw, origin=f"the answer of {origin}")
    token.require_seconds(SHORTEST, origin=f"the token of {origin}")
    return token
