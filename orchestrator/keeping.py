"""The use case that a deployment was made with, kept in its work folder together with its roles."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator import paths
from orchestrator.catalogue.usecases import EXTRAS, FILE, PLAYBOOK, read_use_case
from orchestrator.errors import RequestError
from orchestrator.model import UseCase
from orchestrator.workdir import Workdir, told
from orchestrator.writtenfiles import read_yaml

# Where Ansible looks for roles beside a playbook, also in a use case that brings its own.
ROLES = "roles"
# What mounts data volumes, apart from the use case's own: any may need one, none has to say how.
VOLUMES = "volumes"
_VOLUMES_ROLE = "data"
_NOT_KEPT = shutil.ignore_patterns("__pycache__", "*.pyc", ".git")


def kept_use_case(workdir: Workdir, name: str) -> UseCase | None:
    """Return the use case that is kept in a work folder, None where none is."""
    if not (workdir.use_case / FILE).is_file():
        return None
    return read_use_case(workdir.use_case, name)


def keep(workdir: Workdir, use_case: UseCase) -> UseCase:
    """Copy a use case, its extras and the roles of both into the work folder, in place of what is there."""
    roles = dict(_roles(use_case))
    with told("write", workdir.use_case):
        made = Path(tempfile.mkdtemp(dir=workdir.path, prefix=".usecase-"))
        try:
            copy = made / "usecase"
            shutil.copytree(use_case.folder, copy, ignore=_NOT_KEPT)
            for name, folder in roles.items():
                if not (copy / ROLES / name).exists():
                    shutil.copytree(folder, copy / ROLES / name, ignore=_NOT_KEPT)
            for extra in use_case.extras:
                if not (copy / EXTRAS / extra.name).exists():
                    shutil.copytree(extra.folder, copy / EXTRAS / extra.name, ignore=_NOT_KEPT)
            (copy / ROLES).mkdir(exist_ok=True)
            _keep_volumes(copy / VOLUMES)
            if workdir.use_case.exists():
                workdir.use_case.rename(made / "earlier")
            copy.rename(workdir.use_case)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return read_use_case(workdir.use_case, use_case.name)


def _keep_volumes(target: Path) -> None:
    (target / ROLES).mkdir(parents=True, exist_ok=True)
    shutil.copy(paths.TEMPLATES / f"{VOLUMES}.yml", target / PLAYBOOK)
    role = paths.ANSIBLE_ROLES / _VOLUMES_ROLE
    shutil.copytree(role, target / ROLES / _VOLUMES_ROLE, ignore=_NOT_KEPT)


def files_of(use_case: UseCase) -> Iterator[Path]:
    """Return every file that a kept use case is made of, in a fixed order."""
    yield from sorted(path for path in use_case.folder.rglob("*") if path.is_file())


def _roles(use_case: UseCase) -> Iterator[tuple[str, Path]]:
    """Return the folders of the roles that a use case names, and of those that they depend on."""
    todo, seen = list(use_case.roles), set[str]()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        folder = _find(name, use_case)
        todo += _dependencies(folder)
        yield name, folder


def _find(name: str, use_case: UseCase) -> Path:
    places = (use_case.folder / ROLES / name, paths.ANSIBLE_ROLES / name)
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise RequestError(
            f"the use case {use_case.name} names a role {name!r} that is not there",
            facts={"looked in": ", ".join(str(place.parent) for place in places)},
            way_out=[f"correct `roles` in {use_case.folder / FILE}, the playbook is {PLAYBOOK}"],
        )
    return found


def _dependencies(role: Path) -> list[str]:
    file = role / "meta" / "main.yml"
    content: Any = read_yaml(file, kind="role") if file.is_file() else None
    listed = (content or {}).get("dependencies") or []
    return [
        str(one if isinstance(one, str) else one.get("role", one.get("name"))) for one in listed
    ]
