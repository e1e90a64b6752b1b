"""Logging in by device code: the person agrees in any browser, this machine gets the token."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.auth.issuer import Issuer, RefusedGrantError
from orchestrator.auth.refreshing import RefreshTokens
from orchestrator.auth.token import LOGIN_AGAIN, AccessToken
from orchestrator.errors import LoginError

_WAITING = ("authorization_pending", "slow_down")


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePrompt:
    """What the person is told: open this page, and check or type in the code."""

    url: str
    url_with_code: str
    code: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time as the waiting sees it."""

    now: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)


def login(
    issuer: Issuer,
    tokens: RefreshTokens,
    *,
    tell: Callable[[DevicePrompt], None],
    clock: Clock | None = None,
) -> AccessToken:
    """Log a person in, keep the refresh token, and return the first access token."""
    try:
        started = issuer.start_device()
    except RefusedGrantError as error:
        raise _refused(issuer, str(error)) from error
    tell(_prompt(started))
    answer = _wait(issuer, started, clock or Clock())
    token = AccessToken.read(str(answer.get("access_token", "")), origin="the issuer's answer")
    if answer.get("refresh_token"):
        tokens.keep(issuer, str(answer["refresh_token"]))
    return token


def _prompt(started: dict[str, Any]) -> DevicePrompt:
    url = str(started.get("verification_uri", ""))
    return DevicePrompt(
        url=url,
        url_with_code=str(started.get("verification_uri_complete", url)),
        code=str(started.get("user_code", "")),
        seconds=float(started.get("expires_in", 600)),
    )


def _wait(issuer: Issuer, started: dict[str, Any], clock: Clock) -> dict[str, Any]:
    interval = float(started.get("interval", 5))
    end = clock.now() + float(started.get("expires_in", 600))
    while clock.now() < end:
        clock.sleep(interval)
        try:
            return issuer.poll_device(str(started["device_code"]))
        except RefusedGrantError as error:
            if error.code not in _WAITING:
                raise _refused(issuer, str(error)) from error
            if error.code == "slow_down":
                interval += 5
    raise _refused(issuer, "nobody agreed before the code expired")


def _refused(issuer: Issuer, why: str) -> LoginError:
    return LoginError(f"the login at {issuer.url} did not work: {why}.", way_out=LOGIN_AGAIN)
