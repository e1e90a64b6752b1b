"""What a use case needs for the values of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.model import Need, UseCase


def need_of(use_case: UseCase, parameters: Mapping[str, Any]) -> Need:
    """Return the need with all that the values of parameters change in it, in the file's order.

    A parameter that is the need itself comes last; 0 leaves it as it is.
    """
    need = use_case.need
    for when in use_case.needs_when:
        given = parameters.get(when.parameter)
        # True is 1 to Python.
        if type(given) is type(when.value) and given == when.value:
            need = replace(need, **when.changes)
    said = {key: parameters.get(name) for key, name in use_case.needs_from.items()}
    return replace(need, **{key: number for key, number in said.items() if number})


def in_words(need: Need) -> str:
    """Return a need as a person reads it."""
    parts = [f"{need.vcpus} vCPU", f"{need.ram_mb} MB", f"{need.disk_gb} GB"]
    if need.gpus:
        parts.append(f"{need.gpus} GPU")
    if need.volume_gb:
        parts.append(f"a volume of {need.volume_gb} GB")
    return ", ".join([*parts, f"{need.image.distribution} {need.image.version}"])
