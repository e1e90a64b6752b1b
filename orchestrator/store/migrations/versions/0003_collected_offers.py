"""What sites offered, with its history."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of collected offers."""
    op.create_table(
        "listings",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("site", sa.String(255), nullable=False),
        sa.Column("vo", sa.String(255), nullable=False),
        sa.Column("part", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, index=True),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("last_seen", sa.DateTime, nullable=False),
        sa.Column("is_current", sa.Boolean, nullable=False),
    )
    op.create_index("ix_listings_current", "listings", ["is_current", "site", "vo"])
    op.create_index("ix_listings_ended", "listings", ["is_current", "last_seen"])
    op.create_index("ix_listings_history", "listings", ["site", "vo", "part", "since"])
    op.create_table(
        "listing_contents",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "collection_failures",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("site", sa.String(255), nullable=False),
        sa.Column("vo", sa.String(255), nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(63), nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
    )
    op.create_index("ix_collection_failures_pair", "collection_failures", ["site", "vo", "at"])


def downgrade() -> None:
    """Remove them again."""
    for table in ("collection_failures", "listing_contents", "listings"):
        op.drop_table(table)
