"""HTTP to the issuer and to Keystone: time-outs, the site's own CA, no credentials from ~/.netrc."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

TIMEOUT = (10.0, 30.0)


class _Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self._merged: dict[Hashable, dict[str, Any]] = {}

    # REQUESTS_CA_BUNDLE, which is meant for the world at large, would else beat the bundle
    # that a session was given for one site. And requests looks for proxies in the whole
    # environment before each request, which takes as long as a small request itself.
    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        chosen = self.verify if verify is None else verify
        key = (*urlsplit(url)[:2], *(proxies or {}).items(), stream, chosen, cert)
        if key not in self._merged:
            found = super().merge_environment_settings(url, proxies, stream, chosen, cert)
            self._merged[key] = {**found}
        merged = self._merged[key]
        return {**merged, "proxies": dict(merged["proxies"])}


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def session(ca_bundle: Path | None) -> requests.Session:
    """Return a session that trusts the bundle, or the usual roots where there is none."""
    made = _Session()
    # Without an authentication of its own, requests puts a password of ~/.netrc
    # over our Authorization header.
    made.auth = _keep_headers
    made.verify = str(ca_bundle) if ca_bundle else True
    made.headers["Accept"] = "application/json"
    return made


def is_untrusted(error: Exception) -> bool:
    """Tell a certificate that is not trusted from a server that broke off."""
    text = str(error).lower()
    return "certificate" in text or "hostname" in text


def json_object(response: requests.Response) -> dict[str, Any]:
    """Return the answer's JSON object; what is none is an empty one."""
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
