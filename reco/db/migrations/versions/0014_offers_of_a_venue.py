"""The offers of a venue are found by an index: all offers were read for them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply this step: offers are read meanwhile, and not written."""
    op.create_index("offer_venue_id_idx", "offer", ["venue_id"], schema="core")


def downgrade() -> None:
    """Take this step back."""
    op.drop_index("offer_venue_id_idx", "offer", schema="core")
