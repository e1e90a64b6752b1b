"""What every source of access tokens has in common."""

from __future__ import annotations

from typing import Protocol

from orchestrator.auth.token import AccessToken


class TokenSource(Protocol):
    """A place that gives access tokens, fresh ones where it can."""

    @property
    def name(self) -> str:
        """The source as a person knows it."""
        ...

    @property
    def renews(self) -> bool:
        """Whether it can give another token when the first one has ended."""
        ...

    def access_token(self) -> AccessToken:
        """Return a token that is good for a while, or raise LoginError."""
        ...
