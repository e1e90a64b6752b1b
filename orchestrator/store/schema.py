"""The tables; a change here needs a migration beside it, and a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcTime(sa.TypeDecorator[datetime]):
    """A point in time, always with UTC's zone: SQLite itself forgets zones."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Store the time in UTC, without its zone."""
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Give the zone back."""
        return value.replace(tzinfo=UTC) if value else None


metadata = sa.MetaData()

deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("owner", sa.String(255), nullable=False),
    # owner/name while the deployment lives, NULL afterwards: the name is free again
    # as soon as nothing of it exists, and never earlier.
    sa.Column("living_name", sa.String(320), unique=True),
    sa.Column("site", sa.String(255), nullable=False),
    sa.Column("vo", sa.String(255), nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("use_case", sa.String(63), nullable=False),
    sa.Column("use_case_version", sa.String(63), nullable=False),
    sa.Column("phase", sa.String(32), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("selection", sa.JSON),
    sa.Column("nodes", sa.JSON, nullable=False),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Column("configured_digest", sa.String(64)),
    sa.Column("failure", sa.Text),
    sa.Column("kept", sa.JSON),  # the volumes that outlive a destroyed one; NULL: none
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column(
        "deployment_id", sa.String(36), sa.ForeignKey("deployments.id"), nullable=False, index=True
    ),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("phase", sa.String(32), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("deployment_id", sa.String(36), primary_key=True),
    sa.Column("holder", sa.String(255), nullable=False),
    sa.Column("until", UtcTime, nullable=False),
)

# A property of the place from which was reached: the machine with this store.
proofs = sa.Table(
    "proofs",
    metadata,
    sa.Column("site", sa.String(255), primary_key=True),
    sa.Column("vo", sa.String(255), primary_key=True),
    sa.Column("network_id", sa.String(64), primary_key=True),
    sa.Column("topology", sa.String(16), primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
)

# --- what sites offered: each part of an offer has a history of its own, since the use of
# quotas changes all day and the list of images once a week

listings = sa.Table(
    "listings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("site", sa.String(255), nullable=False),
    sa.Column("vo", sa.String(255), nullable=False),
    sa.Column("part", sa.String(32), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, index=True),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("last_seen", UtcTime, nullable=False),
    # Of all rows of one part the newest: months of history must not slow down a look at today.
    sa.Column("is_current", sa.Boolean, nullable=False),
    sa.Index("ix_listings_current", "is_current", "site", "vo"),
    sa.Index("ix_listings_ended", "is_current", "last_seen"),
    sa.Index("ix_listings_history", "site", "vo", "part", "since"),
)

# The same list of images serves every VO of a site, and returns after a flap: kept once.
listing_contents = sa.Table(
    "listing_contents",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),  # JSON, compressed by zlib
)

collection_failures = sa.Table(
    "collection_failures",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("site", sa.String(255), nullable=False),
    sa.Column("vo", sa.String(255), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("kind", sa.String(63), nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Index("ix_collection_failures_pair", "site", "vo", "at"),
)
