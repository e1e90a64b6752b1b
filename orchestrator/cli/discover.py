"""orchestrator discover"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from orchestrator.cli import context, tables
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
        click.echo(json.dumps(as_value(offer)))
        return
    click.echo(_text(offer, proofs))


def _text(offer: Offer, proofs: Sequence[Proof]) -> str:
    from orchestrator.selection import accelerators, evidence, flavors, images, systems

    networks = sorted(offer.networks, key=lambda one: (not one.external, one.name, one.id))
    sized = sorted(offer.flavors, key=flavors.order)
    newest = sorted(offer.images, key=lambda one: (one.name, -one.created_at.timestamp(), one.id))
    found = [(one, evidence.gather(one, offer, proofs)) for one in networks]
    blocks = [
        f"{offer.site}, project {offer.project_id}, listed {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        tables.render(
            ("NETWORK", "MTU", "EVIDENCE"),
            [(seen.name, str(one.mtu or "?"), seen.text) for one, seen in found],
        ),
        tables.render(
            ("ROUTER", "LEADS TO", "ADDRESSES"),
            [
                (one.name or one.id, _name_of(offer, one.external_network_id), ", ".join(one.external_addresses))
                for one in offer.routers
            ],
        ),
        tables.render(
            ("FLAVOR", "WHAT", "ACCELERATORS BY"),
            [(one.name, flavors.label(one), accelerators.of(one).sign) for one in sized],
        ),
        tables.render(
            ("IMAGE", "SYSTEM", "BY", "MADE", "USABLE"),
            [
                (
                    one.name,
                    f"{system.distribution} {system.version}" if (system := systems.system_of(one)) else "?",
                    system.evidence if system else "",
                    f"{one.created_at:%Y-%m-%d}",
                    images.why_not(one) or "yes",
                )
                for one in newest
            ],
        ),
        tables.render(
            ("LIMIT ON", "USED", "LIMIT"),
            [(q.name, str(q.used), "none" if q.limit is None else str(q.limit)) for q in offer.quotas],
        ),
    ]  # fmt: skip
    blocks += [f"{what} could not be listed: {why}" for what, why in offer.gaps.items()]
    return "\n\n".join(blocks)


def _name_of(offer: Offer, network_id: str | None) -> str:
    if network_id is None:
        return "nothing"
    return next((one.name for one in offer.networks if one.id == network_id), network_id)
