"""Keystone endpoints as people write them, made comparable."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit

from orchestrator.names import in_url

_VERSION = re.compile(r"(/v(?:3|2\.0))+$")


def normalise(endpoint: str) -> str:
    """Return the endpoint with one /v3 at its end; raise ValueError where none can be made."""
    parts = urlsplit(endpoint.strip())
    _check(parts.scheme.lower(), parts.hostname, endpoint)
    path = _VERSION.sub("", parts.path.rstrip("/"))
    host = (parts.hostname or "").lower()
    return urlunsplit((parts.scheme.lower(), _authority(host, parts.port), path + "/v3", "", ""))


def comparable(endpoint: str) -> str:
    """Return a normalised endpoint without a port that its scheme implies."""
    parts = urlsplit(endpoint)
    implied = {"https": 443, "http": 80}.get(parts.scheme)
    return endpoint.replace(f":{implied}/", "/", 1) if parts.port == implied else endpoint


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(scheme: str, host: str | None, endpoint: str) -> None:
    if scheme not in ("http", "https") or not host:
        raise ValueError(f"{endpoint!r} is not the URL of a Keystone (https://host:5000/v3)")
    # A token sent in clear is a token given away.
    if scheme == "http" and not is_loopback(host):
        raise ValueError(f"{endpoint!r} is not encrypted: tokens travel by https only")


def _authority(host: str, port: int | None) -> str:
    return in_url(host) if port is None else f"{in_url(host)}:{port}"
