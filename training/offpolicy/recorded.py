"""What slates on record would have earned with more or less exploration, or with none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.errors import InvalidInput
from reco.feed.exploring import UNKNOWN
from training.offpolicy.estimators import (
    Terms,
    by_position,
    grouped,
    importance_weights,
    independent,
    ips,
    snips,
)

REWARDS = ("clicks", "bookings")
MOST_RATE = 0.5
"""Exploration from which on the chosen offer and a drawn one may be equally likely."""

_SLATES = """
with shown as materialized (
  select id, user_id, offers, propensities, (query ->> 'exploration')::float8 as rate
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
select s.id, s.user_id, s.rate, s.offers, s.propensities, c.offers, b.offers
from shown s left join clicked c on c.slate_id = s.id left join booked b on b.slate_id = s.id
order by s.id
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """S slates that were shown with exploration, of K positions at most."""

    slate: Sequence[UUID]
    """(S,)"""
    person: NDArray[np.int64]
    """(S,) numbers from 0 on; a guest's slate has one of its own."""
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
) -> Recorded:
    """Return the slates of a period that were shown with exploration, and what came of them.

    Raises
    ------
    InvalidInput
        There are none, or some were shown with a rate of `MOST_RATE` or more.
    """
    rows = connection.execute(_SLATES, {"since": since, "until": until}).fetchall()
    if not rows:
        raise InvalidInput("since", "no slate was shown with exploration since then")
    slates, users, rates, offers, propensities, clicked, booked = zip(*rows, strict=True)
    rate = np.array(rates, dtype=np.float64)
    if rate.max() >= MOST_RATE:
        raise InvalidInput("since", f"some slates had exploration of {rate.max()}", ["below .5"])
    length = np.array([len(shown) for shown in offers])
    padded = np.ones((len(rows), int(length.max())))
    is_there = np.arange(padded.shape[1]) < length[:, np.newaxis]
    padded[is_there] = np.concatenate(propensities)
    found = {"clicks": clicked, "bookings": booked}
    return Recorded(
        slates,
        _numbered(users),
        rate,
        length,
        padded,
        {name: _matrix(offers, taken, is_there) for name, taken in found.items()},
    )


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


def _numbered(users: Sequence[int | None]) -> NDArray[np.int64]:
    # Ids are positive; guests, who have none, are told apart by negative numbers.
    told = [-1 - at if user is None else user for at, user in enumerate(users)]
    return np.asarray(np.unique(told, return_inverse=True)[1], dtype=np.int64)


def _matrix(
    offers: Sequence[Sequence[int]],
    taken: Sequence[Sequence[int] | None],
    is_there: NDArray[np.bool_],
) -> Floats:
    """Return 1 where an offer of a slate is among those taken from it."""
    found = np.zeros(is_there.shape)
    found[is_there] = np.concatenate(
        [np.isin(shown, chosen or []) for shown, chosen in zip(offers, taken, strict=True)]
    )
    return found
