"""The copies of the sources' lists that a refresh keeps."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from orchestrator.catalogue.layers import Layer
from orchestrator.catalogue.sources import sitefiles
from orchestrator.catalogue.sources.known import SITE_FILES
from orchestrator.catalogue.sources.listing import Listing
from orchestrator.errors import SetupError

Listings = Mapping[str, Listing]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    format: Literal[1]
    listings: tuple[Listing, ...]


# Made once, and not before it is needed: that takes as long as reading the file.
@functools.cache
def _adapter() -> TypeAdapter[_File]:
    return TypeAdapter(_File)


def path(cache: Path) -> Path:
    """Return the file of the kept copies."""
    return cache / "catalogue" / "listings.json"


def read(cache: Path) -> tuple[Listings, str | None]:
    """Return the kept copies by source, and what is wrong with their file, if anything."""
    file = path(cache)
    try:
        content = _adapter().validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}, None
    except OSError as error:
        return {}, f"{file}: {error.strerror}; the shipped list is used"
    except ValidationError:
        return {}, f"{file} is damaged and not used (renew it: orchestrator catalogue refresh)"
    return {listing.source: listing for listing in content.listings}, None


def write(cache: Path, listings: Iterable[Listing]) -> None:
    """Keep the copies; a reader sees the old file or the new one, whole."""
    file = path(cache)
    content = _adapter().dump_json(_File(format=1, listings=tuple(listings)))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _replace(file, content)
    except OSError as error:
        raise SetupError(
            f"{file} cannot be written: {error.strerror}.",
            way_out=["make room or give yourself the right to write there, then refresh again"],
        ) from error


def in_force(kept: Listings, shipped: Listing) -> Listings:
    """Return the newest list of each source; one older than the shipped list has had its time."""
    newer = {source: one for source, one in kept.items() if one.at >= shipped.at}
    return {SITE_FILES: shipped, **newer}


def shipped(folder: Layer, at: datetime) -> Listing:
    """Return the shipped list as a refresh of its day would have found it."""
    files = [read for read in folder.read([]) if read.site.endpoint]
    return Listing(
        source=SITE_FILES, at=at, sites=tuple(sitefiles.listed(read, at=at) for read in files)
    )


def _replace(file: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
