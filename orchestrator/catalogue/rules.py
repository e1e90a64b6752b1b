"""Rules of a use case: what parameters, inputs and needs must have in common before anything is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.catalogue.fitsheader import read_header
from orchestrator.errors import RequestError
from orchestrator.model import Need, UseCase

_GB = 1000**3
_SYSTEM_GB = 4  # what the operating system takes of a disk without a volume

Values = Mapping[str, Any]


def check_rules(use_case: UseCase, parameters: Values, need: Need) -> None:
    """Raise RequestError naming every rule of the use case that does not hold."""
    given = {one.name: one.default for one in use_case.parameters} | dict(parameters)
    broken: dict[str, str] = {}
    for rule in use_case.rules:
        settings = rule.settings
        if all(given.get(name) in values for name, values in settings["when"].items()):
            for name, text in _KINDS[rule.kind](settings, given, need).items():
                because = f" ({settings['because']})" if settings["because"] else ""
                broken[name] = text + because
    if broken:
        raise RequestError(
            f"{use_case.name} cannot run like this",
            facts=broken,
            way_out=[f"orchestrator usecases {use_case.name}        says what each parameter is"],
        )


def _square(settings: Values, parameters: Values, _need: Need) -> dict[str, str]:
    name = settings["parameter"]
    number = parameters[name]
    root = math.isqrt(max(number, 0))
    if root * root == number:
        return {}
    near = f"{root**2} or {(root + 1) ** 2}" if root else "1 or 4"
    return {name: f"{number} is not a square number; {near} is"}


def _one_of(settings: Values, parameters: Values, _need: Need) -> dict[str, str]:
    names = settings["parameters"]
    given = [name for name in names if parameters[name]]
    if len(given) == 1:
        return {}
    said = (
        f"only one of them: {' and '.join(given)} are given" if given else "one of them is needed"
    )
    return {", ".join(names): said}


def _together(settings: Values, parameters: Values, _need: Need) -> dict[str, str]:
    names = settings["parameters"]
    missing = [name for name in names if not parameters[name]]
    if not missing or len(missing) == len(names):
        return {}
    given = [name for name in names if parameters[name]]
    return {", ".join(missing): f"is needed with {', '.join(given)}"}


def _allowed(settings: Values, parameters: Values, _need: Need) -> dict[str, str]:
    name, values = settings["parameter"], settings["values"]
    if parameters[name] in values:
        return {}
    when = ", ".join(f"{other}={parameters[other]}" for other in settings["when"])
    said = f"{parameters[name]} is none of {', '.join(map(str, values))}"
    return {name: f"{said} with {when}" if when else said}


def _fits_header(settings: Values, parameters: Values, _need: Need) -> dict[str, str]:
    name = settings["parameter"]
    path = Path(parameters[name])
    # One that is gone from here was taken to the node before.
    if not parameters[name] or not path.is_file():
        return {}
    try:
        header = read_header(path)
    except ValueError as error:
        return {name: f"{path} {error}"}
    wrong = "; ".join(_faults_of(header, settings))
    return {name: f"in the header of {path}: {wrong}"} if wrong else {}


def _faults_of(header: Mapping[str, str], settings: Values) -> list[str]:
    """Return each way in which a header is not as the rule wants it, in words."""
    wrong = [f"{key} is missing" for key in settings["keys"] if key not in header]
    for key, values in settings["values"].items():
        if key in header and header[key].upper() not in values:
            wrong.append(f"{key} is {header[key]!r}, not {' or '.join(values)}")
    sides = {key: header.get(key, "missing") for key in settings["equal"]}
    if len(set(sides.values())) > 1:
        words = ", ".join(f"{key} is {side}" for key, side in sides.items())
        wrong.append(f"{words}: not the same")
    return wrong


def _room(settings: Values, parameters: Values, need: Need) -> dict[str, str]:
    size = _input_gb(settings, parameters)
    if not size:
        return {}
    broken = {}
    disk = need.volume_gb or need.disk_gb - _SYSTEM_GB
    wanted = size * settings["disk_times"] + settings["disk_plus_gb"]
    if wanted > disk:
        broken["disk"] = (
            f"an input of {size:.1f} GB wants {wanted:.0f} GB of disk, there are {disk} GB"
            f" {'on the volume' if need.volume_gb else 'beside the system'}"
        )
    parts = parameters.get(settings["ram_divided_by"] or "") or settings["ram_parts"]
    memory = size * settings["ram_times"] / parts + settings["ram_plus_gb"]
    if memory > need.ram_mb / 1024:
        broken["memory"] = (
            f"an input of {size:.1f} GB in {parts} parts wants {memory:.1f} GB of memory,"
            f" there are {need.ram_mb / 1024:.0f} GB"
        )
    return broken


def _input_gb(settings: Values, parameters: Values) -> float:
    path = parameters[settings["parameter"]]
    if path and Path(path).is_file():
        return Path(path).stat().st_size / _GB
    return float(parameters.get(settings["or_gb"] or "") or 0)


_KINDS: dict[str, Callable[[Values, Values, Need], dict[str, str]]] = {
    "square": _square,
    "one_of": _one_of,
    "together": _together,
    "allowed": _allowed,
    "fits_header": _fits_header,
    "room": _room,
}
