"""One site file: EGI's schema and our keys, read and checked."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError, field_validator

from orchestrator.catalogue.endpoints import normalise

# The C parser is ten times quicker and not part of every build of PyYAML.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Auth(BaseModel):
    """How one VO enters the site."""

    model_config = ConfigDict(extra="allow")

    project_id: StrictStr | None = None
    region: StrictStr | None = None


class VoEntry(BaseModel):
    """One VO of a site file."""

    model_config = ConfigDict(extra="allow")

    name: StrictStr = Field(min_length=1)
    auth: Auth = Auth()


class SiteFile(BaseModel):
    """The keys of a site file; a file over another one gives only those that differ."""

    model_config = ConfigDict(extra="allow")

    gocdb: StrictStr | None = Field(default=None, min_length=1)
    endpoint: StrictStr | None = None
    auth: StrictStr | None = None
    region: StrictStr | None = None
    protocol: StrictStr | None = None
    images: dict[str, Any] | None = None
    accounting: dict[str, Any] | None = None
    vos: list[VoEntry] | None = None
    # Ours.
    identity_provider: StrictStr | None = None
    issuer: StrictStr | None = None
    client_id: StrictStr | None = None
    aliases: list[StrictStr] | None = None
    ca_bundle: Path | None = None
    token_command: list[StrictStr] | None = None
    public_network: StrictStr | None = None
    flavor: StrictStr | None = None
    image: StrictStr | None = None
    dns: list[StrictStr] | None = None

    @field_validator("endpoint")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        return None if value is None else normalise(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """A site file with the place it was read from."""

    path: Path
    site: SiteFile
    warnings: tuple[str, ...] = ()

    @property
    def gocdb(self) -> str:
        """The site's name, which the file's own name stands in for."""
        return self.site.gocdb or self.path.stem


def read(path: Path) -> ReadFile:
    """Read one file; ValueError says what is wrong with it."""
    try:
        content = yaml.load(path.read_bytes(), Loader=_LOADER)
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: a site file is a mapping that starts with gocdb: NAME")
    try:
        site = SiteFile.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"{path}: {_first(error)}") from error
    return ReadFile(path=path, site=_beside(site, path.parent), warnings=_unknown(site, path))


def _first(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in details['loc'])}: {details['msg']}"


def _beside(site: SiteFile, folder: Path) -> SiteFile:
    # A relative path in a file means: beside that file.
    if site.ca_bundle is None:
        return site
    return site.model_copy(update={"ca_bundle": folder / site.ca_bundle.expanduser()})


def _unknown(site: SiteFile, path: Path) -> tuple[str, ...]:
    known = list(SiteFile.model_fields)
    found = []
    for key in site.model_extra or {}:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        found.append(f"{path}: the key {key} is not known and not used{hint}")
    return tuple(found)
