"""Passwords of this sandbox: made once, at random, never in git or in argv."""

import json
import secrets
from pathlib import Path

from sandbox import files

NAMES = (
    "admin",
    "services",
    "database",
    "broker",
    "robot",
    "keycloak_admin",
    "operator",
    "member",
    "other-vo",
    "no-vo",
)


def load(folder: Path) -> dict[str, str]:
    """Return the passwords by name, making those that are missing."""
    path = folder / "passwords.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    known.update({name: secrets.token_urlsafe(24) for name in NAMES if name not in known})
    files.folder(folder, mode=0o700)
    files.write(path, json.dumps(known, indent=1), mode=0o600)
    return known
