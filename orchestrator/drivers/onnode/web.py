"""Asks a web service and tells its answer. It runs on a node by `python3 -c`, and here for a tunnel."""

from __future__ import annotations

import base64
import json
import ssl
import sys
import urllib.error
import urllib.request
from typing import Any

LONGEST = 1 << 20


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Let a redirect be the answer: it may lead away from what is asked."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        """Follow nothing."""


def ask(url: str, user: str, password: str, seconds: float) -> dict[str, Any]:
    """Return the status and the text of an answer; a status of 0 says that there was none, and why."""
    # The way to it is SSH or the loopback: its certificate is nobody's, and it is asked directly.
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=trusting),
        _NoRedirect(),
    )
    request = urllib.request.Request(url)
    if user:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", "Basic " + pair)
    try:
        with opener.open(request, timeout=seconds) as answer:
            return {"status": answer.status, "text": _text(answer)}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "text": _text(error)}
    except (OSError, ValueError, ssl.SSLError, urllib.error.URLError) as error:
        return {"status": 0, "text": str(getattr(error, "reason", error))}
    except Exception as error:  # http.client has its own family: a service that speaks no HTTP
        return {"status": 0, "text": f"{type(error).__name__}: {error}"}


def _text(answer: Any) -> str:
    try:
        return str(answer.read(LONGEST).decode("utf-8", "replace"))
    except OSError as error:
        return str(error)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask(**json.loads(sys.stdin.readline()))))
