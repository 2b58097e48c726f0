"""What somebody has kept: works that are favourites, with what can be booked of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from reco.catalogue.cards import Cards
from reco.core.accounts import account_number
from reco.core.deposits import UNLIMITED
from reco.errors import NotFound
from reco.feed.answer import FeedItem
from reco.feed.elsewhere import read_elsewhere
from reco.feed.present import offer_item
from reco.feed.query import Filters
from reco.feed.readback import LiveOffer, asked_within, read_live

Place = tuple[datetime, int]
"""Of a work in the list: when it was kept, and its id."""

# Of a work and a moment as in `features.interactions.dismissed`: without a time it is before all.
_PAGE = """
with told as (
  select o.item_id, k.offer_id, k.kind, coalesce(k.at, '0001-01-01T00:00Z') as at, k.at as told_at
  from core.interaction k join core.offer o on o.id = k.offer_id
  where k.user_id = %(user)s and k.kind in ('favourite', 'dismiss', 'restore')
), kept as (
  select distinct on (item_id) * from told where kind = 'favourite'
  order by item_id, at desc, offer_id
), last as (
  select distinct on (item_id) item_id, kind from told
  order by item_id, at desc, kind = 'dismiss' desc
)
select k.at, k.item_id, k.told_at, o.id, o.external_id, i.external_id, i.title, c.name
from kept k
join last using (item_id)
join core.offer o on o.id = k.offer_id
join core.item i on i.id = k.item_id
join core.category c on c.id = i.category_id
where last.kind <> 'dismiss'
  and (%(at)s::timestamptz is null or (k.at, k.item_id) < (%(at)s, %(item)s))
order by k.at desc, k.item_id desc limit %(n)s
"""


@dataclass(frozen=True)
class Favourite:
    """A work that was kept, by the offer of it that was kept last."""

    offer_id: str
    item_id: str
    title: str | None
    category: str
    kept_at: datetime | None
    """None: a data set did not say."""
    offer: FeedItem | None
    """With the sessions that can be booked, of any price; None: it is no longer published."""
    elsewhere: FeedItem | None = None
    """Where nothing of that can be booked: the nearest other offer of the work that can be, near
    its venue, else online."""


@dataclass(frozen=True)
class Page:
    """Some of them, the newest first; `last`: where the next page goes on, None: nowhere."""

    favourites: tuple[Favourite, ...]
    last: Place | None


def read_favourites(
    connection: psycopg.Connection[Any],
    cards: Cards,
    user_id: str,
    now: datetime,
    *,
    n: int,
    radius_m: float,
    before: Place | None = None,
) -> Page:
    """Return up to `n` works that a user has kept and not dismissed since.

    A dismissal that was taken back leaves a work kept, if it was.

    Parameters
    ----------
    radius_m
        How far from where a work was kept another offer of it may be.
    before
        `last` of the page before this one.

    Raises
    ------
    NotFound
        There is no such user.
    """
    user = account_number(connection, user_id)
    if user is None:
        raise NotFound("user", user_id)
    at, item = before or (None, None)
    asked = {"user": user, "at": at, "item": item, "n": n + 1}
    found = connection.execute(_PAGE, asked).fetchall()
    is_any = asked_within(Filters(), UNLIMITED)
    live = read_live(connection, cards, [row[3] for row in found[:n]], now, is_any)
    gone = [row[3] for row in found[:n] if row[3] not in live or not live[row[3]].sessions]
    elsewhere = read_elsewhere(connection, cards, gone, now, radius_m)
    favourites = tuple(
        _favourite(row, live.get(row[3]), elsewhere.get(row[3])) for row in found[:n]
    )
    return Page(favourites, (found[n - 1][0], found[n - 1][1]) if len(found) > n else None)


def _favourite(
    row: tuple[Any, ...], live: LiveOffer | None, elsewhere: LiveOffer | None
) -> Favourite:
    _, _, kept_at, _, offer_id, item_id, title, category = row
    offer, other = (offer_item(one) if one else None for one in (live, elsewhere))
    return Favourite(offer_id, item_id, title, category, kept_at, offer, other)
