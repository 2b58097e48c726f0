"""What a feed asks of bookings stands in their indexes: a person's lie all over the table."""

from collections.abc import Sequence

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Alembic's own operations know no columns beside the keys.
_REBUILD = """
alter table core.booking drop constraint booking_user_id_stock_id_booked_at_key;
alter table core.booking add constraint booking_user_id_stock_id_booked_at_key
  unique (user_id, stock_id, booked_at) {of_user};
drop index core.booking_stock_id_idx;
create index booking_stock_id_idx on core.booking (stock_id) {of_stock};
"""


def upgrade() -> None:
    """Apply this step."""
    of_stock = "include (quantity, booked_at, cancelled_at)"
    op.execute(_REBUILD.format(of_user="include (amount_cents, cancelled_at)", of_stock=of_stock))


def downgrade() -> None:
    """Take this step back."""
    op.execute(_REBUILD.format(of_user="", of_stock=""))
