"""Use cases: folders with a usecase.yaml and a playbook.yml, read and validated."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator import paths
from orchestrator.catalogue.checkfile import CheckFile, HttpCheck, TunnelCheck
from orchestrator.catalogue.usecasefile import (
    ExtraFile,
    ImageFile,
    NeedChangeFile,
    NeedFile,
    NodeFile,
    ParameterFile,
    TunnelFile,
    UseCaseFile,
)
from orchestrator.errors import RequestError
from orchestrator.model import (
    Check,
    Extra,
    ImageNeed,
    Need,
    NeedWhen,
    NodeGroup,
    Rule,
    UseCase,
)
from orchestrator.writtenfiles import line_of, read_yaml

FILE = "usecase.yaml"
PLAYBOOK = "playbook.yml"
EXTRAS, EXTRA = "extras", "extra.yaml"


def use_case_folders(config: Path) -> tuple[Path, ...]:
    """Return the folders of use cases in order of precedence: the user's, then the shipped ones."""
    return (config / "usecases", paths.TEMPLATES / "usecases")


def load_use_cases(folders: Sequence[Path]) -> dict[str, UseCase]:
    """Return every use case by name; an earlier folder wins."""
    return {
        name: read_use_case(file.parent, name) for name, file in sorted(_files(folders).items())
    }


def read_use_cases(folders: Sequence[Path]) -> tuple[list[UseCase], list[RequestError]]:
    """Return every use case that can be read by name, and what is wrong with the others."""
    found, broken = [], []
    for name, file in sorted(_files(folders).items()):
        try:
            found.append(read_use_case(file.parent, name))
        except RequestError as error:
            broken.append(error)
    return found, broken


def find_use_case(name: str, folders: Sequence[Path]) -> UseCase:
    """Return one use case; RequestError names those that are near."""
    files = _files(folders)
    if name in files:
        return read_use_case(files[name].parent, name)
    near = difflib.get_close_matches(name, files, n=3, cutoff=0.5)
    raise RequestError(
        f"there is no use case {name!r}",
        facts={
            "did you mean" if near else "there are": ", ".join(near or sorted(files)) or "none",
            "looked in": ", ".join(str(folder) for folder in folders),
        },
        way_out=["orchestrator usecases"],
    )


def read_use_case(folder: Path, name: str) -> UseCase:
    """Return the use case of a folder, which need not be called like it."""
    if not (folder / PLAYBOOK).is_file():
        raise RequestError(f"the use case {name} has no {PLAYBOOK} beside {folder / FILE}")
    file = folder / FILE
    content = read_yaml(file, kind="use case")
    try:
        return _use_case(UseCaseFile.model_validate(content), folder, name)
    except ValidationError as error:
        raise _wrong(file, error) from error


def _files(folders: Sequence[Path]) -> dict[str, Path]:
    found = [file for folder in reversed(folders) for file in sorted(folder.glob(f"*/{FILE}"))]
    return {file.parent.name: file for file in found}


def _wrong(file: Path, error: ValidationError, *, what: str = "a use case") -> RequestError:
    found = error.errors(include_url=False, include_input=False)
    facts = {_place(one): f"line {line_of(file, one['loc'])}: {_said(one)}" for one in found}
    return RequestError(
        f"{file} is not {what}",
        facts=facts,
        way_out=["orchestrator usecases --schema        tells every key"],
    )


def _place(error: Any) -> str:
    return ".".join(str(part) for part in error["loc"]) or "file"


def _said(error: Any) -> str:
    if error["type"] != "extra_forbidden":
        return str(error["msg"]).removeprefix("Value error, ")
    near = difflib.get_close_matches(str(error["loc"][-1]), _KEYS, n=1)
    return f"there is no such key here{f', did you mean {near[0]}?' if near else ''}"


def _use_case(read: UseCaseFile, folder: Path, name: str) -> UseCase:
    needs = read.needs.model_dump(exclude={"image"})
    own = UseCase(
        name=name,
        version=read.version,
        title=read.title,
        description=read.description,
        need=Need(**needs, image=_image(read.needs.image)),
        needs_when=tuple(
            NeedWhen(parameter=parameter, value=value, changes=_changes(change))
            for parameter, values in read.needs_when.items()
            for value, change in values.items()
        ),
        needs_from={key: name for key, name in read.needs_from.items()},
        rules=tuple(Rule(kind=one.kind, settings=one.settings) for one in read.rules),
        parameters=tuple(given.as_parameter(key) for key, given in read.parameters.items()),
        secrets=tuple(read.secrets),
        nodes=tuple(
            NodeGroup(name=node.name, groups=tuple(node.groups), public=node.public)
            for node in read.nodes
        ),
        roles=tuple(read.roles),
        tunnels=tuple(given.as_tunnel() for given in read.tunnels),
        results=tuple(read.results),
        status=tuple(given.as_line() for given in read.status),
        checks=tuple(_check(given, read.tunnels) for given in read.checks),
        folder=folder,
    )
    return functools.reduce(_take, read.extras, own)


def _image(read: ImageFile) -> ImageNeed:
    return ImageNeed(distribution=read.distribution.lower(), version=read.version)


def _changes(read: NeedChangeFile) -> dict[str, Any]:
    numbers = read.model_dump(exclude={"image"}, exclude_none=True)
    return numbers | ({"image": _image(read.image)} if read.image else {})


def _check(read: CheckFile, tunnels: Sequence[TunnelFile]) -> Check:
    if isinstance(read, TunnelCheck):
        named = next(tunnel for tunnel in tunnels if tunnel.name == read.tunnel)
        return read.as_check(tunnel=named.as_tunnel())
    return read.as_check()


def _take(use_case: UseCase, name: str) -> UseCase:
    """Return a use case with an extra: its own copy, where it is kept, before the shipped one."""
    file = _extra_file(use_case, name)
    try:
        read = ExtraFile.model_validate(read_yaml(file, kind="extra"), context={"name": name})
    except ValidationError as error:
        raise _wrong(file, error, what="an extra") from error
    known = {parameter.name for parameter in use_case.parameters} | set(use_case.secrets)
    both = sorted(known & set(read.parameters))
    if both:
        raise RequestError(
            f"the use case {use_case.name} has a parameter {both[0]} that its extra {name} brings",
            way_out=[f"call it otherwise in {use_case.folder / FILE}"],
        )
    if read.publishes and not use_case.tunnels:
        raise RequestError(
            f"the use case {use_case.name} has no tunnel, so its extra {name} has no page to show",
            way_out=[
                f"list the tunnel to its page, or leave {name} out, in {use_case.folder / FILE}"
            ],
        )
    own = [one for one in read.roles if one not in use_case.roles]
    return replace(
        use_case,
        parameters=(
            *use_case.parameters,
            *(given.as_parameter(key) for key, given in read.parameters.items()),
        ),
        roles=(*use_case.roles, *own),
        extras=(*use_case.extras, _extra(read, file.parent, name)),
    )


def _extra_file(use_case: UseCase, name: str) -> Path:
    own, shipped = use_case.folder / EXTRAS, paths.TEMPLATES / EXTRAS
    for place in (own / name, shipped / name):
        if (place / EXTRA).is_file() and (place / PLAYBOOK).is_file():
            return place / EXTRA
    known = sorted(found.parent.name for found in shipped.glob(f"*/{EXTRA}"))
    raise RequestError(
        f"the use case {use_case.name} takes an extra {name!r} that is not there",
        facts={
            "there are": ", ".join(known),
            "looked for": f"{EXTRA} and {PLAYBOOK} in {own / name}",
        },
        way_out=[f"correct `extras` in {use_case.folder / FILE}"],
    )


def _extra(read: ExtraFile, folder: Path, name: str) -> Extra:
    return Extra(
        name=name,
        title=read.title,
        folder=folder,
        tunnels=tuple(given.as_tunnel() for given in read.tunnels),
        status=tuple(given.as_line() for given in read.status),
        checks=tuple(_check(given, read.tunnels) for given in read.checks),
        publishes=read.publishes.as_publishing() if read.publishes else None,
    )


_KEYS = sorted(
    {
        key
        for model in (UseCaseFile, NeedFile, ParameterFile, NodeFile, TunnelFile, HttpCheck)
        for key in model.model_fields
    }
)
