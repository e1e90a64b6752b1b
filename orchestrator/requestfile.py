"""A deployment file: a request that is written down, for repeating and for pipelines."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from orchestrator.errors import RequestError
from orchestrator.model import SETTINGS, Request
from orchestrator.writtenfiles import read_yaml


class DeploymentFile(BaseModel):
    """The keys of a deployment file; what is left out is asked of the command line or has a default."""

    model_config = ConfigDict(extra="forbid")

    use_case: StrictStr
    site: StrictStr
    vo: StrictStr | None = None
    name: StrictStr | None = None
    parameters: dict[StrictStr, Any] = {}  # of the types that the use case says
    choices: dict[StrictStr, StrictStr] = {}
    days: Annotated[int, Field(strict=True, ge=1, le=365)] | None = None


def read(path: Path) -> Request:
    """Return the request of a file; RequestError names the file and the key that is wrong."""
    content = read_yaml(path, kind="deployment file")
    try:
        given = DeploymentFile.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        facts = {".".join(str(part) for part in one["loc"]): _said(one) for one in found}
        raise RequestError(f"{path} is not a deployment file", facts=facts) from error
    return Request(
        use_case=given.use_case,
        site=given.site,
        vo=given.vo,
        name=given.name,
        parameters=given.parameters,
        written=given.choices,
        file=str(path),
        lifetime_days=given.days,
    )


def _said(error: Any) -> str:
    if error["type"] != "extra_forbidden":
        return str(error["msg"])
    known = [*DeploymentFile.model_fields, *SETTINGS]
    near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
    return f"there is no such key{f', did you mean {near[0]}?' if near else ''}"
