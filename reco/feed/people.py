"""A few people to look at: those whose agendas show what the service does."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

_PEOPLE = """
with histories as (
  select u.external_id as user_id, count(b.id) as bookings,
    count(distinct i.category_id) as categories,
    -- Whoever books from the page stays who they are, this week.
    least(count(b.id) filter (where b.booked_at < %(week)s), 12) as depth,
    count(distinct i.category_id) filter (where b.booked_at < %(week)s) as categories_before
  from core.beneficiary u
  left join core.booking b on b.user_id = u.id
    and b.booked_at <= %(now)s and (b.cancelled_at is null or b.cancelled_at > %(now)s)
  left join core.stock s on s.id = b.stock_id
  left join core.offer o on o.id = s.offer_id
  left join core.item i on i.id = o.item_id
  where u.home is not null and (
    not exists (select from core.deposit d where d.user_id = u.id)
    or exists (
      select from core.deposit d
      where d.user_id = u.id and d.granted_at <= %(now)s
        and (d.expires_at is null or d.expires_at > %(now)s)
    )
  )
  group by u.id
), ranked as (
  select *, row_number() over (
    -- The most curious of each; of those the same one each time.
    partition by depth order by categories_before desc, md5(user_id)
  ) as turn
  from histories
)
select user_id, bookings, categories from ranked
where turn = 1 order by abs(depth - 7), depth limit %(n)s
"""


@dataclass(frozen=True)
class Someone:
    """A person with a home; how much they booked, of how many categories."""

    user_id: str
    bookings: int
    categories: int


def people_to_look_at(connection: psycopg.Connection[Any], now: datetime, n: int) -> list[Someone]:
    """Return up to `n` people with homes and live credit, each with another number of bookings.

    The first has about seven, enough for a model to know them; of people with as many, those of
    the most categories; always the same for the same data. Who they are hangs on what was booked
    before this week (UTC), as they are told with what was booked since.
    """
    midnight = datetime.combine(now.astimezone(UTC), time.min, UTC)
    asked = {"now": now, "n": n, "week": midnight - timedelta(days=midnight.weekday())}
    with connection.cursor(row_factory=class_row(Someone)) as cursor:
        return cursor.execute(_PEOPLE, asked).fetchall()
