"""orchestrator usecases"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from orchestrator.catalogue import schemas
from orchestrator.catalogue.needs import in_words, need_of
from orchestrator.catalogue.usecases import find_use_case, read_use_cases, use_case_folders
from orchestrator.cli import context, tables, terminal
from orchestrator.cli.values import as_value
from orchestrator.errors import RequestError
from orchestrator.model import Parameter, UseCase


@click.command("usecases")
@click.argument("name", required=False)
@click.option("--schema", is_flag=True, help="JSON Schema: of NAME's parameters, without NAME of a usecase.yaml.")  # fmt: skip
@context.json_option
def command(*, name: str | None, schema: bool, as_json: bool) -> None:
    """List the use cases, or tell what the use case NAME needs, takes, opens and checks."""
    folders = use_case_folders(context.folders().config)
    if name:
        found = find_use_case(name, folders)
        _show(found, folders, schema=schema, as_json=as_json)
    elif schema:
        terminal.echo(json.dumps(schemas.file_schema(), indent=2))
    else:
        _show_all(folders, as_json=as_json)


def _show(found: UseCase, folders: Sequence[Path], *, schema: bool, as_json: bool) -> None:
    if schema:
        terminal.echo(json.dumps(schemas.parameters_schema(found), indent=2))
    elif as_json:
        terminal.echo(json.dumps([as_value(found)]))
    else:
        terminal.echo("\n".join(_describe(found, _origin(found, folders))))


def _show_all(folders: Sequence[Path], *, as_json: bool) -> None:
    found, broken = read_use_cases(folders)
    for error in broken:
        _warn(error)
    if as_json:
        terminal.echo(json.dumps([as_value(use_case) for use_case in found]))
        return
    rows = [(one.name, one.version, one.title, _origin(one, folders)) for one in found]
    terminal.echo(tables.render(("USE CASE", "VERSION", "WHAT", "FROM"), rows))


def _warn(error: RequestError) -> None:
    terminal.echo(f"orchestrator: {error.message}", err=True)
    for place, why in error.facts.items():
        terminal.echo(f"  {place}: {why}", err=True)


def _origin(use_case: UseCase, folders: Sequence[Path]) -> str:
    own, *others = folders
    if use_case.folder.parent != own:
        return "shipped"
    hides = any((folder / use_case.name).is_dir() for folder in others)
    return "yours, in place of the shipped one" if hides else "yours"


def _describe(use_case: UseCase, origin: str) -> list[str]:
    lines = [
        f"{use_case.name} {use_case.version}: {use_case.title}",
        f"  {use_case.description.strip()}",
    ]
    rows = [*_rows(use_case), ("from", f"{origin}: {use_case.folder}")]
    return lines + [f"  {label:<10} {text}" for label, text in rows]


def _rows(use_case: UseCase) -> Iterator[tuple[str, str]]:
    yield "needs", in_words(use_case.need)
    for when in use_case.needs_when:
        need = need_of(use_case, {when.parameter: when.value})
        yield "", f"with {when.parameter}={when.value}: {in_words(need)}"
    for parameter in use_case.parameters:
        yield "--param", _parameter(parameter)
    for extra in use_case.extras:
        yield "extra", f"{extra.title}: --param {extra.name}=true"
    for secret in use_case.secrets:
        yield "secret", f"{secret}, made for each deployment: orchestrator secret NAME {secret}"
    for tunnel in use_case.tunnels:
        option = "" if tunnel is use_case.tunnels[0] else f" --tunnel {tunnel.name}"
        yield "opens", f"{tunnel.title}: orchestrator open NAME{option}"
    for path in use_case.results:
        yield "results", f"{path}: orchestrator results NAME"
    for line in use_case.status:
        yield "tells", f"{line.title}: orchestrator status NAME"
    for check in use_case.checks:
        yield "checked", check.title


def _parameter(parameter: Parameter) -> str:
    default = parameter.default
    shown = default if isinstance(default, str) else json.dumps(default)
    limits = "; ".join(_limits(parameter))
    return f"{parameter.name}={shown}   {parameter.help}{f' ({limits})' if limits else ''}"


def _limits(parameter: Parameter) -> Iterable[str]:
    if parameter.type != "string":
        yield {"file": "a file here, taken to the machine", "yaml": "YAML, or @FILE"}.get(
            parameter.type, parameter.type
        )
    if parameter.choices:
        yield "one of " + ", ".join(map(str, parameter.choices))
    if parameter.minimum is not None:
        yield f"{parameter.minimum:g} at least"
    if parameter.maximum is not None:
        yield f"{parameter.maximum:g} at most"
    if parameter.pattern is not None:
        yield f"like {parameter.pattern}"
