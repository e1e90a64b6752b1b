"""What the commands on collected offers have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import click

from orchestrator.cli import context, times
from orchestrator.discovery.snapshots import Collected
from orchestrator.spans import span
from orchestrator.store import Store

_Command = TypeVar("_Command", bound=Callable[..., object])

# Somebody should look why nothing has come for so long.
_OLD = timedelta(days=1)


def store_option(command: _Command) -> _Command:
    """Add ``--store`` to a command."""
    return click.option(
        "--store",
        "store_url",
        envvar=context.STORE_VARIABLE,
        metavar="URL",
        help=f"Store to use: sqlite:///FILE or postgresql://HOST/NAME; a password belongs into {context.STORE_VARIABLE}.  [default: your own]",
    )(command)


def open_store(url: str | None) -> Store:
    """Open the store that was named, else the one of this user."""
    return Store(url) if url else context.store()


def age(at: datetime, now: datetime | None = None) -> str:
    """Write how long ago that was, with a mark where it is long."""
    passed = (now or datetime.now(UTC)) - at
    return f"{span(passed)} ago" + (" !" if passed > _OLD else "")


def freshness(collected: Collected, now: datetime | None = None) -> str:
    """Write how old an offer is, and whether the site has failed since then."""
    failed = ", not reached since" if collected.failure else ""
    return age(collected.offer.collected_at, now) + failed


def heading(collected: Collected) -> str:
    """Write whose offer it is, how old it is, and that nobody was asked."""
    offer = collected.offer
    lines = [
        f"{offer.site} for {collected.vo}, as collected {age(offer.collected_at)}"
        f" ({times.moment(offer.collected_at)}); the site was not asked now."
    ]
    return "\n".join([*lines, *unreached(collected)])


def unreached(collected: Collected) -> list[str]:
    """Say from when a site could not be listed, and why; nothing where it could."""
    failure = collected.failure
    if failure is None:
        return []
    since, tried = times.moment(failure.since), age(failure.at)
    return [f"{failure.site} was not reached since {since}, last tried {tried}: {failure.cause}"]
