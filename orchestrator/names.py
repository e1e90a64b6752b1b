"""Names of deployments, part of every resource's name at the site; addresses of hosts as URLs have them."""

from __future__ import annotations

import re
import secrets

from orchestrator.errors import RequestError

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
# No letters that look like digits, no vowels that make words.
_LETTERS = "23456789bcdfghjkmnpqrstvwxz"


def check_name(name: str) -> str:
    """Return the name, or raise RequestError when no host could have it."""
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"{name!r} cannot be the name of a deployment",
            facts={"a name is": "1 to 40 of a-z, 0-9 and -, a letter first, no - at the end"},
        )
    return name


def make_name(use_case: str) -> str:
    """Return a new name for a deployment of a use case."""
    start = re.sub(r"[^a-z0-9]+", "-", use_case.lower())[:30].strip("-0123456789")
    return f"{start}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"


def in_url(host: str) -> str:
    """Return a host's name or address as it stands in a URL or before a port: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
