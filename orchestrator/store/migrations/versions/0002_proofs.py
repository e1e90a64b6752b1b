"""Networks over which machines were reached."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "proofs",
        sa.Column("site", sa.String(255), primary_key=True),
        sa.Column("vo", sa.String(255), primary_key=True),
        sa.Column("network_id", sa.String(64), primary_key=True),
        sa.Column("topology", sa.String(16), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("proofs")
