"""What a person sets once, in config.yaml; nothing here reads the environment."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError, model_validator

from orchestrator.errors import SetupError
from orchestrator.writtenfiles import expanded, load_yaml

FILE = "config.yaml"
# A line of its own in a letter's head would be another head.
_ADDRESS = r"^[^@\s,<>]+@[^@\s,<>]+$"
EGI_ISSUER = "https://aai.egi.eu/auth/realms/egi"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """The mail server that takes warnings, and whom they are from and to."""

    host: str
    sender: str
    to: tuple[str, ...]
    security: str = "starttls"  # tls, starttls or none
    port: int | None = None  # else the usual one of the security
    user: str | None = None
    password_file: Path | None = None
    password_command: tuple[str, ...] = ()
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one person or one service, each with a default that works."""

    vo: str = "vo.access.egi.eu"
    # The issuer of the tokens that the five sources below give.
    issuer: str = EGI_ISSUER
    token_command: tuple[str, ...] = ()
    oidc_agent_account: str | None = None
    mytoken_server: str | None = None
    mytoken_file: Path | None = None
    client_id: str | None = None
    client_secret_file: Path | None = None
    fedcloud_python: Path | None = None
    app_credential: bool = False  # one per deployment, so that its end needs no token
    lifetime_days: int = 7
    dynamic_dns: str = "https://nsupdate.fedcloud.eu"  # gives names to pages
    dynamic_dns_issuer: str = EGI_ISSUER  # whose tokens it takes, and no other sees it
    longest_days: int = 180  # from a deployment's beginning to its last possible end
    warning_hook: tuple[str, ...] = ()  # a command; what ends soon comes as JSON on its input
    warning_mail: MailSettings | None = None
    origin: str = "the defaults"

    @classmethod
    def read(cls, config: Path) -> Settings:
        """Read config.yaml of a folder; no file means the defaults."""
        path = config / FILE
        try:
            content = load_yaml(path.read_text(), aliases=True)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise _wrong(path, " ".join(str(error).split())) from error
        given = _checked(content if content is not None else {}, path)
        letter = given.pop("warning_mail", None)
        mail = MailSettings(**letter) if letter else None
        return cls(origin=str(path), warning_mail=mail, **given)


class _Mail(BaseModel):
    model_config = ConfigDict(extra="forbid")

    host: StrictStr = Field(min_length=1)
    sender: StrictStr = Field(alias="from", pattern=_ADDRESS)
    to: tuple[Annotated[StrictStr, Field(pattern=_ADDRESS)], ...] = Field(min_length=1)
    security: Literal["tls", "starttls", "none"] | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    user: StrictStr | None = None
    password_file: Path | None = None
    password_command: tuple[StrictStr, ...] | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _keeps_the_password(self) -> _Mail:
        if self.security == "none" and self.user is not None:
            raise ValueError("with security: none the password of user would be sent in clear")
        if self.password_file is not None and self.password_command is not None:
            raise ValueError("password_file or password_command, not both")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    vo: StrictStr | None = Field(default=None, min_length=1)
    issuer: StrictStr | None = Field(default=None, pattern="^https://")
    token_command: tuple[StrictStr, ...] | None = None
    oidc_agent_account: StrictStr | None = None
    mytoken_server: StrictStr | None = Field(default=None, pattern="^https?://")
    mytoken_file: Path | None = None
    client_id: StrictStr | None = None
    client_secret_file: Path | None = None
    fedcloud_python: Path | None = None
    app_credential: bool | None = None
    # A token goes there: in clear to this machine alone.
    dynamic_dns: StrictStr | None = Field(
        default=None, pattern=r"^(https://[^/]+|http://127\.0\.0\.1:\d+)$"
    )
    dynamic_dns_issuer: StrictStr | None = Field(default=None, pattern="^https://")
    lifetime_days: int | None = Field(default=None, ge=1, le=365)
    longest_days: int | None = Field(default=None, ge=1, le=3650)
    warning_hook: tuple[StrictStr, ...] | None = None
    warning_mail: _Mail | None = None


def _checked(content: Any, path: Path) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise _wrong(path, "it must be a mapping of keys to values")
    try:
        given = _File.model_validate(content).model_dump(exclude_none=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in details["loc"])
        raise _wrong(path, f"{key}: {_said(key, details)}") from error
    try:
        return {key: _expanded(value, path.parent) for key, value in given.items()}
    except ValueError as error:
        raise _wrong(path, str(error)) from error


def _said(key: str, details: Any) -> str:
    if details["type"] != "extra_forbidden":
        return str(details["msg"])
    near = difflib.get_close_matches(key, list(_File.model_fields), n=1)
    return f"there is no such key{f', did you mean {near[0]}?' if near else ''}"


def _expanded(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(inner, folder) for key, inner in value.items()}
    return folder / expanded(value) if isinstance(value, Path) else value


def _wrong(path: Path, why: str) -> SetupError:
    return SetupError(f"{path} cannot be used: {why}.", way_out=[f"correct {path}"])
