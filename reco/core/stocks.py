"""Stocks that their venue cancels: bookings are cancelled and refunded in the same transaction.

Those that an import cancels have been when it is known; what was booked of them here follows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from reco.core.actor import act_as

PATIENCE = "set local statement_timeout = '60s'"
"""For what may touch many rows: the limit of a request is for those that touch few."""

_LOCK = "select id from core.stock where id = any(%s) order by id for no key update"
_CANCEL = """
update core.stock set cancelled_at = %(now)s
where id = any(%(stocks)s) and (cancelled_at is null or cancelled_at > %(now)s)
"""
_STANDING = """
from core.booking b
join core.stock t on t.id = b.stock_id
join core.offer o on o.id = t.offer_id
join core.item i on i.id = o.item_id
left join core.subcategory s on s.id = i.subcategory_id
where b.cancelled_at is null
"""
_LOCK_IDS = "order by b.id for no key update of b"
# What is used stands: somebody was there, or has it. But nobody was at an event that is cancelled
# before it begins.
_LOCK_BOOKINGS = f"""
select b.id {_STANDING} and t.id = any(%(stocks)s)
  and (b.used_at is null or coalesce(s.is_event, true) and %(now)s < t.starts_at)
{_LOCK_IDS}
"""
# An import tells it late, maybe of what was only closed for sale: who was let in after it was
# cancelled was there, and doors open within half a day of the start. What was booked elsewhere is
# refunded where it was, and told from there.
_OWED = f"""
{_STANDING} and t.cancelled_at <= %(now)s
  and (b.collect_by is not null or b.booked_for is not null)
  and (
    b.used_at is null or coalesce(s.is_event, true) and t.cancelled_at < t.starts_at
      and b.used_at <= greatest(t.cancelled_at, t.starts_at - interval '12 hours')
  )
"""
_OWING = f"select distinct t.id {_OWED} order by t.id"
_LOCK_OWED = f"select b.id {_OWED} and t.id = any(%(stocks)s) {_LOCK_IDS}"
_REFUND = """
update core.booking
set cancelled_at = greatest(%(now)s, booked_at), cancel_reason = 'venue', used_at = null
where id = any(%(bookings)s)
"""


def cancel_stocks(
    connection: psycopg.Connection[Any], stock_ids: Sequence[int], actor: str, now: datetime
) -> int:
    """Cancel stocks and their bookings; safe to run twice.

    Bookings that are used stand, but for those of an event that has not begun. Locks are taken as
    everywhere: stocks in the order of their ids, then bookings in theirs.

    Parameters
    ----------
    stock_ids
        In the database's ids.
    actor
        Who the ledger says it was.

    Returns
    -------
    How many bookings were refunded.
    """
    with connection.transaction():
        connection.execute(PATIENCE)
        connection.execute(_LOCK, (list(stock_ids),))
        asked: dict[str, Any] = {"stocks": list(stock_ids), "now": now}
        connection.execute(_CANCEL, asked)
        # Read by a statement that begins after the locks are held: none is missed.
        bookings = [id_ for (id_,) in connection.execute(_LOCK_BOOKINGS, asked)]
        return _refund(connection, bookings, actor, now)


def refund_cancelled(connection: psycopg.Connection[Any], actor: str, now: datetime) -> int:
    """Refund what was booked here of stocks that an import cancelled; safe to run twice.

    Used ones stand, but for those of an event that was cancelled before it began and before anybody
    was let in. Locks are taken as by `cancel_stocks`.

    Returns
    -------
    How many bookings were refunded.
    """
    with connection.transaction():
        stocks = [id_ for (id_,) in connection.execute(_OWING, {"now": now})]
        connection.execute(_LOCK, (stocks,))
        asked: dict[str, Any] = {"stocks": stocks, "now": now}
        bookings = [id_ for (id_,) in connection.execute(_LOCK_OWED, asked)]
        return _refund(connection, bookings, actor, now)


def _refund(
    connection: psycopg.Connection[Any], bookings: Sequence[int], actor: str, now: datetime
) -> int:
    if bookings:
        act_as(connection, actor)
        connection.execute(_REFUND, {"bookings": bookings, "now": now})
    return len(bookings)
