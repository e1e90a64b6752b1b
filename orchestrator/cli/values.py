"""Values of the library as a program reads them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def as_value(instance: DataclassInstance) -> dict[str, Any]:
    """Return a dataclass as plain JSON values; times and paths as text."""
    value: dict[str, Any] = json.loads(json.dumps(asdict(instance), default=str))
    return value
