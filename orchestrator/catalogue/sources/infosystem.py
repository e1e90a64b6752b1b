"""is.cloud.egi.eu: which sites published something lately, and for which VOs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, Field, StrictStr, TypeAdapter, ValidationError

from orchestrator.catalogue.endpoints import normalise
from orchestrator.catalogue.sources.listing import Found, Listed, ListedVo
from orchestrator.catalogue.sources.reading import Reader, SourceError

_Name = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class _Project(BaseModel):
    id: StrictStr
    name: _Name  # the VO


class _Site(BaseModel):
    id: StrictStr = ""
    name: _Name
    url: StrictStr
    projects: list[_Project] | None = None


_SITES = TypeAdapter(list[_Site])
_PROJECTS = TypeAdapter(list[_Project])


def read(address: str, reader: Reader) -> Found:
    """Read all sites with their projects; an older service is asked for each site's."""
    base = address.rstrip("/")
    sites = _sites(reader.get(f"{base}/sites/?include_projects=true"))
    found: list[Listed] = []
    warnings: list[str] = []
    for site in sites:
        try:
            found.append(_listed(site, _projects(site, base, reader)))
        except (SourceError, ValueError) as error:
            warnings.append(f"{site.name}: {error}")
    return Found(sites=tuple(found), warnings=tuple(warnings))


def _sites(content: bytes) -> list[_Site]:
    try:
        return _SITES.validate_json(content)
    except ValidationError as error:
        raise SourceError("the answer is not its list of sites") from error


def _projects(site: _Site, base: str, reader: Reader) -> Sequence[_Project]:
    if site.projects is not None:
        return site.projects
    content = reader.get(f"{base}/site/{quote(site.name, safe='')}/projects")
    try:
        return _PROJECTS.validate_json(content)
    except ValidationError as error:
        raise SourceError("the answer is not its list of projects") from error


def _listed(site: _Site, projects: Sequence[_Project]) -> Listed:
    # Of two endpoints with one name the service renames the older one: NAME-<its id>.
    name = site.name.removesuffix(f"-{site.id}") if site.id else site.name
    return Listed(
        name=name,
        endpoint=normalise(site.url),
        at=datetime.now(UTC),
        vos=tuple(ListedVo(name=one.name, project_id=one.id or None) for one in projects),
    )
