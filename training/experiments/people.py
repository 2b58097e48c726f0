"""What each person of an experiment was shown and did, read from a world's database.

A person counts from the first slate of the experiment on, for the plan's window, and is judged when
it is over: the figures of who is judged never change again, and their order is that of coming.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.horizon import value_table, values_of
from reco.db.session import transaction
from reco.experiments.plan import Experiment

_PEOPLE = """
with shown as materialized (
  select user_id, variant, at, id, offers, relevance_kept, model_version from reco.slate
  where experiment = %(name)s and at >= %(start)s and at < %(until)s and user_id is not null
), people as materialized (
  select user_id, min(at) first_at, (array_agg(variant order by at, id))[1] variant
  from shown group by user_id
), judged as materialized (
  select *, first_at + %(window)s as ends_at from people where first_at + %(window)s <= %(until)s
)
"""
_COUNTS = """
select s.variant, count(distinct s.user_id), count(*), sum(cardinality(s.offers)),
  array_agg(distinct s.model_version order by s.model_version)
from shown s group by s.variant
"""
_SLATES = """
select j.user_id, j.variant, avg((cardinality(s.offers) = 0)::int)::float8,
  avg(s.relevance_kept)::float8
from judged j join shown s on s.user_id = j.user_id and s.at < j.ends_at
group by j.user_id, j.variant, j.first_at order by j.first_at, j.user_id
"""
_BOOKINGS = """
, made as (
  select b.user_id, t.offer_id, b.booked_at at, b.cancelled_at, b.cancel_reason, b.slate_id
  from core.booking b join core.stock t on t.id = b.stock_id
  union all
  select user_id, offer_id, coalesce(at, '-infinity'), null, null, slate_id
  from core.interaction where kind = 'booking'
), counted as materialized (
  select row_number() over () number, m.user_id, m.offer_id, m.at, m.slate_id,
    m.at >= j.first_at is_after, coalesce(m.cancelled_at < case when m.at < j.first_at
      then j.first_at else j.ends_at end, false) is_cancelled,
    coalesce(m.cancel_reason in ('venue', 'expired'), false) is_of_others
  from judged j join made m on m.user_id = j.user_id and m.at < j.ends_at
), led as (
  select distinct c.number from counted c join shown s on s.user_id = c.user_id
  where c.is_after and (s.id = c.slate_id or s.at <= c.at and c.offer_id = any(s.offers))
)
select c.user_id, c.offer_id, c.is_after, c.is_cancelled, c.is_of_others, l.number is not null
from counted c left join led l on l.number = c.number
"""
_VALUES = """
select o.id, c.name, s.name, i.genres, v.venue_type, v.external_id
from core.offer o
join core.item i on i.id = o.item_id
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
left join core.venue v on v.id = o.venue_id
where o.id = any(%s)
"""

Figures = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """How much a variant was shown."""

    users: int
    slates: int
    impressions: int
    model_versions: tuple[str, ...]


@dataclass(frozen=True)
class People:
    """The people of an experiment up to a moment."""

    counts: Mapping[str, Counts]
    """By variant, of all who were shown something."""
    variant: NDArray[np.str_]
    """(P,) of each person who is judged, in the order of their first slates."""
    figures: Mapping[str, Figures]
    """Keys of `METRICS` and `GUARDS` to (P,) figures."""

    def of(self, figure: str, label: str) -> Figures:
        """Return a figure of the people of one variant."""
        return np.asarray(self.figures[figure][self.variant == label])


@dataclass(frozen=True)
class _Booked:
    """Bookings of the people who are judged, until the window of each is over; arrays of (B,)."""

    person: NDArray[np.int64]
    """Row of the person."""
    offer: NDArray[np.int64]
    is_after: NDArray[np.bool_]
    """Made within the window, else before."""
    is_cancelled: NDArray[np.bool_]
    """When the window was over; what was made before it, when it began."""
    is_of_others: NDArray[np.bool_]
    """Cancelled by the venue, then."""
    is_led: NDArray[np.bool_]
    """A slate of the experiment had shown it to the person, or is named by it."""

    def count(self, which: NDArray[np.bool_], people: int) -> Figures:
        """Return (people,) how many of `which` each person has."""
        return np.bincount(self.person[which], minlength=people).astype(np.float64)


def read_people(conninfo: str, experiment: Experiment, until: datetime) -> People:
    """Return what the people of an experiment were shown and did before `until`."""
    plan = experiment.plan
    asked = {
        "name": plan.name,
        "start": experiment.started_at,
        "until": until,
        "window": plan.window,
    }
    with transaction(conninfo, read_only=True) as connection:
        counts = connection.execute((_PEOPLE + _COUNTS).encode(), asked).fetchall()
        slates = connection.execute((_PEOPLE + _SLATES).encode(), asked).fetchall()
        booked = _booked(connection, asked, [row[0] for row in slates])
        points = _points(connection, booked, len(slates))
    stands = booked.is_after & ~booked.is_cancelled
    lost = booked.is_after & booked.is_cancelled & ~booked.is_of_others
    return People(
        counts={
            label: Counts(users, shown, impressions, tuple(names))
            for label, users, shown, impressions, names in counts
        },
        variant=np.array([row[1] for row in slates], dtype=np.str_),
        figures={
            "horizon_points": points,
            "bookings": booked.count(stands & booked.is_led, len(slates)),
            "bookings_made": booked.count(stands, len(slates)),
            "cancellations": booked.count(lost, len(slates)),
            "empty_slates": np.array([row[2] for row in slates], dtype=np.float64),
            "relevance_kept": np.array([row[3] for row in slates], dtype=np.float64),
        },
    )


def _booked(
    connection: psycopg.Connection[Any], asked: Mapping[str, Any], users: Sequence[int]
) -> _Booked:
    rows = connection.execute((_PEOPLE + _BOOKINGS).encode(), asked).fetchall()
    row_of = {user: row for row, user in enumerate(users)}
    ids = np.array([(row_of[row[0]], row[1]) for row in rows], dtype=np.int64).reshape(-1, 2)
    told = np.array([row[2:] for row in rows], dtype=bool).reshape(-1, 4)
    return _Booked(ids[:, 0], ids[:, 1], *told.T)


def _points(connection: psycopg.Connection[Any], booked: _Booked, people: int) -> Figures:
    """Return (people,) f(bookings that stand, in the window | before it) (METRICS, 1)."""
    offers, code = np.unique(booked.offer, return_inverse=True)
    found = {
        offer: values_of(
            category=category,
            subcategory=subcategory,
            genres=genres,
            venue_type=venue_type,
            venue=venue,
        )
        for offer, category, subcategory, genres, venue_type, venue in connection.execute(
            _VALUES, (offers.tolist(),)
        )
    }
    table = value_table([found[offer] for offer in offers.tolist()])
    stands, values = ~booked.is_cancelled, max(1, len(table.points))

    def met(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        taken = table.take(code[which])
        person = np.repeat(booked.person[which], np.diff(taken.start))
        return np.unique(person * values + taken.value)

    gained = np.setdiff1d(met(stands & booked.is_after), met(stands & ~booked.is_after))
    person, value = np.divmod(gained, values)
    worth = np.zeros(people)
    np.add.at(worth, person, table.points[value])
    return worth
