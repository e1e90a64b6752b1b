"""Data volumes that outlive their deployment."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column; what there is has kept nothing."""
    op.add_column("deployments", sa.Column("kept", sa.JSON))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("deployments", "kept")
