"""A Check-in access token: what it says, and for how long it is good."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from orchestrator.errors import LoginError
from orchestrator.spans import span

LOGIN_AGAIN = ("orchestrator login",)
CLOCK_SET = ("set the clock: timedatectl set-ntp true", "then the same command again")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token with its claims, decoded and not verified: the site does that."""

    raw: str = field(repr=False)
    issuer: str
    subject: str
    expires_at: datetime
    username: str | None = None
    entitlements: tuple[str, ...] | None = None  # None: the token does not tell
    issued_at: datetime | None = None
    audience: tuple[str, ...] = ()  # none: it is for whoever trusts the issuer

    @classmethod
    def read(cls, raw: str, *, origin: str = "the token") -> AccessToken:
        """Decode a token; what is none, or a refresh token, is a LoginError."""
        claims = _claims(raw.strip(), origin)
        if claims.get("typ") in ("Refresh", "Offline"):
            raise LoginError(
                f"{origin} is a refresh token, and an access token is needed.",
                way_out=LOGIN_AGAIN,
            )
        try:
            return cls(
                raw=raw.strip(),
                issuer=str(claims["iss"]).rstrip("/"),
                subject=str(claims["sub"]),
                expires_at=datetime.fromtimestamp(float(claims["exp"]), UTC),
                username=_text(claims.get("preferred_username")),
                entitlements=_texts(claims.get("eduperson_entitlement")),
                issued_at=datetime.fromtimestamp(float(claims["iat"]), UTC)
                if "iat" in claims
                else None,
                audience=_texts(claims.get("aud")) or (),
            )
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            raise _unreadable(origin, "it lacks a usable iss, sub or exp") from error

    def seconds_left(self, now: datetime | None = None) -> float:
        """Return for how long it is still good; below zero it is dead."""
        return (self.expires_at - (now or datetime.now(UTC))).total_seconds()

    def require_seconds(self, seconds: float, *, origin: str, now: datetime | None = None) -> None:
        """Refuse a token that ends too soon to do anything with it."""
        left = self.seconds_left(now)
        if left >= seconds:
            return
        when = f"expired {span(-left)} ago" if left <= 0 else f"expires in {span(left)}"
        raise LoginError(
            f"{origin} {when}.", facts={"needed": f"{span(seconds)} at least"}, way_out=LOGIN_AGAIN
        )

    def require_fresh(self, seconds: float, *, origin: str) -> None:
        """Refuse one that was made just now and ends too soon; a wrong clock is named as the cause."""
        left = self.seconds_left()
        if self.issued_at is not None:
            life = (self.expires_at - self.issued_at).total_seconds()
            if left < seconds <= life:
                raise LoginError(
                    f"the clock of this machine is {span(life - left)} ahead of that of {self.issuer}:"
                    f" by it a token made just now for {span(life)} is at its end.",
                    way_out=CLOCK_SET,
                )
        self.require_seconds(seconds, origin=origin)

    def require_issuer(self, issuer: str, *, site: str, origin: str) -> None:
        """Refuse to show the token to a site that trusts another issuer."""
        if self.issuer == issuer.rstrip("/"):
            return
        raise LoginError(
            f"{origin} is not for {site}: it comes from another issuer, so it is not sent there.",
            facts={"token of": self.issuer, f"{site} trusts": issuer.rstrip("/")},
            way_out=[f"orchestrator login --site {site}"],
        )


def _claims(raw: str, origin: str) -> Mapping[str, Any]:
    parts = raw.split(".")
    if len(parts) != 3:
        raise _unreadable(origin, "it is not a JSON Web Token (three parts with dots between)")
    body = parts[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError) as error:
        raise _unreadable(origin, "its claims cannot be decoded") from error
    if not isinstance(claims, dict):
        raise _unreadable(origin, "its claims are not an object")
    return claims


def _unreadable(origin: str, why: str) -> LoginError:
    return LoginError(f"{origin} is not an access token: {why}.", way_out=LOGIN_AGAIN)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    # A single value may come as a string; anything else that is no list tells nothing.
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        return None
    return tuple(urn for urn in value if isinstance(urn, str))
