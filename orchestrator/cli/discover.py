"""orchestrator discover"""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from orchestrator.cli import context, tables, terminal
from orchestrator.cli.values import as_value
from orchestrator.model import Offer, Proof


@click.command("discover")
@click.argument("site")
@click.option("--vo", help="Virtual organisation.  [default: your configuration, else vo.access.egi.eu]")  # fmt: skip
@context.json_option
def command(*, site: str, vo: str | None, as_json: bool) -> None:
    """List what the VO's project may use at SITE: networks with evidence, flavors, images, limits."""
    deployer = context.deployer(lambda _progress: None)
    offer, proofs = deployer.discover(site, vo)
    if as_json:
        terminal.echo(json.dumps(as_value(offer)))
        return
    terminal.echo(_text(offer, proofs))


def _text(offer: Offer, proofs: Sequence[Proof]) -> str:
    blocks = [
        f"{offer.site}, project {offer.project_id}, listed {offer.collected_at:%Y-%m-%d %H:%M} UTC",
        tables.render(("NETWORK", "MTU", "EVIDENCE"), _networks(offer, proofs)),
        tables.render(("ROUTER", "LEADS TO", "ADDRESSES"), _routers(offer)),
        tables.render(("FLAVOR", "WHAT", "ACCELERATORS BY"), _flavors(offer)),
        tables.render(("IMAGE", "SYSTEM", "BY", "MADE", "USABLE"), _images(offer)),
        tables.render(("LIMIT ON", "USED", "LIMIT"), _limits(offer)),
    ]
    blocks += [f"{what} could not be listed: {why}" for what, why in offer.gaps.items()]
    return "\n\n".join(blocks)


def _networks(offer: Offer, proofs: Sequence[Proof]) -> list[tuple[str, ...]]:
    from orchestrator.selection import evidence

    listed = sorted(offer.networks, key=lambda one: (not one.external, one.name, one.id))
    found = [(one, evidence.gather(one, offer, proofs)) for one in listed]
    return [(seen.name, str(one.mtu or "?"), seen.text) for one, seen in found]


def _routers(offer: Offer) -> list[tuple[str, ...]]:
    names = {one.id: one.name for one in offer.networks}
    return [
        (
            one.name or one.id,
            names.get(one.external_network_id or "", one.external_network_id or "nothing"),
            ", ".join(one.external_addresses),
        )
        for one in sorted(offer.routers, key=lambda one: (one.name, one.id))
    ]


def _flavors(offer: Offer) -> list[tuple[str, ...]]:
    from orchestrator.selection import accelerators, flavors

    sized = sorted(offer.flavors, key=flavors.order)
    return [(one.name, flavors.label(one), accelerators.of(one).sign) for one in sized]


def _images(offer: Offer) -> list[tuple[str, ...]]:
    from orchestrator.selection import images, systems

    newest = sorted(offer.images, key=lambda one: (one.name, -one.created_at.timestamp(), one.id))
    found = [(one, systems.system_of(one)) for one in newest]
    return [
        (
            one.name,
            f"{system.distribution} {system.version}" if system else "?",
            system.evidence if system else "",
            f"{one.created_at:%Y-%m-%d}",
            images.why_not(one) or "yes",
        )
        for one, system in found
    ]


def _limits(offer: Offer) -> list[tuple[str, ...]]:
    return [
        (one.name, str(one.used), "none" if one.limit is None else str(one.limit))
        for one in offer.quotas
    ]
