"""A booking keeps the start that its person was promised: where it is moved, they may cancel."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply this step: of bookings made before nobody knows whether they were moved."""
    column = sa.Column("booked_for", sa.DateTime(timezone=True), nullable=True)
    op.add_column("booking", column, schema="core")


def downgrade() -> None:
    """Take this step back."""
    op.drop_column("booking", "booked_for", schema="core")
