"""Visits of any day that were booked here before they expired do, too, and can be cancelled."""

from collections.abc import Sequence

from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Without a start and a date of expiry a booking counts as made elsewhere, where it may have been
# used. The ledger knows who made it. The days begin today: nobody was told of them.
_EXPIRE = """
update core.booking set collect_by = greatest(now(), booked_at) + due.days * interval '1 day'
from (
  select b.id, coalesce(p.days, 30) as days
  from core.booking b
  join core.stock t on t.id = b.stock_id
  join core.offer o on o.id = t.offer_id
  join core.item i on i.id = o.item_id
  join core.category c on c.id = i.category_id
  left join core.collection_period p on p.category = c.name
  where b.collect_by is null and b.booked_for is null and b.used_at is null
    and b.cancelled_at is null and t.starts_at is null
    and exists (
      select from core.ledger l
      where l.user_id = b.user_id and l.booking_id = b.id and l.kind = 'booking'
        and l.actor = 'user'
    )
  -- In the order of all who lock several; others book, cancel and use meanwhile.
  order by b.id for no key update of b
) due
where booking.id = due.id
"""


def upgrade() -> None:
    """Apply this step: it reads bookings without locking them, and writes few."""
    op.execute(_EXPIRE)


def downgrade() -> None:
    """Take this step back: code of before expires them as it does goods, and lets them be."""
