"""The sources that EGI has, in the order in which they are believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.catalogue.sources import gocdb, infosystem, sitefiles
from orchestrator.catalogue.sources.listing import Found
from orchestrator.catalogue.sources.reading import Reader

SITE_FILES = "site-files"
GOCDB = "gocdb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place that lists sites, and how it is read."""

    key: str
    title: str
    address: str
    read: Callable[[str, Reader], Found]


SOURCES = (
    Source(
        key=SITE_FILES,
        title="EGI's site files",
        address="https://api.github.com/repos/EGI-Federation/fedcloud-catchall-operations/contents/sites",
        read=sitefiles.read_folder,
    ),
    Source(
        key="fedcloudclient",
        title="fedcloudclient's list",
        address="https://raw.githubusercontent.com/tdviet/fedcloudclient/master/config/sites.yaml",
        read=sitefiles.read_list,
    ),
    Source(
        key="infosystem",
        title="is.cloud.egi.eu",
        address="https://is.cloud.egi.eu",
        read=infosystem.read,
    ),
    Source(
        key=GOCDB,
        title="GOCDB",
        address="https://goc.egi.eu/gocdbpi/public/",
        read=gocdb.read,
    ),
)
TITLES = {source.key: source.title for source in SOURCES}
