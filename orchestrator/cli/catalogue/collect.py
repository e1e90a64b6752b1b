"""orchestrator catalogue collect"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import context, failures, interrupts, terminal, times, views
from orchestrator.cli.catalogue import surroundings
from orchestrator.discovery.snapshots import PARTS
from orchestrator.errors import InterruptedRunError, SiteError

if TYPE_CHECKING:
    from orchestrator.collector import Begun, Ended, Kept

_STOPPING = "stopping; what has been answered is kept."


@click.command("collect")
@click.option(
    "--vo",
    "vos",
    multiple=True,
    help="A VO whose sites are asked; may be repeated.  [default: your configuration, else vo.access.egi.eu]",
)
@click.option(
    "--site",
    "sites",
    multiple=True,
    help="Ask this site only; may be repeated.  [default: all of the VOs]",
)
@click.option(
    "--every", type=times.Span(), help="Go on, with a round every 30m, 2h, ... until it is stopped."
)
@click.option(
    "--keep",
    type=times.Span(),
    default="180d",
    show_default=True,
    help="How long to remember what was offered earlier.",
)
@click.option(
    "--patience",
    type=times.Span(),
    default="60s",
    show_default=True,
    help="How long to wait for one site.",
)
@surroundings.store_option
@context.json_option
def command(
    *,
    vos: Sequence[str],
    sites: Sequence[str],
    every: timedelta | None,
    keep: timedelta,
    patience: timedelta,
    store_url: str | None,
    as_json: bool,
) -> int:
    """Ask all sites of your VOs what they offer, and keep the answers.

    A site that is down or silent keeps what was collected of it last, and costs the others
    nothing. Exit code 5 (4 for want of a login) when not one of them answered.
    """
    # The libraries that speak with sites are loaded here, and not for a look at the store.
    from orchestrator.collector import Collector
    from orchestrator.settings import Settings

    places = context.folders()
    settings = Settings.read(places.config)
    store = surroundings.open_store(store_url)
    view = _Json() if as_json else _Lines()
    with interrupts.safe_stop(_STOPPING) as stop:
        collector = Collector(
            folders=places,
            settings=settings,
            offers=store.offers,
            environment=context.child_environment(),
            access_token=context.given_token(),
            stop=stop,
            patience=patience.total_seconds(),
        )
        rounds = collector.run(vos=vos or (settings.vo,), sites=sites, every=every, keep=keep)
        code = _show(rounds, view)
    if every is not None:
        return 0
    if stop.is_set():
        raise InterruptedRunError("stopped; what had been answered by then is kept.")
    return code


def _show(events: Iterable[Begun | Kept | Ended], view: _Json | _Lines) -> int:
    """Tell each event as it comes; return the exit code that the last round deserves."""
    from orchestrator.collector import Begun, Ended

    collected, codes = 0, set[int]()
    for event in events:
        if isinstance(event, Begun):
            view.begun(event)
        elif isinstance(event, Ended):
            view.ended(event)
            collected = event.collected
        else:
            view.kept(event)
            if event.answer.error is not None:
                codes.add(event.answer.error.exit_code)
    if collected:
        return 0
    return codes.pop() if len(codes) == 1 else SiteError.exit_code


_COUNTED = ("collected", "failed", "forgotten")


class _Json:
    """One JSON object per event."""

    def begun(self, event: Begun) -> None:
        pairs = [{"site": place.site.name, "vo": place.vo} for place in event.asked]
        self._say(event="round", number=event.number, asked=pairs)

    def kept(self, event: Kept) -> None:
        answer = event.answer
        told: dict[str, Any] = {"site": answer.place.site.name, "vo": answer.place.vo}
        told["seconds"] = round(answer.seconds, 3)
        if answer.offer is not None:
            state = "changed" if event.changed else "same"
            self._say(
                event="site", state=state, changed=event.changed, counts=_counts(event), **told
            )
        elif answer.error is not None:
            self._say(event="site", state="failed", error=failures.as_value(answer.error), **told)

    def ended(self, event: Ended) -> None:
        counts = {name: getattr(event, name) for name in _COUNTED}
        error = failures.as_value(event.error) if event.error else None
        self._say(
            event="round ended",
            number=event.number,
            seconds=round(event.seconds, 3),
            next_at=_next(event).isoformat() if event.wait is not None else None,
            error=error,
            **counts,
        )

    def _say(self, **values: Any) -> None:
        terminal.echo(json.dumps(values))


class _Lines:
    """A line per site, as it answers."""

    def __init__(self) -> None:
        self._widths = (0, 0)

    def begun(self, event: Begun) -> None:
        names = [place.site.name for place in event.asked]
        vos = [place.vo for place in event.asked]
        self._widths = (_widest(names), _widest(vos))
        what = f"{len(set(names))} sites" if len(set(names)) != 1 else names[0]
        terminal.echo(f"{what}  ·  {', '.join(dict.fromkeys(vos))}  ·  {times.moment(_now())}\n")

    def kept(self, event: Kept) -> None:
        answer, (site, vo) = event.answer, self._widths
        place = f"{answer.place.site.name:<{site}}   {answer.place.vo:<{vo}}"
        terminal.echo(f"  {place}   {views.clock(answer.seconds):>7}   {_text(event)}")

    def ended(self, event: Ended) -> None:
        if event.error is not None:
            failures.show(event.error)
        else:
            terminal.echo(
                f"\n{event.collected} of {event.asked} collected in {views.clock(event.seconds)}."
                + (" Of what failed the last collection stays." if event.failed else "")
            )
        if event.wait is not None:
            terminal.echo(f"The next round is at {times.moment(_next(event))}.\n")
        elif event.collected:
            terminal.echo(
                "  look       orchestrator catalogue show SITE\n"
                "  search     orchestrator catalogue search --vcpus 8 --ram 16G"
            )


def _text(event: Kept) -> str:
    if event.answer.error is not None:
        return f"failed: {event.answer.error.message}"
    told = ", ".join(
        f"{count} {name.removesuffix('s') if count == 1 else name}"
        for name, count in _counts(event).items()
    )
    missing = event.answer.offer.gaps if event.answer.offer else {}
    parts = [name.replace("_", " ") for name in event.changed if name in _SHOWN]
    # The first offer of a site differs from nothing in every part.
    told_before = parts and set(event.changed) != set(PARTS)
    changed = f"; changed: {', '.join(parts)}" if told_before else ""
    return told + changed + (f"; not told: {', '.join(missing)}" if missing else "")


_SHOWN = ("networks", "flavors", "images", "quotas")


def _counts(event: Kept) -> dict[str, int]:
    offer = event.answer.offer
    return {name: len(getattr(offer, name)) for name in ("networks", "flavors", "images")}


def _widest(texts: Iterable[str]) -> int:
    return max((len(text) for text in texts), default=0)


def _now() -> datetime:
    return datetime.now(UTC)


def _next(event: Ended) -> datetime:
    return _now() + timedelta(seconds=event.wait or 0.0)
