"""A few people to look at: those whose agendas show what the service does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

_PEOPLE = """
with histories as (
  select u.id, u.external_id as user_id, count(b.id) as bookings,
    count(distinct i.category_id) as categories,
    -- Anybody, but the same ones each time.
    row_number() over (partition by least(count(b.id), 12) order by md5(u.external_id)) as turn,
    least(count(b.id), 12) as depth
  from core.beneficiary u
  left join core.deposit d on d.user_id = u.id
  left join core.booking b on b.user_id = u.id
    and b.booked_at <= %(now)s and (b.cancelled_at is null or b.cancelled_at > %(now)s)
  left join core.stock s on s.id = b.stock_id
  left join core.offer o on o.id = s.offer_id
  left join core.item i on i.id = o.item_id
  where u.home is not null and (d.expires_at is null or d.expires_at > %(now)s)
  group by u.id
)
select user_id, bookings, categories from histories
where turn = 1 order by abs(depth - 5), depth limit %(n)s
"""


@dataclass(frozen=True)
class Someone:
    """A person with a home; how much they booked, of how many categories."""

    user_id: str
    bookings: int
    categories: int


def people_to_look_at(connection: psycopg.Connection[Any], now: datetime, n: int) -> list[Someone]:
    """Return up to `n` people with homes and live credit, each with another number of bookings.

    The first has about five, enough for a model to know them; always the same people for the same
    data.
    """
    with connection.cursor(row_factory=class_row(Someone)) as cursor:
        return cursor.execute(_PEOPLE, {"now": now, "n": n}).fetchall()
