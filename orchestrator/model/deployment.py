"""What is asked for, and the record of what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.lifecycle import Phase
from orchestrator.model.selection import Selection
from orchestrator.model.site import Share, Site
from orchestrator.model.usecase import UseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for: a use case on a site, and what they want to say about it."""

    use_case: str
    site: str
    vo: str | None = None  # else the one of the settings
    name: str | None = None  # else one is made
    parameters: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)  # --set: the last word on a choice
    written: Mapping[str, str] = field(default_factory=dict)  # the same, from a deployment file
    file: str | None = None  # that file
    lifetime_days: int | None = None  # else the one of the settings
    configure: bool = False  # run Ansible although nothing it depends on has changed
    upgrade: bool = False  # take the present use case in place of the one kept with the deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request means, as far as this machine knows without asking anybody."""

    site: Site
    share: Share
    use_case: UseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """What SSH goes through on its way to a node: another node, or a host of the person's."""

    host: str  # an address, or a name of the person's ssh_config
    user: str | None = None
    port: int | None = None
    ours: bool = True  # takes the deployment's own key
    ssh_config: str | None = None  # for a host of the person's; None: their usual one


@dataclass(frozen=True, slots=True, kw_only=True)
class DataVolume:
    """A data volume of a node: what the node knows its disk by, and whether it was made with it."""

    id: str
    size_gb: int
    made: bool  # False: it was there before, and is not ours to delete


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVolume:
    """A data volume that outlives its deployment."""

    id: str
    name: str
    size_gb: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A VM as the Terraform output ``nodes`` tells it; the inventory is made from this alone."""

    name: str
    address: str
    port: int
    user: str
    groups: tuple[str, ...]
    private_ip: str
    volumes: tuple[DataVolume, ...] = ()
    hop: Hop | None = None  # None: reached straight from here
    id: str = ""  # the server's at the site; none in records from before


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The record of one deployment as the store keeps it."""

    id: str
    name: str
    owner: str
    site: str
    vo: str
    project_id: str
    use_case: str
    use_case_version: str
    phase: Phase
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    selection: Selection | None = None
    nodes: tuple[Node, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    configured_digest: str | None = None  # of all that the last good configure depended on
    failure: str | None = None
    kept: tuple[KeptVolume, ...] = ()  # what its destruction left at the site, as it was meant to

    @property
    def volumes(self) -> tuple[DataVolume, ...]:
        """The data volumes of its nodes."""
        return tuple(volume for node in self.nodes for volume in node.volumes)

    @property
    def again(self) -> str:
        """The command that goes on with it, or finds nothing to do."""
        where = f"SITE={self.site} USECASE={self.use_case} VO={self.vo}"
        return f"make deploy {where} NAME={self.name}"
