"""What a use case is: its needs, parameters, checks and ways in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNeed:
    """An operating system by distribution and version, as Glance's os_distro and os_version say it."""

    distribution: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What every node of a use case wants at least."""

    vcpus: int
    ram_mb: int
    disk_gb: int
    image: ImageNeed
    gpus: int = 0
    volume_gb: int = 0  # a data volume of the first node


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedWhen:
    """What is needed otherwise when a parameter has a value; only the keys that differ."""

    parameter: str
    value: Any
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that a person may give: one source for options, schema and form."""

    name: str
    type: str  # string, integer, number, boolean, file, yaml
    default: Any
    help: str
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None  # of the whole text


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroup:
    """Nodes of one kind: their name and the inventory groups they join."""

    name: str
    groups: tuple[str, ...]
    public: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One declarative check: its kind, a sentence that states what holds, and its settings."""

    kind: str  # service, command, file, port, closed_ports, mtu, http, tunnel, unit_result
    title: str
    settings: Mapping[str, Any]
    after_reboot: bool = True  # whether it holds again after a reboot


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """As whom a service is entered: a user, and the secret that is the password."""

    user: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """A service of a node that is reached through SSH alone."""

    name: str
    title: str
    port: int
    path: str = "/"
    scheme: str = "http"
    node: str | None = None  # a group of nodes; None: the first
    login: Login | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusLine:
    """A line of the state of a use case: the last that a program on the first node prints."""

    title: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What has to hold of parameters, inputs and needs before anything is made."""

    kind: str  # square, one_of, together, allowed, fits_header, room
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """How an extra shows the first tunnel's page to everybody: on which ports, by which name."""

    ports: tuple[int, ...]
    name_from: str  # the parameter that tells its name in a Dynamic DNS; empty: it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A piece that several use cases take; the parameter of its name switches it on."""

    name: str
    title: str
    folder: Path
    tunnels: tuple[Tunnel, ...] = ()
    status: tuple[StatusLine, ...] = ()
    checks: tuple[Check, ...] = ()
    publishes: Publishing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase:
    """A use case folder, read and validated; parameters and roles are also those of its extras."""

    name: str
    version: str
    title: str
    description: str
    need: Need
    parameters: tuple[Parameter, ...]
    nodes: tuple[NodeGroup, ...]
    roles: tuple[str, ...]
    checks: tuple[Check, ...]
    folder: Path
    needs_when: tuple[NeedWhen, ...] = ()
    secrets: tuple[str, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    results: tuple[str, ...] = ()
    status: tuple[StatusLine, ...] = ()
    rules: tuple[Rule, ...] = ()
    needs_from: Mapping[str, str] = field(default_factory=dict)  # key of a need -> parameter
    extras: tuple[Extra, ...] = ()
