"""orchestrator catalogue search"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import click

from orchestrator.cli import context, tables, terminal, times
from orchestrator.cli.catalogue import surroundings
from orchestrator.cli.values import as_value
from orchestrator.collected import CollectedOffers, Found
from orchestrator.discovery.searching import Match, Miss, Wanted, gigabytes
from orchestrator.model import Flavor, ImageNeed

_MEGABYTES = {"": 1024, "M": 1, "MB": 1, "G": 1024, "GB": 1024, "T": 1024**2, "TB": 1024**2}


class Memory(click.ParamType[int]):
    """An amount of memory or disk, 16G or 512M; a bare number means GB."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read it as MB."""
        found = re.fullmatch(r"(\d+)\s*([MGT]B?)?", str(value).strip().upper().replace("IB", "B"))
        if not found:
            self.fail(f"{value!r} is no size; write 16G or 512M", param, ctx)
        return int(found[1]) * _MEGABYTES[found[2] or ""]


class System(click.ParamType[ImageNeed]):
    """An operating system: debian:12, or debian for any version."""

    name = "name:version"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> ImageNeed:
        """Read it."""
        name, _, version = str(value).strip().replace(" ", ":", 1).partition(":")
        if not name:
            self.fail(f"{value!r} is no system; write debian:12", param, ctx)
        return ImageNeed(distribution=name.lower(), version=version)


@click.command("search")
@click.option("--vcpus", type=click.IntRange(1), default=1, help="At least so many vCPUs.")
@click.option("--ram", "ram_mb", type=Memory(), default="0", help="At least so much memory: 16G.")
@click.option("--disk", "disk_mb", type=Memory(), default="0", help="At least so much disk: 40G.")
@click.option(
    "--gpu",
    "gpus",
    type=click.IntRange(0),
    default=0,
    help="At least so many GPUs; without it none.",
)
@click.option("--image", type=System(), help="An image of this system: debian:12.")
@click.option("--vo", help="Only what is offered to this VO.")
@surroundings.store_option
@context.json_option
def command(
    *,
    vcpus: int,
    ram_mb: int,
    disk_mb: int,
    gpus: int,
    image: ImageNeed | None,
    vo: str | None,
    store_url: str | None,
    as_json: bool,
) -> int:
    """Find the sites that have a flavor of this size, and an image of this system.

    Exit code 5 when no site has both.
    """
    wanted = Wanted(vcpus=vcpus, ram_mb=ram_mb, disk_gb=-(-disk_mb // 1024), gpus=gpus, image=image)
    offers = surroundings.open_store(store_url).offers
    found = CollectedOffers(offers, context.folders()).search(wanted, vo=vo)
    if as_json:
        terminal.echo(json.dumps(_value(found)))
    else:
        _tell(found)
    return 0 if found.matches else 5


def _tell(found: Found) -> None:
    now = datetime.now(UTC)
    looked_at = [
        *(one.collected for one in found.matches),
        *(one.collected for one in found.misses),
    ]
    oldest = [collected.offer.collected_at for collected in looked_at]
    if found.matches:
        headings = ("SITE", "VO", "FLAVOR", "ALIKE", "IMAGE", "COLLECTED")
        terminal.echo(tables.render(headings, [_row(match, now) for match in found.matches]))
    else:
        terminal.echo("No site has that.")
    rows = [(one.collected.offer.site, one.collected.vo, one.why) for one in found.misses]
    rows += [(one.site, one.vo, f"never answered: {one.cause}") for one in found.unknown]
    if rows:
        terminal.echo(f"\nNot at{tables.render(('', '', ''), rows)}")
    if oldest:
        terminal.echo(
            f"\nFrom what was collected; no site was asked now. The oldest of it is of"
            f" {times.moment(min(oldest))}."
        )


def _row(match: Match, now: datetime) -> tuple[str, ...]:
    image = match.image
    return (
        match.collected.offer.site,
        match.collected.vo,
        _label(match.flavor),
        f"{match.flavors - 1} more" if match.flavors > 1 else "",
        f"{image.name}, {image.created_at:%Y-%m-%d}" if image else "",
        surroundings.freshness(match.collected, now),
    )


def _label(flavor: Flavor) -> str:
    disk = f"{flavor.disk_gb} GB" if flavor.disk_gb else "no disk"
    return f"{flavor.name} ({flavor.vcpus} vCPU, {gigabytes(flavor.ram_mb)}, {disk})"


def _value(found: Found) -> dict[str, object]:
    def place(one: Match | Miss) -> dict[str, object]:
        collected = one.collected
        at = collected.offer.collected_at.isoformat()
        return {"site": collected.offer.site, "vo": collected.vo, "collected_at": at}

    return {
        "matches": [
            {
                **place(one),
                "flavor": as_value(one.flavor),
                "flavors": one.flavors,
                "image": as_value(one.image) if one.image else None,
                "images": one.images,
            }
            for one in found.matches
        ],
        "misses": [{**place(one), "why": one.why} for one in found.misses],
        "unknown": [as_value(one) for one in found.unknown],
    }
