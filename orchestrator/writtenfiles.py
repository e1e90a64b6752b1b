"""YAML files that people write: of bounded size, and without aliases, a few lines of which fill the memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import RequestError

_LONGEST = 64 * 1024


def read_yaml(path: Path, *, kind: str) -> Any:
    """Return what a file says; RequestError names the file and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > _LONGEST:
            raise RequestError(f"{path}: longer than {_LONGEST // 1024} KB, so it is not read")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise RequestError(f"{path}: aliases (*name) are not allowed in a {kind}")
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RequestError(f"{path}: {' '.join(str(error).split())}") from error
