"""Values of a use case's parameters: given, by the site's file, or the default; typed and within limits."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import RequestError
from orchestrator.model import Parameter, Site, UseCase
from orchestrator.writtenfiles import expanded, parse_yaml, read_yaml

_LARGEST = 10.0**300


class Spoken(str):
    """A value as a command line gives it: text, which means what the parameter's type says.

    Only such a value may name a file of YAML by ``@file``: who types it reads that file anyway.
    """

    __slots__ = ()


def read_parameters(
    use_case: UseCase,
    given: Mapping[str, Any],
    *,
    site: Site | None = None,
    vo: str | None = None,
    base: Path | None = None,
) -> dict[str, Any]:
    """Return a value for each parameter: the given one, else the site's, else its default.

    ``base`` is the folder from which a deployment file's relative paths lead.
    """
    settled = site.parameters_of(use_case.name, vo) if site else {}
    known = {parameter.name: parameter for parameter in use_case.parameters}
    _require_known(use_case, given, known, said_by=None)
    _require_known(use_case, settled, known, said_by=site.origin if site else None)
    layers = {**settled, **given}
    return {
        name: _value(parameter, layers[name], base) if name in layers else parameter.default
        for name, parameter in known.items()
    }


def check(parameter: Parameter, value: Any) -> None:
    """Raise ValueError, as a part of a sentence, for a value that is not of the type or beyond the limits."""
    _TYPES[parameter.type](value)
    if parameter.choices and value not in parameter.choices:
        raise ValueError(f"is one of {', '.join(map(str, parameter.choices))}")
    if parameter.minimum is not None and value < parameter.minimum:
        raise ValueError(f"is {_shown(parameter.minimum)} at least")
    if parameter.maximum is not None and value > parameter.maximum:
        raise ValueError(f"is {_shown(parameter.maximum)} at most")
    if parameter.pattern is not None and not re.fullmatch(parameter.pattern, value):
        raise ValueError(f"is a text like {parameter.pattern}")


def _shown(limit: float) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def _require_known(
    use_case: UseCase, names: Iterable[str], known: Iterable[str], *, said_by: str | None
) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), n=1)
            facts = {"did you mean" if near else "it has": ", ".join(near or known) or "none"}
            raise RequestError(
                f"{use_case.name} has no parameter {name!r}",
                facts=facts | ({"said by": said_by} if said_by else {}),
                way_out=[f"orchestrator usecases {use_case.name}"],
            )


def _value(parameter: Parameter, given: Any, base: Path | None) -> Any:
    """Return a given value as its type says; what a command line gives is text."""
    try:
        value = _read(parameter, given, base)
        if not (parameter.type == "file" and value == ""):
            check(parameter, value)
    except ValueError as error:
        raise RequestError(f"the parameter {parameter.name} {error}, not {given!r}") from error
    return value


def _read(parameter: Parameter, given: Any, base: Path | None) -> Any:
    if parameter.type == "file":
        return _path(given, base)
    if isinstance(given, str) and parameter.type in _FROM_TEXT:
        return _FROM_TEXT[parameter.type](given)
    if parameter.type == "yaml":
        return _plain(_spoken_yaml(given) if isinstance(given, Spoken) else given)
    return str(given) if isinstance(given, Spoken) else given


def _path(given: Any, base: Path | None) -> str:
    if not isinstance(given, str):
        raise ValueError("is the path of a file")
    if not given:
        return ""
    path = expanded(Path(given))
    if base is not None and not isinstance(given, Spoken):
        path = base / path
    return str(path.absolute())


def _spoken_yaml(text: str) -> Any:
    if text.startswith("@"):
        return read_yaml(expanded(Path(text[1:])), kind="parameter")
    return parse_yaml(text, kind="parameter")


def _plain(value: Any) -> Any:
    """Return a value of YAML as JSON has it, in which it is kept."""
    try:
        kept = json.loads(json.dumps(value, allow_nan=False))
        _is_whole(json.dumps(kept, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError("is YAML of texts, numbers, lists and mappings (quote dates)") from error
    return kept


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("is a whole number") from None


def _number(text: str) -> int | float:
    try:
        return float(text) if not re.fullmatch(r"\s*[+-]?\d+\s*", text) else int(text)
    except ValueError:
        raise ValueError("is a number") from None


def _boolean(text: str) -> bool:
    words = {"true": True, "yes": True, "false": False, "no": False}
    if text.lower() not in words:
        raise ValueError("is true or false")
    return words[text.lower()]


def _is_string(value: Any) -> None:
    if not isinstance(value, str):
        raise ValueError("is a text")
    _is_whole(value)


def _is_whole(text: str) -> None:
    """Raise ValueError for what neither a file nor a database takes: a NUL, or half a sign."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("is a text of whole signs") from None
    if "\0" in text:
        raise ValueError("is a text without NUL")


def _is_integer(value: Any) -> None:
    if type(value) is not int:
        raise ValueError("is a whole number")


def _is_number(value: Any) -> None:
    # Of a whole number with hundreds of digits no other one can be made.
    if type(value) not in (int, float) or not -_LARGEST < value < _LARGEST:
        raise ValueError("is a number")


def _is_boolean(value: Any) -> None:
    if type(value) is not bool:
        raise ValueError("is true or false")


def _is_file(value: Any) -> None:
    # Not Path.is_file(), which raises for a name that is too long or a folder that is closed.
    if not isinstance(value, str) or not os.path.isfile(value):
        raise ValueError("is the path of a file that exists here")
    if not Path(value).name.isprintable():
        raise ValueError("is a file whose name can be shown")


def _is_yaml(value: Any) -> None:
    _plain(value)


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "integer": _whole,
    "number": _number,
    "boolean": _boolean,
}
_TYPES: dict[str, Callable[[Any], None]] = {
    "string": _is_string,
    "integer": _is_integer,
    "number": _is_number,
    "boolean": _is_boolean,
    "file": _is_file,
    "yaml": _is_yaml,
}
