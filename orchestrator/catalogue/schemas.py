"""JSON Schemas: of a usecase.yaml, and of the parameters of one use case, for forms and editors."""

from __future__ import annotations

from typing import Any

from orchestrator.catalogue.usecasefile import UseCaseFile
from orchestrator.model import Parameter, UseCase

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "file": {"type": "string", "format": "file-path"},
    "yaml": {},  # anything
}


def file_schema() -> dict[str, Any]:
    """Return the schema of a usecase.yaml."""
    return {"$schema": _DIALECT, **UseCaseFile.model_json_schema()}


def parameters_schema(use_case: UseCase) -> dict[str, Any]:
    """Return the schema of the parameters of a use case."""
    return {
        "$schema": _DIALECT,
        "title": use_case.title,
        "description": use_case.description.strip(),
        "type": "object",
        "properties": {one.name: _property(one) for one in use_case.parameters},
        "additionalProperties": False,
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    limits = {
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
        # Ours is of the whole text, JSON Schema's of any part of it.
        "pattern": f"^(?:{parameter.pattern})$" if parameter.pattern else None,
        "enum": list(parameter.choices) or None,
    }
    return {
        **_TYPES[parameter.type],
        "description": parameter.help,
        "default": parameter.default,
        **{key: value for key, value in limits.items() if value is not None},
    }
