"""orchestrator usecases"""

from __future__ import annotations

import json

import click

from orchestrator.catalogue.usecases import find_use_case, load_use_cases, use_case_folders
from orchestrator.cli import context, tables
from orchestrator.cli.values import as_value
from orchestrator.model import UseCase


@click.command("usecases")
@click.argument("name", required=False)
@context.json_option
def command(*, name: str | None, as_json: bool) -> None:
    """List the use cases, or tell what the use case NAME needs and takes."""
    folders = use_case_folders(context.folders().config)
    found = [find_use_case(name, folders)] if name else [*load_use_cases(folders).values()]
    if as_json:
        click.echo(json.dumps([as_value(use_case) for use_case in found]))
    elif name:
        click.echo("\n".join(_describe(found[0])))
    else:
        rows = [(use_case.name, use_case.version, use_case.title) for use_case in found]
        click.echo(tables.render(("USE CASE", "VERSION", "WHAT"), rows))


def _describe(use_case: UseCase) -> list[str]:
    need = use_case.need
    lines = [
        f"{use_case.name} {use_case.version}: {use_case.title}",
        f"  {use_case.description.strip()}",
        f"  needs      {need.vcpus} vCPU, {need.ram_mb} MB, {need.disk_gb} GB,"
        f" {need.image.distribution} {need.image.version}",
    ]
    lines += [
        f"  --param    {parameter.name}={parameter.default}   {parameter.help}"
        for parameter in use_case.parameters
    ]
    return lines + [f"  checked    {check.title}" for check in use_case.checks]
