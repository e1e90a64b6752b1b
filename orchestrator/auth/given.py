"""An access token that somebody handed over: it cannot be renewed."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.auth.token import AccessToken

SHORTEST = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenToken:
    """A ready-made token."""

    raw: str = field(repr=False)
    name: str = "the given token"

    def access_token(self) -> AccessToken:
        """Return it while it has a minute left."""
        token = AccessToken.read(self.raw, origin=self.name)
        token.require_seconds(SHORTEST, origin=self.name)
        return token
