"""Terraform's and the provider's complaints as errors that a person can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import (
    DeploymentFailedError,
    LoginEndedError,
    LoginError,
    OrchestratorError,
    SetupError,
    SiteError,
)


@dataclass(frozen=True, slots=True)
class _Meaning:
    pattern: str
    error: type[OrchestratorError]
    message: str
    way_out: tuple[str, ...]


_MEANINGS = (
    _Meaning(
        # Keystone says 404 to a login with a token that has expired or was revoked.
        r"got 401|\b401\b.*[Uu]nauthor|Authentication failed|requires authentication"
        r"|auth/tokens\], but got 404|not a recognized Fernet token|Failed to validate token",
        LoginEndedError,
        "the site no longer accepts the login",
        ("log in again: orchestrator login",),
    ),
    _Meaning(
        r"got 403.*(?i:quota|exceeded)|[Qq]uota exceeded|OverQuota|exceeds allowed .* quota",
        SiteError,
        "the project's quota at the site is used up",
        ("destroy what is no longer needed, or ask the site for more",),
    ),
    _Meaning(
        r"got 403|\b403\b.*Forbidden|disallowed by policy",
        LoginError,
        "the site does not allow this to you",
        ("ask the VO's managers or the site which role is needed",),
    ),
    _Meaning(
        r"No valid host",
        SiteError,
        "the site has no room for a machine of this flavor now",
        ("try later, or choose another flavor or site",),
    ),
    _Meaning(
        r"No more IP addresses|IpAddressGenerationFailure|ExternalIpAddressExhausted",
        SiteError,
        "the external network has no free address",
        ("try later, or choose another public network",),
    ),
    _Meaning(
        r"no space left on device|disk quota exceeded",
        SetupError,
        "the disk of this machine is full",
        ("make room",),
    ),
    _Meaning(
        r"x509|certificate signed by unknown|certificate verify failed",
        SiteError,
        "the site's certificate is not trusted here",
        ("name the site's CA in its file: ca_bundle",),
    ),
    _Meaning(
        r"connection refused|no such host|i/o timeout|context deadline exceeded|TLS handshake"
        r"|connection reset|network is unreachable|no route to host|got (?:429|50\d)",
        SiteError,
        "the site does not answer",
        ("try later",),
    ),
    _Meaning(
        r"timeout while waiting for state",
        SiteError,
        "the site did not finish in time",
        ("try later",),
    ),
    _Meaning(
        r"Saved plan is stale",
        DeploymentFailedError,
        "something has changed since the plan was made",
        ("plan again",),
    ),
    _Meaning(
        r"Error acquiring the state lock",
        DeploymentFailedError,
        "another Terraform works on this deployment",
        ("wait for it to end",),
    ),
)


def as_error(
    verb: str, diagnostics: Sequence[Mapping[str, Any]], *, text: str = "", secret: str = ""
) -> OrchestratorError:
    """Return the error that fits what Terraform said; ``secret`` is struck out of its words."""
    words = [_words(diagnostic) for diagnostic in diagnostics] or [_last_lines(text)]
    # The code of the answer tells more than its message, and is left out of what is shown.
    whole = "\n".join([*words, *(_said(diagnostic) for diagnostic in diagnostics)])
    found = next((one for one in _MEANINGS if re.search(one.pattern, whole)), None)
    facts: dict[str, str] = {}
    for index, one in enumerate(words):
        # One cause often stops several resources: its words are told once.
        if one and _hidden(one, secret) not in facts.values():
            facts[_place(index, diagnostics)] = _hidden(one, secret)
    if found is None:
        return DeploymentFailedError(f"terraform {verb} failed", facts=facts)
    return found.error(found.message, facts=facts, way_out=found.way_out)


def errors_among(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the errors among Terraform's events, warnings left out."""
    told = (event.get("diagnostic") for event in events if event.get("type") == "diagnostic")
    return [one for one in told if isinstance(one, Mapping) and one.get("severity") == "error"]


def as_event(line: str) -> Mapping[str, Any] | None:
    """Return a line of Terraform's JSON stream, None for plain text and cut-off lines."""
    if not line.startswith('{"@'):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _words(diagnostic: Mapping[str, Any]) -> str:
    """Return the provider's own words on a few plain lines, JSON bodies opened."""
    summary, said = str(diagnostic.get("summary", "")), _said(diagnostic)
    inner = re.search(r'"message":\s*"((?:[^"\\]|\\.)*)"', said)
    if inner:
        start = re.split(r"[:,] (?:Expected HTTP|Bad request|Request forbidden)", summary)[0]
        said = f"{start}: {inner[1]}"
    return " ".join(said.split())[:1000]


def _said(diagnostic: Mapping[str, Any]) -> str:
    summary, detail = str(diagnostic.get("summary", "")), str(diagnostic.get("detail", ""))
    return f"{summary}: {detail}" if detail else summary


def _place(index: int, diagnostics: Sequence[Mapping[str, Any]]) -> str:
    address = str(diagnostics[index].get("address", "")) if diagnostics else ""
    return address or ("Terraform says" if index == 0 else f"Terraform says ({index + 1})")


def _last_lines(text: str) -> str:
    return " ".join(text.split())[-1000:]


def _hidden(words: str, secret: str) -> str:
    return words.replace(secret, "***") if secret else words
