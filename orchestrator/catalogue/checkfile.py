"""The schema of the checks of a usecase.yaml: what each kind of check takes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    model_validator,
)

from orchestrator.model import Check

_Text = Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
_Name = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,40}$")]
_Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
_Seconds = Annotated[int, Field(strict=True, ge=1, le=86400)]
_Status = Annotated[int, Field(strict=True, ge=100, le=599)]


def _leads_where_it_says(path: str) -> str:
    parts = path.split("/")[1:]
    if not path.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise ValueError("it must be an absolute path without .., and not the root")
    return path


AbsolutePath = Annotated[
    str,
    Field(strict=True, pattern="^/", max_length=1000),
    AfterValidator(_leads_where_it_says),
]


class _CheckFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: _Text
    after_reboot: StrictBool = True

    @property
    def settings(self) -> dict[str, Any]:
        """All but what every check has."""
        return self.model_dump(exclude={"kind", "title", "after_reboot"})

    def as_check(self, **more: Any) -> Check:
        """Return it as the value that travels, with what it refers to."""
        return Check(
            kind=self.model_dump(include={"kind"})["kind"],
            title=self.title,
            settings=self.settings | more,
            after_reboot=self.after_reboot,
        )


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
    seconds: _Seconds = 300  # longer, and it is ended


class FileCheck(_CheckFile):
    """A file exists, and holds a text."""

    kind: Literal["file"]
    path: StrictStr
    mode: Annotated[str, Field(strict=True, pattern="^0[0-7]{3}$")] | None = None
    contains: StrictStr | None = None


class PortCheck(_CheckFile):
    """Something listens inside the node on this address and port."""

    kind: Literal["port"]
    port: _Port
    address: StrictStr = "127.0.0.1"


class ClosedPortsCheck(_CheckFile):
    """Of the ports tried from outside only the allowed ones answer."""

    kind: Literal["closed_ports"]
    tried: list[_Port] = Field(min_length=1)
    allowed: list[_Port] = [22]


class MtuCheck(_CheckFile):
    """Packets of containers fit through the interface of the default route."""

    kind: Literal["mtu"]
    argv: list[StrictStr] = Field(min_length=1)  # what prints the MTU that containers get


class HttpCheck(_CheckFile):
    """A service answers inside the node; it is asked again until its time is over."""

    kind: Literal["http"]
    url: Annotated[str, Field(strict=True, pattern=r"^https?://[!-~]+$")]
    status: _Status = 200
    contains: StrictStr | None = None
    seconds: _Seconds = 60
    user: StrictStr | None = None
    secret: _Name | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> HttpCheck:
        if (self.user is None) is not (self.secret is None):
            raise ValueError("user and secret belong together")
        return self


class TunnelCheck(_CheckFile):
    """A service answers through its SSH tunnel, with its login when it has one."""

    kind: Literal["tunnel"]
    tunnel: StrictStr
    status: _Status = 200
    contains: StrictStr | None = None
    seconds: _Seconds = 60


class UnitResultCheck(_CheckFile):
    """A systemd unit that does a job has ended with success."""

    kind: Literal["unit_result"]
    name: StrictStr
    seconds: _Seconds = 600


CheckFile = Annotated[
    ServiceCheck
    | CommandCheck
    | FileCheck
    | PortCheck
    | ClosedPortsCheck
    | MtuCheck
    | HttpCheck
    | TunnelCheck
    | UnitResultCheck,
    Field(discriminator="kind"),
]
