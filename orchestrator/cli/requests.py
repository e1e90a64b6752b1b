"""The options with which a deployment is asked for, shared by deploy and plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from orchestrator.errors import RequestError
from orchestrator.model import Request

_Command = TypeVar("_Command", bound=Callable[..., object])

_OPTIONS = (
    click.argument("use_case", metavar="USECASE"),
    click.option("--site", required=True, help="GOCDB name of the site, or an alias; SANDBOX for the one on this machine."),
    click.option("--vo", help="Virtual organisation.  [default: your configuration, else vo.access.egi.eu]"),
    click.option("--name", help="Name of the deployment.  [default: one is made]"),
    click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Settle a choice: flavor, image, public_network."),
    click.option("--param", "parameters", multiple=True, metavar="KEY=VALUE", help="A parameter of the use case."),
    click.option("--days", "lifetime_days", type=click.IntRange(1, 365), help="Days until it expires."),
)  # fmt: skip


def request_options(command: _Command) -> _Command:
    """Add the options of a request to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_request(
    *,
    use_case: str,
    site: str,
    vo: str | None,
    name: str | None,
    overrides: Iterable[str],
    parameters: Iterable[str],
    lifetime_days: int | None,
    configure: bool = False,
) -> Request:
    """Return the request that the options describe."""
    return Request(
        use_case=use_case,
        site=site,
        vo=vo,
        name=name,
        overrides=_pairs("--set", overrides),
        parameters=_pairs("--param", parameters),
        lifetime_days=lifetime_days,
        configure=configure,
    )


def _pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise RequestError(f"{option} {text} has no value", way_out=[f"{option} KEY=VALUE"])
        pairs[key.strip()] = value
    return pairs
