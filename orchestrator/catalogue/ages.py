"""How old a list is, as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestrator.spans import span


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The copy of one source's list that is in force."""

    title: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """Where the list of sites comes from, and of when each part is."""

    shipped: datetime
    refreshed: datetime | None = None
    older: Sequence[Copy] = ()  # what the last refresh could not renew

    def text(self, now: datetime | None = None) -> str:
        """Return origin and age on one line."""
        if self.refreshed is None:
            return f"{day(self.shipped)}, shipped with this version"
        ago = span((now or datetime.now(UTC)) - self.refreshed)
        parts = [f"{day(self.refreshed)}, refreshed {ago} ago"]
        parts += [f"{copy.title} of {day(copy.at)}" for copy in self.older]
        return "; ".join(parts)


def day(at: datetime) -> str:
    """Write a day: 1 Jul 2026."""
    return f"{at.day} {at:%b %Y}"
