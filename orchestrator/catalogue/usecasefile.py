"""The schema of a usecase.yaml: what its keys are, and what each kind of check takes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

Name = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,40}$")]
HostPart = Annotated[str, Field(strict=True, pattern=r"^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$")]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Positive = Annotated[int, Field(strict=True, ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ImageFile(_Strict):
    """An operating system."""

    distribution: StrictStr
    version: StrictStr


class NeedFile(_Strict):
    """What every node wants at least."""

    vcpus: Positive
    ram_mb: Positive
    disk_gb: Positive
    image: ImageFile
    gpus: Annotated[int, Field(strict=True, ge=0)] = 0


class ParameterFile(_Strict):
    """A value that a person may give."""

    type: Literal["string", "integer", "boolean"]
    default: StrictStr | StrictInt | StrictBool
    help: Text
    choices: list[StrictStr | StrictInt] = []

    @model_validator(mode="after")
    def _default_fits(self) -> ParameterFile:
        kinds = {"string": str, "integer": int, "boolean": bool}
        if type(self.default) is not kinds[self.type]:
            raise ValueError(f"the default {self.default!r} is not of type {self.type}")
        if self.choices and self.default not in self.choices:
            raise ValueError(f"the default {self.default!r} is none of the choices")
        return self


class NodeFile(_Strict):
    """Nodes of one kind."""

    name: HostPart
    groups: list[Name] = Field(min_length=1)
    public: StrictBool = True


class _CheckFile(_Strict):
    title: Text

    @property
    def settings(self) -> dict[str, Any]:
        """All but the kind and the title."""
        return self.model_dump(exclude={"kind", "title"})


class ServiceCheck(_CheckFile):
    """A systemd unit is active."""

    kind: Literal["service"]
    name: StrictStr


class CommandCheck(_CheckFile):
    """A program ends as expected; it runs as the login user, without a shell."""

    kind: Literal["command"]
    argv: list[StrictStr] = Field(min_length=1)
    exit_code: StrictInt = 0
    output: StrictStr | None = None  # a text that standard output contains


class FileCheck(_CheckFile):
    """A file exists, and holds a text."""

    kind: Literal["file"]
    path: StrictStr
    mode: Annotated[str, Field(strict=True, pattern="^0[0-7]{3}$")] | None = None
    contains: StrictStr | None = None


class PortCheck(_CheckFile):
    """Something listens inside the node on this address and port."""

    kind: Literal["port"]
    port: Port
    address: StrictStr = "127.0.0.1"


class ClosedPortsCheck(_CheckFile):
    """Of the ports tried from outside only the allowed ones answer."""

    kind: Literal["closed_ports"]
    tried: list[Port] = Field(min_length=1)
    allowed: list[Port] = [22]


class MtuCheck(_CheckFile):
    """Packets of containers fit through the interface of the default route."""

    kind: Literal["mtu"]
    argv: list[StrictStr] = Field(min_length=1)  # what prints the MTU that containers get


CheckFile = Annotated[
    ServiceCheck | CommandCheck | FileCheck | PortCheck | ClosedPortsCheck | MtuCheck,
    Field(discriminator="kind"),
]


class UseCaseFile(_Strict):
    """The keys of a usecase.yaml."""

    title: Text
    description: Text
    version: StrictStr
    needs: NeedFile
    parameters: dict[Name, ParameterFile] = {}
    nodes: list[NodeFile] = Field(min_length=1)
    roles: list[Name] = []
    checks: list[CheckFile] = Field(min_length=1)
