"""An access token that somebody handed over: it cannot be renewed."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.auth.token import LOGIN_AGAIN, AccessToken
from orchestrator.errors import LoginError

SHORTEST = 60.0
_WAYS_OUT = (
    "hand over a fresh one: OIDC_ACCESS_TOKEN",
    "or unset that, and use a login that renews itself:",
    *LOGIN_AGAIN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenToken:
    """A ready-made token."""

    raw: str = field(repr=False)
    name: str = "the given token"

    @property
    def renews(self) -> bool:
        """False: nobody knows where it came from."""
        return False

    def access_token(self) -> AccessToken:
        """Return it while it has a minute left."""
        token = AccessToken.read(self.raw, origin=self.name)
        try:
            token.require_seconds(SHORTEST, origin=self.name)
        except LoginError as error:
            # A login of one's own would not help as long as this one comes first.
            raise LoginError(error.message, facts=error.facts, way_out=_WAYS_OUT) from error
        return token
