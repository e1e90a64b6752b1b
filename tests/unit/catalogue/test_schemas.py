"""JSON Schemas of use cases, for forms, editors and pipelines."""

from __future__ import annotations

from orchestrator.catalogue.schemas import file_schema, parameters_schema
from orchestrator.catalogue.usecases import find_use_case
from orchestrator.newusecase import make


def test_the_schema_of_a_file_names_every_key_and_refuses_others():
    schema = file_schema()
    assert {"needs", "needs_when", "secrets", "tunnels", "results", "status", "checks"} <= set(
        schema["properties"]
    )
    assert schema["additionalProperties"] is False
    assert "HttpCheck" in schema["$defs"]


def test_the_schema_of_parameters_carries_type_limits_default_and_help(tmp_path):
    made = make("mine", tmp_path)
    schema = parameters_schema(find_use_case("mine", [made.folder.parent]))
    assert schema["additionalProperties"] is False
    assert schema["properties"]["greeting"] == {
        "type": "string",
        "description": "what the page says",
        "default": "It works",
        "pattern": "^(?:[^<>]{1,200})$",
    }
    assert schema["properties"]["size"]["enum"] == ["small", "large"]
    assert schema["properties"]["attachment"]["format"] == "file-path"
