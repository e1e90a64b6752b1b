"""Lengths of time, as a person says them."""

from __future__ import annotations

from datetime import timedelta

_UNITS = ((86400, "days"), (3600, "h"), (60, "min"))


def span(length: timedelta | float) -> str:
    """Write a length of time, or so many seconds, by the largest unit of which it has two."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    whole = max(0, round(seconds))
    for size, unit in _UNITS:
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
