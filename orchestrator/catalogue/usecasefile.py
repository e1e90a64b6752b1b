"""The schema of a usecase.yaml: what its keys are; checks have a schema of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationInfo,
    model_validator,
)

from orchestrator.catalogue import parameters
from orchestrator.catalogue.checkfile import AbsolutePath, CheckFile, HttpCheck, TunnelCheck
from orchestrator.catalogue.rulefile import RuleFile
from orchestrator.model import Login, Parameter, Publishing, StatusLine, Tunnel

Name = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,40}$")]
HostPart = Annotated[str, Field(strict=True, pattern=r"^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$")]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Positive = Annotated[int, Field(strict=True, ge=1)]
Natural = Annotated[int, Field(strict=True, ge=0)]
Value = StrictBool | StrictInt | StrictFloat | StrictStr


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ImageFile(_Strict):
    """An operating system."""

    distribution: StrictStr
    version: StrictStr


class NeedFile(_Strict):
    """What every node wants at least; the volume is one of the first node."""

    vcpus: Positive
    ram_mb: Positive
    disk_gb: Positive
    image: ImageFile
    gpus: Natural = 0
    volume_gb: Natural = 0


class NeedChangeFile(_Strict):
    """The needs that are other ones for one value of a parameter."""

    vcpus: Positive | None = None
    ram_mb: Positive | None = None
    disk_gb: Positive | None = None
    image: ImageFile | None = None
    gpus: Natural | None = None
    volume_gb: Natural | None = None


class ParameterFile(_Strict):
    """A value that a person may give."""

    type: Literal["string", "integer", "number", "boolean", "file", "yaml"]
    default: Any = None  # of a file: none
    help: Text
    choices: list[Value] = []
    minimum: StrictInt | StrictFloat | None = None
    maximum: StrictInt | StrictFloat | None = None
    pattern: StrictStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_no_secret(cls, content: Any) -> Any:
        if isinstance(content, dict) and "secret" in content:
            raise ValueError(
                "a secret is no parameter: list its name under `secrets`, it is made for you"
            )
        return content

    @model_validator(mode="after")
    def _fits(self) -> ParameterFile:
        _require_limits_of_its_type(self)
        if self.type == "file" and self.default not in (None, ""):
            raise ValueError("a file has no default: it lies on the machine of who gives it")
        if self.type != "file":
            parameters.check(self.as_parameter(""), self.default)
        return self

    def as_parameter(self, name: str) -> Parameter:
        """Return it as the value that travels."""
        return Parameter(
            name=name,
            type=self.type,
            default="" if self.type == "file" else self.default,
            help=self.help,
            choices=tuple(self.choices),
            minimum=self.minimum,
            maximum=self.maximum,
            pattern=self.pattern,
        )


def _require_limits_of_its_type(read: ParameterFile) -> None:
    is_number = read.type in ("integer", "number")
    if not is_number and not (read.minimum is None and read.maximum is None):
        raise ValueError("minimum and maximum are for numbers")
    if read.pattern is not None:
        if read.type != "string":
            raise ValueError("a pattern is for texts")
        try:
            re.compile(read.pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"the pattern cannot be read: {error}") from error


class NodeFile(_Strict):
    """Nodes of one kind."""

    name: HostPart
    groups: list[Name] = Field(min_length=1)
    public: StrictBool = True


class LoginFile(_Strict):
    """As whom a service is entered."""

    user: StrictStr
    secret: Name


class TunnelFile(_Strict):
    """A service that `orchestrator open` leads to."""

    name: HostPart
    title: Text
    port: Port
    path: Annotated[str, Field(strict=True, pattern=r"^/[!-~]*$")] = "/"
    scheme: Literal["http", "https"] = "http"
    node: HostPart | None = None
    login: LoginFile | None = None

    def as_tunnel(self) -> Tunnel:
        """Return it as the value that travels."""
        plain = self.model_dump(exclude={"login"})
        login = Login(user=self.login.user, secret=self.login.secret) if self.login else None
        return Tunnel(**plain, login=login)


class StatusFile(_Strict):
    """A line of `orchestrator status`."""

    title: Text
    argv: list[StrictStr] = Field(min_length=1)

    def as_line(self) -> StatusLine:
        """Return it as the value that travels."""
        return StatusLine(title=self.title, argv=tuple(self.argv))


class PublishingFile(_Strict):
    """How the page of the use case's first tunnel is shown to everybody."""

    ports: list[Port] = Field(min_length=1)
    name_from: Name

    def as_publishing(self) -> Publishing:
        """Return it as the value that travels."""
        return Publishing(ports=tuple(self.ports), name_from=self.name_from)


class ExtraFile(_Strict):
    """The keys of an extra.yaml: what a use case gets that takes the extra."""

    title: Text
    parameters: dict[Name, ParameterFile]
    roles: list[Name] = []
    tunnels: list[TunnelFile] = []
    status: list[StatusFile] = []
    checks: list[CheckFile] = []
    publishes: PublishingFile | None = None

    @model_validator(mode="after")
    def _is_named_by_a_text(self) -> ExtraFile:
        name = self.publishes.name_from if self.publishes else None
        given = self.parameters.get(name) if name else None
        if name and (given is None or given.type != "string"):
            raise ValueError(f"publishes: name_from names {name}, which is no parameter of text")
        return self

    @model_validator(mode="after")
    def _can_be_switched_on(self, info: ValidationInfo) -> ExtraFile:
        name = (info.context or {})["name"]
        switch = self.parameters.get(name)
        if switch is None or switch.type != "boolean" or switch.default is not False:
            raise ValueError(f"it has no parameter {name}, a boolean that is false by default")
        return self


class UseCaseFile(_Strict):
    """The keys of a usecase.yaml."""

    title: Text
    description: Text
    version: StrictStr
    needs: NeedFile
    needs_when: dict[Name, dict[StrictStr | StrictBool | StrictInt, NeedChangeFile]] = {}
    needs_from: dict[Literal["vcpus", "ram_mb", "disk_gb", "volume_gb"], Name] = {}
    parameters: dict[Name, ParameterFile] = {}
    rules: list[RuleFile] = []
    secrets: list[Name] = []
    nodes: list[NodeFile] = Field(min_length=1)
    roles: list[Name] = []
    extras: list[Name] = []
    tunnels: list[TunnelFile] = []
    results: list[AbsolutePath] = []
    status: list[StatusFile] = []
    checks: list[CheckFile] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_known(self) -> UseCaseFile:
        _require_once("secrets", self.secrets)
        _require_once("extras", self.extras)
        _require_once("tunnels", [tunnel.name for tunnel in self.tunnels])
        _require_once("nodes", [node.name for node in self.nodes])
        _require_once("results", [path.rpartition("/")[2] for path in self.results])
        both = sorted(set(self.secrets) & set(self.parameters))
        if both:
            raise ValueError(f"{', '.join(both)} is a secret and a parameter: it can be one only")
        for what, used, known in self._references():
            if used not in known:
                raise ValueError(f"{what} names {used!r}, there are: {', '.join(known) or 'none'}")
        self._require_types()
        for name, values in self.needs_when.items():
            _require_values(name, self.parameters[name], values)
        return self

    def _require_types(self) -> None:
        """Raise ValueError where a number or a file is wanted, and the parameter is something else."""
        wanted: list[tuple[str, str, tuple[str, ...]]] = [
            ("needs_from", name, ("integer",)) for name in self.needs_from.values()
        ]
        wanted += [
            (f"the rule {rule.kind}", name, types)
            for rule in self.rules
            for name, types in rule.types.items()
        ]
        for what, name, types in wanted:
            if self.parameters[name].type not in types:
                raise ValueError(
                    f"{what} takes a parameter of type {' or '.join(types)},"
                    f" {name} is of type {self.parameters[name].type}"
                )

    def _references(self) -> Iterable[tuple[str, str, list[str]]]:
        """Tell each place that names something, the name, and the names that there are."""
        yield from self._references_to_parameters()
        nodes = [node.name for node in self.nodes]
        for tunnel in self.tunnels:
            where = f"the tunnel {tunnel.name}"
            yield f"{where}: node", tunnel.node or nodes[0], nodes
            if tunnel.login:
                yield f"{where}: login", tunnel.login.secret, self.secrets
        yield from self._references_of_checks()

    def _references_to_parameters(self) -> Iterable[tuple[str, str, list[str]]]:
        known = list(self.parameters)
        named = [("needs_when", name) for name in self.needs_when]
        named += [("needs_from", name) for name in self.needs_from.values()]
        named += [(f"the rule {rule.kind}", name) for rule in self.rules for name in rule.names]
        for what, name in named:
            yield what, name, known

    def _references_of_checks(self) -> Iterable[tuple[str, str, list[str]]]:
        tunnels = [tunnel.name for tunnel in self.tunnels]
        for check in self.checks:
            if isinstance(check, TunnelCheck):
                yield f"the check {check.title!r}", check.tunnel, tunnels
            if isinstance(check, HttpCheck) and check.secret:
                yield f"the check {check.title!r}", check.secret, self.secrets


def _require_once(key: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{key}: {', '.join(twice)} is there twice")


def _require_values(name: str, parameter: ParameterFile, values: Iterable[Any]) -> None:
    for value in values:
        try:
            parameters.check(parameter.as_parameter(name), value)
        except ValueError as error:
            raise ValueError(f"needs_when.{name}: it {error}, not {value!r}") from error
