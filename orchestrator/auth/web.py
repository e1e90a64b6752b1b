"""HTTP to the issuer and to Keystone: time-outs, the site's own CA, no credentials from ~/.netrc."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests

TIMEOUT = (10.0, 30.0)


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def session(ca_bundle: Path | None) -> requests.Session:
    """Return a session that trusts the bundle, or the usual roots where there is none."""
    made = requests.Session()
    # Without an authentication of its own, requests puts a password of ~/.netrc
    # over our Authorization header.
    made.auth = _keep_headers
    made.verify = str(ca_bundle) if ca_bundle else True
    made.headers["Accept"] = "application/json"
    return made


def json_object(response: requests.Response) -> dict[str, Any]:
    """Return the answer's JSON object; what is none is an empty one."""
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
