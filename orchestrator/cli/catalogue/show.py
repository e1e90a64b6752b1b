"""orchestrator catalogue show"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from orchestrator.cli import context, tables, terminal
from orchestrator.cli.catalogue import surroundings
from orchestrator.cli.values import as_value
from orchestrator.collected import CollectedOffers
from orchestrator.discovery.searching import gigabytes
from orchestrator.discovery.snapshots import Collected
from orchestrator.model import Flavor, Image, Network, Quota
from orchestrator.selection import accelerators
from orchestrator.selection.images import why_not
from orchestrator.selection.systems import system_of
from orchestrator.spans import span


@click.command("show")
@click.argument("site")
@click.option(
    "--vo", help="The VO to which it is offered.  [default: your configuration, or the only one]"
)
@surroundings.store_option
@context.json_option
def command(*, site: str, vo: str | None, store_url: str | None, as_json: bool) -> None:
    """Show what SITE offered when it was last asked, and how old each fact is."""
    offers = surroundings.open_store(store_url).offers
    found = CollectedOffers(offers, context.folders()).show(site, vo)
    if as_json:
        terminal.echo(json.dumps(as_value(found)))
        return
    now = datetime.now(UTC)
    terminal.echo(surroundings.heading(found))
    for title, headings, rows in _blocks(found):
        since = span(now - found.since[title])
        terminal.echo(f"\n{title.upper()}   {len(rows)}, the same for {since}")
        if rows:
            terminal.echo(tables.render([f"  {headings[0]}", *headings[1:]], _indented(rows)))
    for what, why in found.offer.gaps.items():
        terminal.echo(f"\n{what} could not be listed: {why}")


Block = tuple[str, Sequence[str], list[tuple[str, ...]]]


def _blocks(found: Collected) -> list[Block]:
    offer = found.offer
    networks = sorted(offer.networks, key=lambda one: (not one.external, one.name, one.id))
    flavors = sorted(offer.flavors, key=lambda one: (one.vcpus, one.ram_mb, one.name, one.id))
    images = sorted(offer.images, key=lambda one: (one.name, one.created_at, one.id))
    return [
        ("networks", ("NAME", "KIND", "ADDRESSES", "MTU"), [_network(one) for one in networks]),
        (
            "flavors",
            ("NAME", "VCPU", "MEMORY", "DISK", "GPU", "NOTE"),
            [_flavor(one) for one in flavors],
        ),
        ("images", ("NAME", "SYSTEM", "OF", "SHARED", "NOTE"), [_image(one) for one in images]),
        ("quotas", ("OF", "USED", "LIMIT"), [_quota(one) for one in offer.quotas]),
    ]


def _indented(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [(f"  {first}", *rest) for first, *rest in rows]


def _network(network: Network) -> tuple[str, ...]:
    kinds = {
        "external": network.external,
        "shared": network.shared,
        "own": network.owned,
        "default": network.is_default,
        "down": not network.active,
    }
    addresses = [subnet.cidr for subnet in network.subnets]
    if network.hidden_subnets:
        addresses.append(f"{network.hidden_subnets} hidden")
    return (
        network.name or network.id,
        ", ".join(kind for kind, holds in kinds.items() if holds),
        ", ".join(addresses) or "none",
        str(network.mtu or ""),
    )


def _flavor(flavor: Flavor) -> tuple[str, ...]:
    found = accelerators.of(flavor)
    notes = [f"by {found.sign}" if found.gpus else "", "disabled" if flavor.disabled else ""]
    return (
        flavor.name,
        str(flavor.vcpus),
        gigabytes(flavor.ram_mb),
        f"{flavor.disk_gb} GB" if flavor.disk_gb else "a volume",
        str(found.gpus or ""),
        ", ".join(filter(None, notes)),
    )


def _image(image: Image) -> tuple[str, ...]:
    system = system_of(image)
    return (
        image.name,
        f"{system.distribution} {system.version}" if system else "",
        f"{image.created_at:%Y-%m-%d}",
        image.visibility,
        why_not(image) or "",
    )


def _quota(quota: Quota) -> tuple[str, ...]:
    limit = "unlimited" if quota.limit is None else str(quota.limit)
    return (quota.name.replace("_", " "), str(quota.used), limit)
