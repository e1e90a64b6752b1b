#!/usr/bin/python3 -I
"""Tells PAM whether what somebody typed is a token of theirs: pam_exec expose_authtok verify URL.

What comes on standard input is an access token or a one-time password of motley-cue, which
knows whose it is.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

LONGEST = 4096


def is_theirs(typed: str, user: str, url: str) -> bool:
    """Ask motley-cue whether this token belongs to this account, and the account is in use."""
    if not typed or not typed.isprintable() or not typed.isascii():
        return False
    request = urllib.request.Request(f"{url}?{urllib.parse.urlencode({'username': user})}")
    request.add_header("Authorization", f"Bearer {typed}")
    # A token goes to this machine and no proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answered:
            told = json.load(answered)
    except urllib.error.HTTPError as error:
        print(f"motley-cue refuses {user}: {error.code}", file=sys.stderr)
        return False
    except (OSError, ValueError) as error:
        print(f"motley-cue does not answer: {error}", file=sys.stderr)
        return False
    return told.get("verified") is True and told.get("state") == "deployed"


def main() -> int:
    """Return 0 when PAM may let them in."""
    typed = sys.stdin.buffer.read(LONGEST).rstrip(b"\0\n").decode("ascii", errors="replace")
    return 0 if is_theirs(typed, os.environ.get("PAM_USER", ""), sys.argv[1]) else 1


if __name__ == "__main__":
    sys.exit(main())
