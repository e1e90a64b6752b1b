"""The secrets of a deployment: made once, kept in files for their owner alone, shown on purpose only."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from pathlib import Path

from orchestrator.errors import RequestError
from orchestrator.workdir import Workdir, write_atomically

_LETTERS = string.ascii_letters + string.digits
_LENGTH = 24  # 143 bits, and nothing that a shell, a URL or YAML reads in its own way


def make_missing(workdir: Workdir, names: Iterable[str]) -> bool:
    """Make the secrets that are not there yet; tell whether any was made."""
    missing = [name for name in names if not _file(workdir, name).is_file()]
    for name in missing:
        made = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        write_atomically(_file(workdir, name), made)
    return bool(missing)


def read_all(workdir: Workdir, names: Iterable[str]) -> dict[str, str]:
    """Return the value of each secret."""
    return {name: read_one(workdir, name) for name in names}


def read_one(workdir: Workdir, name: str) -> str:
    """Return the value of one secret; RequestError where it has not been made yet."""
    try:
        return _file(workdir, name).read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise RequestError(
            f"the secret {name} has not been made yet",
            way_out=["deploy first: it is made when the nodes are configured"],
        ) from error


def _file(workdir: Workdir, name: str) -> Path:
    return workdir.secrets / f"{name}.secret"
