"""What a person sets once, in config.yaml; nothing here reads the environment."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from orchestrator.errors import SetupError

FILE = "config.yaml"
EGI_ISSUER = "https://aai.egi.eu/auth/realms/egi"


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
    longest_days: int = 180  # from a deployment's beginning to its last possible end
    warning_hook: tuple[str, ...] = ()  # a command; what ends soon comes as JSON on its input
    origin: str = "the defaults"

    @classmethod
    def read(cls, config: Path) -> Settings:
        """Read config.yaml of a folder; no file means the defaults."""
        path = config / FILE
        try:
            content = yaml.safe_load(path.read_text())
        except FileNotFoundError:
            return cls()
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise _wrong(path, " ".join(str(error).split())) from error
        given = _checked(content if content is not None else {}, path)
        return cls(origin=str(path), **given)


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
    lifetime_days: int | None = Field(default=None, ge=1, le=365)
    longest_days: int | None = Field(default=None, ge=1, le=3650)
    warning_hook: tuple[StrictStr, ...] | None = None


def _checked(content: Any, path: Path) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise _wrong(path, "it must be a mapping of keys to values")
    try:
        given = _File.model_validate(content).model_dump(exclude_none=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in details["loc"])
        raise _wrong(path, f"{key}: {_said(key, details)}") from error
    return {key: _expanded(value, path.parent) for key, value in given.items()}


def _said(key: str, details: Any) -> str:
    if details["type"] != "extra_forbidden":
        return str(details["msg"])
    near = difflib.get_close_matches(key, list(_File.model_fields), n=1)
    return f"there is no such key{f', did you mean {near[0]}?' if near else ''}"


def _expanded(value: Any, folder: Path) -> Any:
    return folder / value.expanduser() if isinstance(value, Path) else value


def _wrong(path: Path, why: str) -> SetupError:
    return SetupError(f"{path} cannot be used: {why}.", way_out=[f"correct {path}"])
