"""What sites offered, with its history: a part of an offer is written when it has changed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from orchestrator.discovery import snapshots
from orchestrator.discovery.snapshots import Collected, Failure
from orchestrator.model import Offer
from orchestrator.store import opening, schema

_listings = schema.listings
_contents = schema.listing_contents
_failures = schema.collection_failures


class Offers:
    """Offers by site and VO; of each the last one, and those before it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # --- what a collector writes

    def record(self, vo: str, offer: Offer) -> tuple[str, ...]:
        """Keep an offer and return the parts in which it differs from the last one.

        An offer that is older than what is kept already changes nothing.
        """
        parts = snapshots.to_parts(offer)
        digests = {name: snapshots.digest(text) for name, text in parts.items()}
        pair = _of_pair(_listings, offer.site, vo) & _listings.c.is_current
        with self._writing() as connection:
            rows = connection.execute(sa.select(_listings).where(pair)).all()
            if any(row.last_seen > offer.collected_at for row in rows):
                return ()
            kept = {row.part: row.digest for row in rows}
            changed = tuple(name for name in parts if kept.get(name) != digests[name])
            _retire(connection, [row.id for row in rows if row.part in changed])
            connection.execute(_listings.update().where(pair).values(last_seen=offer.collected_at))
            _keep_contents(connection, {digests[name]: parts[name] for name in changed})
            for name in changed:
                connection.execute(_listings.insert().values(_row(vo, offer, name, digests[name])))
        return changed

    def record_failure(self, site: str, vo: str, *, at: datetime, kind: str, cause: str) -> Failure:
        """Keep why a site could not be listed; the same cause again prolongs its row."""
        with self._writing() as connection:
            found = self._last_failures(connection, site=site, vo=vo)
            last = found.get((site, vo))
            if last is not None and (last.kind, last.cause) == (kind, cause):
                again = _of_pair(_failures, site, vo) & (_failures.c.since == last.since)
                connection.execute(_failures.update().where(again).values(at=at))
                return replace(last, at=at)
            failure = Failure(site=site, vo=vo, since=at, at=at, kind=kind, cause=cause)
            values = {name: getattr(failure, name) for name in Failure.__dataclass_fields__}
            connection.execute(_failures.insert().values(values))
        return failure

    def prune(self, before: datetime) -> int:
        """Forget what ended before that moment; the last offer of each site and VO always stays."""
        old = sa.not_(_listings.c.is_current) & (_listings.c.last_seen < before)
        with self._writing() as connection:
            digests = set(connection.scalars(sa.select(_listings.c.digest).where(old)))
            gone = connection.execute(_listings.delete().where(old)).rowcount
            _forget_contents(connection, digests)
            last = sa.select(sa.func.max(_failures.c.id)).group_by(_failures.c.site, _failures.c.vo)
            connection.execute(
                _failures.delete().where(_failures.c.at < before, _failures.c.id.not_in(last))
            )
        return int(gone)

    # --- what is asked of it

    def latest(self, *, site: str | None = None, vo: str | None = None) -> tuple[Collected, ...]:
        """Return the last offer of every site and VO, or of one site, or to one VO."""
        wanted = _listings.c.is_current & _narrowed(_listings, site, vo)
        order = (_listings.c.site, _listings.c.vo)
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_listings).where(wanted).order_by(*order)).all()
            read = _Reader(connection, rows)
            failures = self._last_failures(connection, site=site, vo=vo)
        pairs: dict[tuple[str, str], list[Any]] = {}
        for row in rows:
            pairs.setdefault((row.site, row.vo), []).append(row)
        return tuple(
            replace(read.collected(found), failure=failures.get(pair))
            for pair, found in pairs.items()
        )

    def failures(self, *, site: str | None = None, vo: str | None = None) -> tuple[Failure, ...]:
        """Return the sites that could not be listed the last time, with or without an older offer."""
        with self._engine.connect() as connection:
            return tuple(self._last_failures(connection, site=site, vo=vo).values())

    def history(self, site: str, vo: str, *, since: datetime) -> tuple[Collected, ...]:
        """Return the offer as it was at that moment, and then after every change, oldest first."""
        pair = _of_pair(_listings, site, vo)
        at_start = (
            sa.select(sa.func.max(_listings.c.id))
            .where(pair, _listings.c.since <= since)
            .group_by(_listings.c.part)
        )
        wanted = pair & ((_listings.c.since > since) | _listings.c.id.in_(at_start))
        query = sa.select(_listings).where(wanted).order_by(_listings.c.since, _listings.c.id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
            read = _Reader(connection, rows)
        return tuple(read.collected(state) for state in _states(rows))

    def _last_failures(
        self, connection: sa.Connection, *, site: str | None, vo: str | None
    ) -> dict[tuple[str, str], Failure]:
        """Return the last failure of each pair, unless the site has answered since then."""
        last = sa.select(sa.func.max(_failures.c.id)).where(_narrowed(_failures, site, vo))
        last = last.group_by(_failures.c.site, _failures.c.vo)
        answered = sa.exists().where(
            _listings.c.is_current,
            _listings.c.site == _failures.c.site,
            _listings.c.vo == _failures.c.vo,
            _listings.c.last_seen >= _failures.c.at,
        )
        query = sa.select(_failures).where(_failures.c.id.in_(last), sa.not_(answered))
        rows = connection.execute(query.order_by(_failures.c.site, _failures.c.vo)).mappings()
        found = [Failure(**{k: row[k] for k in Failure.__dataclass_fields__}) for row in rows]
        return {(failure.site, failure.vo): failure for failure in found}

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """Give a transaction; writers come one after the other, so that none prunes what one adds."""
        with opening.writing(self._engine) as connection:
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.exec_driver_sql("LOCK TABLE listings IN SHARE ROW EXCLUSIVE MODE")
            yield connection


class _Reader:
    """Reads the parts that rows name, each content once."""

    def __init__(self, connection: sa.Connection, rows: Sequence[Any]) -> None:
        wanted = {row.digest: row.part for row in rows}
        self._parts = {
            digest: snapshots.read_part(wanted[digest], zlib.decompress(content).decode())
            for some in _batches(wanted)
            for digest, content in connection.execute(
                sa.select(_contents).where(_contents.c.digest.in_(some))
            )
        }

    def collected(self, rows: Sequence[Any]) -> Collected:
        parts = {row.part: self._parts[row.digest] for row in rows}
        offer = snapshots.from_parts(
            parts, site=rows[0].site, collected_at=max(row.last_seen for row in rows)
        )
        return Collected(vo=rows[0].vo, offer=offer, since={row.part: row.since for row in rows})


def _states(rows: Sequence[Any]) -> Iterator[list[Any]]:
    """Return the rows that held at the start, and those after each later moment of change."""
    # Of a part whose beginning has been forgotten, the earliest that is known.
    held = {row.part: row for row in reversed(rows)}
    first = {row.id for row in held.values()}
    if held:
        yield list(held.values())
    later = (row for row in rows if row.id not in first)
    for _, changed in groupby(later, key=lambda row: row.since):
        held.update({row.part: row for row in changed})
        yield list(held.values())


def _row(vo: str, offer: Offer, part: str, digest: str) -> dict[str, Any]:
    at = offer.collected_at
    place = {"site": offer.site, "vo": vo, "part": part, "digest": digest}
    return {**place, "since": at, "last_seen": at, "is_current": True}


def _retire(connection: sa.Connection, ids: Sequence[int]) -> None:
    connection.execute(_listings.update().where(_listings.c.id.in_(ids)).values(is_current=False))


def _keep_contents(connection: sa.Connection, texts: dict[str, str]) -> None:
    known = sa.select(_contents.c.digest).where(_contents.c.digest.in_(texts))
    for digest in set(texts) - set(connection.scalars(known)):
        values = {"digest": digest, "content": zlib.compress(texts[digest].encode())}
        connection.execute(_contents.insert().values(values))


def _forget_contents(connection: sa.Connection, digests: set[str]) -> None:
    for some in _batches(digests):
        used = sa.select(_listings.c.digest).where(_listings.c.digest.in_(some))
        unused = set(some) - set(connection.scalars(used))
        connection.execute(_contents.delete().where(_contents.c.digest.in_(unused)))


def _batches(digests: Iterable[str], size: int = 500) -> Iterator[list[str]]:
    # A database takes so many parameters in one statement and no more.
    every = sorted(digests)
    return (every[start : start + size] for start in range(0, len(every), size))


def _of_pair(table: sa.Table, site: str, vo: str) -> sa.ColumnElement[bool]:
    return (table.c.site == site) & (table.c.vo == vo)


def _narrowed(table: sa.Table, site: str | None, vo: str | None) -> sa.ColumnElement[bool]:
    given = {"site": site, "vo": vo}
    conditions = [table.c[name] == value for name, value in given.items() if value is not None]
    return sa.and_(sa.true(), *conditions)
