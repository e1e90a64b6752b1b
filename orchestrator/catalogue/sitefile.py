"""One site file: EGI's schema and our keys, read and checked."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError, field_validator

from orchestrator.catalogue.endpoints import normalise
from orchestrator.model import Fact
from orchestrator.writtenfiles import expanded, load_yaml

# The hosts travel to ssh as an argument of -J: nothing in them may read as an option.
_JUMP = r"([A-Za-z0-9_][\w.-]*@)?([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])(:\d{1,5})?"
_Jumps = Annotated[StrictStr, Field(pattern=rf"^{_JUMP}(,{_JUMP})*$")]


class Auth(BaseModel):
    """How one VO enters the site."""

    model_config = ConfigDict(extra="allow")

    project_id: StrictStr | None = None
    region: StrictStr | None = None


class Settled(BaseModel):
    """What a file may fix for a site, and again for one VO of it; see model.SETTINGS."""

    model_config = ConfigDict(extra="allow")

    flavor: StrictStr | None = None
    image: StrictStr | None = None
    public_network: StrictStr | None = None
    private_network: StrictStr | None = None
    topology: Literal["floating", "bastion", "direct", "jump"] | None = None
    proxy_jump: _Jumps | None = None
    ssh_config: Path | None = None
    # Parameters of use cases, below what a person gives and above the use case's own defaults.
    use_cases: dict[StrictStr, dict[StrictStr, Any]] | None = None


class VoEntry(Settled):
    """One VO of a site file."""

    name: StrictStr = Field(min_length=1)
    auth: Auth = Auth()


class SiteFile(Settled):
    """The keys of a site file; a file over another one gives only those that differ."""

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
    whole: bool = False  # an official file lists all VOs of its site, a person's adds to them
    file: str | None = None  # the name of the file that once described it, if not this one
    facts: tuple[Fact, ...] = ()
    vo_facts: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The name of its file without the ending."""
        return self.file or self.path.stem

    @property
    def gocdb(self) -> str:
        """The site's name, which the file's own name stands in for."""
        return self.site.gocdb or self.stem


def read(path: Path) -> ReadFile:
    """Read one file; ValueError says what is wrong with it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    return parse(content, path)


def parse(raw: bytes, path: Path) -> ReadFile:
    """Read what a file holds; ValueError says what is wrong with it."""
    try:
        site = _beside(_understood(raw), path.parent)
    except ValidationError as error:
        raise ValueError(f"{path}: {_first(error)}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
    return ReadFile(path=path, site=site, warnings=_unknown(site, path))


# The catalogue is read anew for each question, and its files hardly ever say anything new.
@functools.lru_cache(maxsize=512)
def _understood(raw: bytes) -> SiteFile:
    content = load_yaml(raw, aliases=True)
    if not isinstance(content, dict):
        raise ValueError("a site file is a mapping that starts with gocdb: NAME")
    return SiteFile.model_validate(content)


def _first(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in details['loc'])}: {details['msg']}"


def _beside(site: SiteFile, folder: Path) -> SiteFile:
    # A relative path in a file means: beside that file.
    given = {"ca_bundle": site.ca_bundle, "ssh_config": site.ssh_config}
    paths: dict[str, Any] = {key: _from(folder, path) for key, path in given.items() if path}
    if site.vos:
        paths["vos"] = [_vo_beside(vo, folder) for vo in site.vos]
    return site.model_copy(update=paths)


def _vo_beside(vo: VoEntry, folder: Path) -> VoEntry:
    if vo.ssh_config is None:
        return vo
    return vo.model_copy(update={"ssh_config": _from(folder, vo.ssh_config)})


def _from(folder: Path, path: Path) -> Path:
    return folder / expanded(path)


def _unknown(site: SiteFile, path: Path) -> tuple[str, ...]:
    found = []
    for key in site.model_extra or {}:
        near = difflib.get_close_matches(key, list(SiteFile.model_fields), n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        found.append(f"{path}: the key {key} is not known and not used{hint}")
    # EGI's schema lets sites add keys of their own here: only what is nearly ours is a mistake.
    for vo in site.vos or ():
        for key in vo.model_extra or {}:
            if near := difflib.get_close_matches(key, list(Settled.model_fields), n=1, cutoff=0.8):
                found.append(
                    f"{path}: the key {key} of {vo.name} is not used, did you mean {near[0]}?"
                )
    return tuple(found)
