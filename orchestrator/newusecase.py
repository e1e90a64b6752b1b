"""A new use case in a person's own folder: a working one, to be changed step by step."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator import paths
from orchestrator.catalogue.usecases import read_use_case, use_case_folders
from orchestrator.errors import RequestError
from orchestrator.model import UseCase
from orchestrator.workdir import told

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_STANDS_FOR_IT = "my_use_case"


def make(name: str, config: Path) -> UseCase:
    """Make the folder of a use case and return it; RequestError when the name is taken or cannot be one."""
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"{name!r} cannot be the name of a use case",
            facts={"a name is": "up to 31 of a-z, 0-9 and _, a letter first"},
        )
    own, shipped = use_case_folders(config)
    for folder, whose in ((own, "you have"), (shipped, "there is")):
        if (folder / name).exists():
            raise RequestError(
                f"{whose} a use case {name} already",
                facts={"where": str(folder / name)},
                way_out=["choose another name"],
            )
    with told("write", own / name):
        (own / name).mkdir(parents=True)
        for source in sorted((paths.TEMPLATES / "usecase_new").iterdir()):
            text = source.read_text(encoding="utf-8").replace(_STANDS_FOR_IT, name)
            (own / name / source.name).write_text(text, encoding="utf-8")
    return read_use_case(own / name, name)
