"""The shipped list as a whole: its date, and the names by which people know the sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from orchestrator import paths
from orchestrator.catalogue.layers import SiteFolder
from orchestrator.catalogue.sources.known import SITE_FILES, TITLES
from orchestrator.writtenfiles import load_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What is known about the shipped list as a whole."""

    dated: date
    aliases: Mapping[str, str]
    try_first: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Index:
        """Read the index beside the shipped site files."""
        content = load_yaml(path.read_bytes())
        return cls(
            dated=content["date"],
            aliases=content["aliases"],
            try_first=tuple(content["try_first"]),
        )

    @classmethod
    def shipped(cls) -> Index:
        """Read the one that is shipped."""
        return cls.read(paths.TEMPLATES / "sites.yaml")

    @property
    def at(self) -> datetime:
        """The first moment of the day of the list."""
        return datetime.combine(self.dated, time(), UTC)

    @property
    def folder(self) -> SiteFolder:
        """The shipped list."""
        return SiteFolder(
            path=paths.TEMPLATES / "sites",
            trusted=False,
            source=TITLES[SITE_FILES],
            dated=self.at,
        )
