"""The options with which a deployment is asked for, shared by deploy and plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator import requestfile
from orchestrator.catalogue.parameters import Spoken
from orchestrator.errors import RequestError
from orchestrator.model import Request
from orchestrator.writtenfiles import expanded

_Command = TypeVar("_Command", bound=Callable[..., object])

_OPTIONS = (
    click.argument("use_case", metavar="USECASE", required=False),
    click.option("--file", "file", type=click.Path(dir_okay=False), help="A deployment file: use_case, site, vo, name, parameters, choices, days. Options beat it."),
    click.option("--site", help="GOCDB name of the site, or an alias; SANDBOX for the one on this machine."),
    click.option("--vo", help="Virtual organisation.  [default: your configuration, else vo.access.egi.eu]"),
    click.option("--name", help="Name of the deployment.  [default: one is made]"),
    click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Settle a choice: flavor, image, topology, public_network, private_network, floating_ip, volume, proxy_jump."),
    click.option("--param", "parameters", multiple=True, metavar="KEY=VALUE", help="A parameter of the use case; of YAML also KEY=@FILE."),
    click.option("--days", "lifetime_days", type=click.IntRange(1, 365), help="Days until it expires."),
)  # fmt: skip


def request_options(command: _Command) -> _Command:
    """Add the options of a request to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_request(
    *,
    use_case: str | None,
    site: str | None,
    vo: str | None,
    name: str | None,
    overrides: Iterable[str],
    parameters: Iterable[str],
    lifetime_days: int | None,
    file: str | None = None,
    configure: bool = False,
    upgrade: bool = False,
) -> Request:
    """Return the request that the options describe, over the one of a deployment file."""
    said: dict[str, Any] = {
        "use_case": use_case,
        "site": site,
        "vo": vo,
        "name": name,
        "lifetime_days": lifetime_days,
    }
    given = {key: value for key, value in said.items() if value is not None}
    found = requestfile.read(Path(file)) if file else Request(use_case="", site="")
    request = replace(
        found,
        overrides=_overrides(overrides),
        parameters={**found.parameters, **_spoken(parameters)},
        configure=configure,
        upgrade=upgrade,
        **given,
    )
    if not request.use_case:
        raise RequestError("the use case is missing", way_out=["orchestrator usecases"])
    if not request.site:
        raise RequestError("the site is missing", way_out=["--site SITE; see orchestrator sites"])
    return request


def _overrides(given: Iterable[str]) -> dict[str, str]:
    pairs = _pairs("--set", given)
    if "ssh_config" in pairs:
        # ssh is started in other folders than the person is in.
        try:
            pairs["ssh_config"] = str(expanded(Path(pairs["ssh_config"])).absolute())
        except ValueError as error:
            raise RequestError(f"--set ssh_config {error}") from error
    return pairs


def _spoken(parameters: Iterable[str]) -> dict[str, Spoken]:
    pairs = _pairs("--param", parameters)
    return {name: Spoken(value) for name, value in pairs.items()}


def _pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise RequestError(f"{option} {text} has no value", way_out=[f"{option} KEY=VALUE"])
        pairs[key.strip()] = value
    return pairs
