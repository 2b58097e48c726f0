"""What slates on record would have earned with more or less exploration, or with none."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.rows import namedtuple_row

from reco.db.arrays import micros
from reco.errors import InvalidInput
from reco.feed.exploring import UNKNOWN
from training.offpolicy.estimators import (
    Sample,
    Terms,
    by_position,
    grouped,
    importance_weights,
    independent,
    ips,
    snips,
)
from training.offpolicy.intervals import Told, told

REWARDS = ("clicks", "bookings")
MOST_RATE = 0.5
"""Exploration from which on the chosen offer and a drawn one may be equally likely."""

_SLATES_AT_ONCE = 10_000
# Of each person together, guests first, of whom each has one.
_SLATES = """
with shown as materialized (
  select id, at, user_id, offers, propensities, (query ->> 'exploration')::float8 as rate
  from reco.slate
  where at >= %(since)s and at < %(until)s and cardinality(offers) > 0
    and (query ->> 'exploration')::float8 > 0 and not (query ->> 'plan')::boolean
), clicked as (
  select slate_id, array_agg(distinct offer_id) as offers from core.interaction
  where slate_id is not null and kind in ('click', 'favourite') and at >= %(since)s
  group by slate_id
), booked as (
  select slate_id, array_agg(distinct offer_id) as offers
  from (
    select b.slate_id, t.offer_id, b.booked_at
    from core.booking b join core.stock t on t.id = b.stock_id where b.cancelled_at is null
    union all
    select slate_id, offer_id, at from core.interaction where kind = 'booking'
  ) made
  where slate_id is not null and booked_at >= %(since)s
  group by slate_id
)
select s.*, c.offers as clicks, b.offers as bookings,
  (select max(rate) from shown) as most_rate, (select max(cardinality(offers)) from shown) as most
from shown s left join clicked c on c.slate_id = s.id left join booked b on b.slate_id = s.id
order by s.user_id nulls first, s.id desc
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """S slates that were shown with exploration, of K positions at most: all those of P people."""

    slate: Sequence[UUID]
    """(S,)"""
    at_us: NDArray[np.int64]
    """(S,)"""
    person: NDArray[np.int64]
    """(S,) from 0 to P − 1, ascending; a guest's slate has a number of its own."""
    rate: Floats
    """(S,) epsilon that it was shown with."""
    length: NDArray[np.int64]
    """(S,)"""
    propensity: Floats
    """(S, K); 1 behind the end of a shorter slate."""
    rewards: Mapping[str, Floats]
    """By name, (S, K): 1 where the offer was clicked (or marked), or booked and not cancelled."""

    def __len__(self) -> int:
        return len(self.person)


def read_recorded(
    connection: psycopg.Connection[Any], since: datetime, until: datetime
) -> Iterator[Recorded]:
    """Yield the slates of a period that were shown with exploration, and what came of them.

    They come in parts of some people each, all of the same K; one part at least.

    Raises
    ------
    InvalidInput
        There are none, or some were shown with a rate of `MOST_RATE` or more.
    """
    with (
        connection.transaction(),
        connection.cursor("recorded", row_factory=namedtuple_row) as cursor,
    ):
        cursor.itersize = _SLATES_AT_ONCE
        slates: Iterator[Any] = iter(cursor.execute(_SLATES, {"since": since, "until": until}))
        first = next(slates, None)
        if first is None:
            raise InvalidInput("since", "no slate was shown with exploration since then")
        rate = first.most_rate
        if rate >= MOST_RATE:
            raise InvalidInput("since", f"some slates had exploration of {rate}", ["below .5"])
        yield from map(_part, _by_people(chain([first], slates)))


def _by_people(slates: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield some slates at a time; the next ones are of other people."""
    rows: list[Any] = []
    for slate in slates:
        if len(rows) >= _SLATES_AT_ONCE and _is_of_another(slate, rows[-1]):
            yield rows
            rows = []
        rows.append(slate)
    yield rows


def _is_of_another(slate: Any, before: Any) -> bool:
    return slate.user_id is None or slate.user_id != before.user_id


def _part(rows: Sequence[Any]) -> Recorded:
    offers, positions = [row.offers for row in rows], rows[0].most
    length = np.array([len(shown) for shown in offers])
    propensity = np.ones((len(rows), positions))
    propensity[np.arange(positions) < length[:, np.newaxis]] = np.concatenate(
        [row.propensities for row in rows]
    )
    return Recorded(
        [row.id for row in rows],
        np.array([micros(row.at) for row in rows]),
        np.cumsum([False, *map(_is_of_another, rows[1:], rows)]),
        np.array([row.rate for row in rows], dtype=np.float64),
        length,
        propensity,
        {
            name: _matrix(offers, [getattr(row, name) for row in rows], positions)
            for name in REWARDS
        },
    )


@dataclass(frozen=True)
class ToldExploration:
    """What slates on record earned, and would have earned at another epsilon."""

    slates: int
    exploration: float
    rewards: Mapping[str, Mapping[str, Told]]
    """By reward and estimate."""


def told_exploration(slates: Iterable[Recorded], rate: float, *, seed: int) -> ToldExploration:
    """Return what slates tell of another epsilon: they come in parts of some people each.

    Raises
    ------
    InvalidInput
        The rate is no probability.
    """
    count, found = 0, {reward: defaultdict[str, list[Sample]](list) for reward in REWARDS}
    for part in slates:
        count += len(part)
        for reward, samples in found.items():
            terms = {"as it was": as_shown(part, reward), **at_exploration(part, rate, reward)}
            for name, each in terms.items():
                samples[name].append(Sample.of(each))
    rewards = {reward: _told_together(samples, seed) for reward, samples in found.items()}
    return ToldExploration(count, rate, rewards)


def _told_together(parts: Mapping[str, Sequence[Sample]], seed: int) -> Mapping[str, Told]:
    samples = [Sample.joined(each) for each in parts.values()]
    return dict(zip(parts, told(samples, seed), strict=True))


def at_exploration(recorded: Recorded, rate: float, reward: str) -> Mapping[str, Terms]:
    """Return estimates of a slate's reward, had another epsilon been used; rows are people.

    All follows from the record: epsilon scales the probability of everything that chance does, also
    of drawing what is gone, so that its weight is known where its propensity is not.

    - iips: by position, whatever stands elsewhere.
    - cascade: by position, given what stands above it.
    - slate ips: by the slate, which differs in one position from the one that was chosen.
    - slate snips: the same over its mean weight.

    Raises
    ------
    InvalidInput
        The rate is no probability.
    """
    if not 0.0 <= rate <= 1.0:
        raise InvalidInput("exploration", f"{rate} is not between 0 and 1")
    rewards, ratio = recorded.rewards[reward], (rate / recorded.rate)[:, np.newaxis]
    propensity = recorded.propensity
    is_unknown = propensity == UNKNOWN
    is_drawn = ~is_unknown & (propensity < MOST_RATE)
    by_chance = np.where(is_drawn, propensity, 1.0 - propensity)
    # Of a record in single precision the chance may come out above 1 by a rounding.
    drawn = np.minimum(by_chance * ratio, 1.0)
    target = np.where(is_drawn, drawn, 1.0 - drawn)
    weight = importance_weights(np.where(is_unknown, 0.0, target), propensity)
    weight = np.where(is_unknown, ratio, weight)
    down_to = _down_to(is_drawn | is_unknown, by_chance, ratio)
    whole, total = down_to[:, -1], rewards.sum(axis=1)
    found = {
        "iips": independent(weight, rewards),
        "cascade": by_position(down_to, rewards),
        "slate ips": ips(whole, total),
        "slate snips": snips(whole, total),
    }
    return {name: grouped(terms, recorded.person) for name, terms in found.items()}


def _down_to(was_drawn: NDArray[np.bool_], by_chance: Floats, ratio: Floats) -> Floats:
    """Return the weight (S, K) of what a slate shows down to each position.

    It is as it was chosen unless some position down to there was drawn.

    Parameters
    ----------
    by_chance
        (S, K) the probability that a position is drawn.
    ratio
        (S, 1) of the other epsilon over that of the record.
    """
    drawn = np.where(was_drawn, 0.0, by_chance).cumsum(axis=1)
    unchanged = np.maximum(1.0 - drawn * ratio, 0.0) / (1.0 - drawn)
    return np.where(np.logical_or.accumulate(was_drawn, axis=1), ratio, unchanged)


def as_shown(recorded: Recorded, reward: str) -> Terms:
    """Return the reward of a slate as it was shown; rows are people."""
    total = recorded.rewards[reward].sum(axis=1)
    return grouped(ips(np.ones(len(recorded)), total), recorded.person)


def _matrix(
    offers: Sequence[Sequence[int]], taken: Sequence[Sequence[int] | None], positions: int
) -> Floats:
    """Return 1 where an offer of a slate is among those taken from it."""
    found = np.zeros((len(offers), positions))
    for row, (shown, chosen) in enumerate(zip(offers, taken, strict=True)):
        if chosen:
            found[row, : len(shown)] = np.isin(shown, chosen)
    return found
