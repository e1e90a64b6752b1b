"""The environment of child processes: built from a short list, never inherited."""

from __future__ import annotations

from collections.abc import Mapping

_PASSED_ON = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        # The keys of a person's jump host may be there; what goes to our nodes never asks it.
        "SSH_AUTH_SOCK",
    }
)
_GO = frozenset({"GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOTOOLCHAIN", "XDG_CACHE_HOME"})
_USUAL_PATH = "/usr/local/bin:/usr/bin:/bin"


def child_environment(
    env: Mapping[str, str], own: Mapping[str, str] | None = None, *, go: bool = False
) -> dict[str, str]:
    """Return what a child may know: paths, language, proxies, CAs, and its ``own`` values.

    Whatever else the caller has, tokens and TF_* or ANSIBLE_* settings above all, stays out.
    """
    names = _PASSED_ON | _GO if go else _PASSED_ON
    kept = {name: value for name, value in env.items() if name in names or name.upper() in names}
    # Programs whose answers are read must not answer in the person's language.
    return {"PATH": _USUAL_PATH, "HOME": "/nonexistent", **kept, "LC_ALL": "C.UTF-8", **(own or {})}
