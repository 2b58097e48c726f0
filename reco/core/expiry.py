"""Bookings without a date that nobody used give their money and places back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from reco.core.actor import act_as
from reco.core.bookings import NOTICE
from reco.core.idempotency import forget_answers
from reco.errors import SetupError

_BATCH = 1_000
_CLOCKS_DIFFER = timedelta(minutes=1)

_EXPIRE = """
update core.booking set cancelled_at = %(now)s, cancel_reason = 'expired'
where id in (
  select b.id from core.booking b
  join core.stock t on t.id = b.stock_id
  join core.offer o on o.id = t.offer_id
  join core.item i on i.id = o.item_id
  left join core.subcategory s on s.id = i.subcategory_id
  where b.collect_by <= %(now)s and b.used_at is null and b.cancelled_at is null
    -- What was given a date since it was booked is an event to come to.
    and (t.starts_at is null or not coalesce(s.is_event, true))
  order by b.id limit %(batch)s
  -- What somebody is cancelling or collecting right now is left to them, or to the next run.
  for no key update of b skip locked
)
returning amount_cents
"""


@dataclass(frozen=True)
class Expired:
    """What a run did."""

    bookings: int
    refunded_cents: int
    forgotten_answers: int
    """Answers to old idempotent requests."""


def check_clock(connection: psycopg.Connection[Any], now: datetime) -> None:
    """Refuse a machine's time that is not the database's: what expires is given up for good.

    Raises
    ------
    SetupError
        They differ by over a minute.
    """
    ((of_database,),) = connection.execute("select clock_timestamp()").fetchall()
    if abs(now - of_database) > _CLOCKS_DIFFER:
        raise SetupError(
            f"It is {now:%Y-%m-%d %H:%M:%S %Z} on this machine and"
            f" {of_database.astimezone(now.tzinfo):%Y-%m-%d %H:%M:%S} on the database's: set the"
            " clock that is wrong. Nothing expired."
        )


def expire(connection: psycopg.Connection[Any], now: datetime) -> Expired:
    """Expire what was to be collected by `now`, in batches; safe to run twice, and at once.

    Parameters
    ----------
    connection
        In autocommit mode.
    """
    bookings = refunded_cents = 0
    while amounts := _expire_some(connection, now):
        bookings += len(amounts)
        refunded_cents += sum(amounts)
    return Expired(bookings, refunded_cents, forget_answers(connection, now))


def _expire_some(connection: psycopg.Connection[Any], now: datetime) -> list[int]:
    with connection.transaction():
        act_as(connection, "expiry")
        done = connection.execute(_EXPIRE, {"now": now, "batch": _BATCH}).fetchall()
        if done:
            connection.execute(NOTICE)
    return [int(amount_cents) for (amount_cents,) in done]
