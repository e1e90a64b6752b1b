"""What one source lists at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.catalogue.endpoints import comparable

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVo:
    """A VO as a source lists it at a site."""

    name: str
    project_id: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A site as a source lists it."""

    name: str  # GOCDB name
    endpoint: str  # normalised
    at: datetime
    vos: tuple[ListedVo, ...] = ()
    file: str | None = None  # the stem of the file that describes it
    auth: str | None = None
    protocol: str | None = None
    region: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)  # certification, production

    @property
    def key(self) -> Key:
        """By what the sites of several sources are the same: name and endpoint."""
        return (self.name.casefold(), comparable(self.endpoint))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A site that a source has listed once, and since when it does not any more."""

    site: Listed
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All sites of one source."""

    source: str  # a key of SOURCES
    at: datetime
    sites: tuple[Listed, ...]
    gone: tuple[Gone, ...] = ()

    def by_key(self) -> dict[Key, Listed]:
        """Return the sites by name and endpoint."""
        return {site.key: site for site in self.sites}

    @property
    def shares(self) -> frozenset[tuple[str, str]]:
        """The pairs of site and VO."""
        return frozenset((site.name, vo.name) for site in self.sites for vo in site.vos)

    @property
    def vos(self) -> frozenset[str]:
        """All VOs of all sites."""
        return frozenset(vo for _, vo in self.shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What reading a source gave: its sites, what went wrong, and which files stay as they were."""

    sites: tuple[Listed, ...]
    warnings: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()  # stems of files that could not be read this time
