"""Use cases: folders with a usecase.yaml and a playbook.yml, read and validated."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator import paths
from orchestrator.catalogue.usecasefile import UseCaseFile
from orchestrator.errors import RequestError
from orchestrator.model import Check, ImageNeed, Need, NodeGroup, Parameter, UseCase
from orchestrator.writtenfiles import read_yaml

FILE = "usecase.yaml"
PLAYBOOK = "playbook.yml"


def use_case_folders(config: Path) -> tuple[Path, ...]:
    """Return the folders of use cases in order of precedence: the user's, then the shipped ones."""
    return (config / "usecases", paths.TEMPLATES / "usecases")


def load_use_cases(folders: Sequence[Path]) -> dict[str, UseCase]:
    """Return every use case by name; an earlier folder wins."""
    return {name: _read(file) for name, file in sorted(_files(folders).items())}


def find_use_case(name: str, folders: Sequence[Path]) -> UseCase:
    """Return one use case; RequestError names those that are near."""
    files = _files(folders)
    if name in files:
        return _read(files[name])
    near = difflib.get_close_matches(name, files, n=3, cutoff=0.5)
    raise RequestError(
        f"there is no use case {name!r}",
        facts={
            "did you mean" if near else "there are": ", ".join(near or sorted(files)) or "none",
            "looked in": ", ".join(str(folder) for folder in folders),
        },
        way_out=["orchestrator usecases"],
    )


def read_parameters(use_case: UseCase, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for each parameter of a use case: the given one, else its default."""
    known = {parameter.name: parameter for parameter in use_case.parameters}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise RequestError(
                f"{use_case.name} has no parameter {name!r}",
                facts={"did you mean" if near else "it has": ", ".join(near or known) or "none"},
                way_out=[f"orchestrator usecases {use_case.name}"],
            )
    return {
        name: _value(parameter, given[name]) if name in given else parameter.default
        for name, parameter in known.items()
    }


def _value(parameter: Parameter, given: Any) -> Any:
    """Return a given value as its type says; what a command line gives is text."""
    readers = {"string": _string, "integer": _integer, "boolean": _boolean}
    try:
        value = readers[parameter.type](given)
    except ValueError as error:
        raise RequestError(f"the parameter {parameter.name} {error}, not {given!r}") from error
    if parameter.choices and value not in parameter.choices:
        choices = ", ".join(str(choice) for choice in parameter.choices)
        raise RequestError(f"the parameter {parameter.name} is one of {choices}, not {given!r}")
    return value


def _string(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("is a text")
    return given


def _integer(given: Any) -> int:
    try:
        if not isinstance(given, bool | float):
            return int(given)
    except (TypeError, ValueError):
        pass
    raise ValueError("is a whole number")


def _boolean(given: Any) -> bool:
    words = {"true": True, "yes": True, "false": False, "no": False}
    word = str(given).lower()
    if word not in words:
        raise ValueError("is true or false")
    return words[word]


def _files(folders: Sequence[Path]) -> dict[str, Path]:
    found = [file for folder in reversed(folders) for file in sorted(folder.glob(f"*/{FILE}"))]
    return {file.parent.name: file for file in found}


def _read(file: Path) -> UseCase:
    if not (file.parent / PLAYBOOK).is_file():
        raise RequestError(f"the use case {file.parent.name} has no {PLAYBOOK} beside {file}")
    content = read_yaml(file, kind="use case")
    try:
        return _use_case(UseCaseFile.model_validate(content), file.parent)
    except ValidationError as error:
        raise _wrong(file, error) from error


def _wrong(file: Path, error: ValidationError) -> RequestError:
    found = error.errors(include_url=False, include_input=False)
    facts = {".".join(str(part) for part in one["loc"]) or "file": one["msg"] for one in found}
    return RequestError(f"{file} is not a use case", facts=facts)


def _use_case(read: UseCaseFile, folder: Path) -> UseCase:
    needs = read.needs
    return UseCase(
        name=folder.name,
        version=read.version,
        title=read.title,
        description=read.description,
        need=Need(
            vcpus=needs.vcpus,
            ram_mb=needs.ram_mb,
            disk_gb=needs.disk_gb,
            gpus=needs.gpus,
            image=ImageNeed(
                distribution=needs.image.distribution.lower(), version=needs.image.version
            ),
        ),
        parameters=tuple(
            Parameter(
                name=name,
                type=given.type,
                default=given.default,
                help=given.help,
                choices=tuple(given.choices),
            )
            for name, given in read.parameters.items()
        ),
        nodes=tuple(
            NodeGroup(name=node.name, groups=tuple(node.groups), public=node.public)
            for node in read.nodes
        ),
        roles=tuple(read.roles),
        checks=tuple(
            Check(kind=check.kind, title=check.title, settings=check.settings)
            for check in read.checks
        ),
        folder=folder,
    )
