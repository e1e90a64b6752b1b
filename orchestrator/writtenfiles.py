"""YAML that others write: of bounded size and depth, and without aliases, a few lines of which fill the memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import RequestError

# The C parser is ten times quicker and not part of every build of PyYAML.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST = 64 * 1024
_DEEPEST = 100  # the C parser ends the whole process where its stack does


class AliasError(ValueError):
    """There is an alias where none is allowed."""


def load_yaml(text: str | bytes, *, aliases: bool = False) -> Any:
    """Return what a text says; YAMLError or ValueError says what is wrong with it.

    Raises AliasError for an alias, unless they are allowed.
    """
    # The C parser takes no subclass of str.
    plain = text if isinstance(text, bytes) else str(text)
    depth = 0
    for event in yaml.parse(plain, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent) and not aliases:
            raise AliasError("aliases (*name) are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            mark = event.start_mark
            raise ValueError(f"line {mark.line + 1 if mark else 0} is nested too deep")
    return yaml.load(plain, Loader=_LOADER)


def read_yaml(path: Path, *, kind: str) -> Any:
    """Return what a file says; RequestError names the file and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path}: {' '.join(str(error).split())}") from error
    return parse_yaml(text, kind=kind, name=str(path))


def parse_yaml(text: str, *, kind: str, name: str = "the text") -> Any:
    """Return what a text says; RequestError names it and what is wrong with it."""
    try:
        if len(text) > _LONGEST:
            raise RequestError(f"{name}: longer than {_LONGEST // 1024} KB, so it is not read")
        return load_yaml(text)
    except AliasError as error:
        raise RequestError(f"{name}: {error} in a {kind}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise RequestError(f"{name}: {' '.join(str(error).split())}") from error


def expanded(path: Path) -> Path:
    """Return a path with the home folder that its ~ stands for; ValueError where there is none."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"names a home folder that is not here: {path}") from error


def line_of(path: Path, place: Sequence[str | int]) -> int:
    """Return the line of a key in a file that was read before, or of the nearest one around it."""
    # By the parser that read it: the other one takes a little less.
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    line = 1
    for step in place:
        # Validators add names of their own to a place: those are no keys.
        found = _below(node, step)
        if found is not None:
            key, node = found
            line = key.start_mark.line + 1
    return line


def _below(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = ((key, value) for key, value in node.value if key.value == str(step))
        return next(pairs, None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None
