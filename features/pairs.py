"""User x offer features, and what they cost an offer until a ranker learns it.

An offer's log-odds of being booked are the item's minus an additive, strictly increasing cost: far,
dear and distant in time only ever counts against an offer. Each cost is a table, linear between its
knots, that compiled code can evaluate for every offer; a trained ranker over the same features
brings tables of its own (`Costs`). The constants are plausible by hand, one a feature, in log-odds;
they stand where no ranker is trained.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.clock import HOURS, UNDATED_US
from features.credit import CREDIT_WEIGHT

DISTANCE_SCALE_M = 5_000.0
DISTANCE_WEIGHT = 0.8
"""The odds of an offer 5 km away are 2^-0.8 = 0.57 of those next door, at 45 km 10^-0.8 = 0.16."""
PRICE_SCALE_EUR = 20.0
PRICE_WEIGHT = 0.3
"""The odds at 20 EUR are 2^-0.3 = 0.81 of those of a free offer."""
DAYS_SCALE = 7.0
DAYS_WEIGHT = 0.3
"""The odds of a session in a week are 2^-0.3 = 0.81 of those of one that begins now."""

DAY_US = 86_400_000_000
_STEPS = 512
"""Knots a unit of the root of a feature: the tables differ from the curves by less than 1e-6."""


@dataclass(frozen=True)
class CostTable:
    """A strictly increasing cost of a feature from 0 on, nothing at 0.

    Knot k lies at the feature's value `k**2 / knots_per_unit`; linear in the root between knots,
    and beyond the last one.
    """

    cost: NDArray[np.float64]
    """(K,) at the knots, strictly increasing."""
    knots_per_unit: float

    @classmethod
    def logarithmic(cls, weight: float, scale: float, most: float) -> "CostTable":
        """Return `weight * log(1 + x / scale)` with knots up to `most`."""
        knots = np.arange(int(np.sqrt(most / scale) * _STEPS) + 2) / _STEPS
        return cls(weight * np.log1p(knots**2), _STEPS**2 / scale)

    def __call__(self, feature: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the cost of each value; below 0 as at 0."""
        place = np.sqrt(np.maximum(feature, 0.0) * self.knots_per_unit)
        knot = np.minimum(place.astype(np.int64), len(self.cost) - 2)
        below, above = self.cost[knot], self.cost[knot + 1]
        return np.asarray(below + (place - knot) * (above - below), dtype=np.float64)


DISTANCE_COST = CostTable.logarithmic(DISTANCE_WEIGHT, DISTANCE_SCALE_M, 200_000.0)
"""Of metres."""
PRICE_COST = CostTable.logarithmic(PRICE_WEIGHT, 100.0 * PRICE_SCALE_EUR, 30_000.0)
"""Of cents."""
WAIT_COST = CostTable.logarithmic(DAYS_WEIGHT, DAYS_SCALE, 730.0)
"""Of days until a session begins."""


@dataclass(frozen=True)
class Costs:
    """What an offer takes from the log-odds of its item: never less than nothing."""

    distance: CostTable
    """Of metres; nothing for digital offers."""
    price: CostTable
    """Of cents."""
    wait: CostTable
    """Of days until a session begins; nothing for undated offers."""
    online: float = 0.0
    """Of a digital offer, in place of the distance; not negative."""
    credit: float = 0.0
    """Of `features.credit.beyond_fair`, a unit; not negative."""
    week: NDArray[np.float64] = field(default_factory=lambda: np.zeros(HOURS + 1))
    """(169,) of each hour of the week at which a session begins (`features.clock`), and last of
    undated offers, nothing; not negative."""

    @cached_property
    def of_cents(self) -> NDArray[np.float64]:
        """(30_001, 2) of every price that an offer may have, and the price's log, of 0 that of 1.

        A look-up instead of a root and a log.
        """
        price_cents = np.arange(30_001, dtype=np.float64)
        log_price = np.log(np.maximum(price_cents, 1.0))
        return np.stack([self.price(price_cents), log_price], axis=1)

    def of_distance(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cost in log-odds of each distance; NaN is digital."""
        cost = self.distance(np.nan_to_num(distance_m, nan=0.0))
        return np.where(np.isnan(distance_m), self.online, cost)

    def of_session(
        self,
        price_cents: NDArray[np.int32],
        days: NDArray[np.float64],
        week_hour: NDArray[np.int16],
    ) -> NDArray[np.float64]:
        """Return the cost in log-odds of each session; undated (NaN) waits 0 days."""
        waits = self.wait(np.nan_to_num(days, nan=0.0))
        return np.asarray(self.price(price_cents.astype(np.float64)) + waits + self.week[week_hour])


COSTS_BY_HAND = Costs(DISTANCE_COST, PRICE_COST, WAIT_COST, credit=CREDIT_WEIGHT)
"""Where no ranker is trained."""

_PRIOR_BOOKINGS = 20.0
"""Bookings' worth of belief that all items around are alike: a village of three is no ranking."""
_LEAST_A_PERSON = 0.01
"""Bookings a person, so that a world without any still ranks."""


def days_to_session(starts_us: NDArray[np.int64], now_us: int) -> NDArray[np.float64]:
    """Return the days from `now_us` to each start, NaN where undated (the largest int64)."""
    days = (starts_us - np.int64(now_us)) / DAY_US
    return np.where(starts_us == UNDATED_US, np.nan, days)


def popular_log_odds(
    bookings_near: NDArray[np.integer],
    offers: NDArray[np.integer] | int,
    bookings: NDArray[np.integer] | int,
    made_a_person: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Return the log-odds that anyone around books an item within 28 days.

    An item's share of the bookings around, smoothed towards equal shares of the offers, times the
    bookings that a person of this world makes in that time; a Poisson count of at least one.

    Parameters
    ----------
    bookings_near
        Recent bookings of the item around.
    offers, bookings
        Offers around, and their recent bookings.
    made_a_person
        Recent bookings of the world over its people.
    """
    return log_odds_by_terms(bookings_near, *popular_terms(offers, bookings, made_a_person))


def log_odds_by_terms(
    bookings_near: NDArray[np.integer], times: NDArray[np.float64], alike: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `popular_log_odds` by its `popular_terms`, where they serve again and again."""
    return np.asarray(np.log(np.expm1(times * (bookings_near + alike))))


def popular_terms(
    offers: NDArray[np.integer] | int,
    bookings: NDArray[np.integer] | int,
    made_a_person: NDArray[np.float64] | float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a and b of `popular_log_odds`, which are `log(expm1(a (bookings near + b)))`."""
    times = np.maximum(made_a_person, _LEAST_A_PERSON) / (bookings + _PRIOR_BOOKINGS)
    return np.asarray(times), np.asarray(_PRIOR_BOOKINGS / np.maximum(1, offers))


def rarity(bookings: NDArray[np.integer], made: NDArray[np.integer] | int) -> NDArray[np.float64]:
    """Return how rare an item is among all recent bookings: minus the log of its share, from 0 on.

    Every item is credited with a booking more than it has.
    """
    return np.maximum(0.0, np.log((np.asarray(made) + 1.0) / (bookings + 1.0)))


def crowding(offers: NDArray[np.integer] | int) -> NDArray[np.float64]:
    """Return the log of how many offers an item has to compete with, itself one of them."""
    return np.log1p(np.asarray(offers, dtype=np.float64))
