"""Times as a person writes and reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(r"(\d+)\s*(s|m|min|h|d|w)")


def moment(at: datetime) -> str:
    """Write a point in time."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


class Span(click.ParamType[timedelta]):
    """A length of time: 30m, 2h, 7d."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read it."""
        found = _SPAN.fullmatch(str(value).strip())
        if isinstance(value, timedelta):
            return value
        if not found or not int(found[1]):
            self.fail(f"{value!r} is no time; write 30m, 2h or 7d", param, ctx)
        return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


class Moment(click.ParamType[datetime]):
    """A point in time: 2026-11-20, 2026-11-20T14:00 (UTC unless it says else), or 7d for a week ago."""

    name = "date"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read it."""
        text = str(value).strip()
        found = _SPAN.fullmatch(text)
        if found:
            return datetime.now(UTC) - timedelta(seconds=int(found[1]) * _UNITS[found[2]])
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{value!r} is no date; write 2026-11-20, or 7d for a week ago", param, ctx)
        return read if read.tzinfo else read.replace(tzinfo=UTC)
