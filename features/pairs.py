"""User x offer features, and what they cost an offer until a ranker learns it.

An offer's log-odds of being booked are the item's minus an additive, monotone cost: far, dear and
distant in time only ever counts against an offer. The constants are plausible by hand, one a
feature, stated below in log-odds; a trained ranker over the same features replaces them.
"""

import numpy as np
from numpy.typing import NDArray

DISTANCE_SCALE_M = 5_000.0
DISTANCE_WEIGHT = 0.8
"""The odds of an offer 5 km away are 2^-0.8 = 0.57 of those next door, at 45 km 10^-0.8 = 0.16."""
PRICE_SCALE_EUR = 20.0
PRICE_WEIGHT = 0.3
"""The odds at 20 EUR are 2^-0.3 = 0.81 of those of a free offer."""
DAYS_SCALE = 7.0
DAYS_WEIGHT = 0.3
"""The odds of a session in a week are 2^-0.3 = 0.81 of those of one that begins now."""

_DAY_US = 86_400_000_000


def days_to_session(starts_us: NDArray[np.int64], now_us: int) -> NDArray[np.float64]:
    """Return the days from `now_us` to each start, NaN where undated (the largest int64)."""
    days = (starts_us - np.int64(now_us)) / _DAY_US
    return np.where(starts_us == np.iinfo(np.int64).max, np.nan, days)


def distance_cost(distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cost in log-odds of each distance; NaN (digital, or no place) costs nothing."""
    cost = DISTANCE_WEIGHT * np.log1p(np.maximum(distance_m, 0.0) / DISTANCE_SCALE_M)
    return np.nan_to_num(cost, nan=0.0)


def session_cost(price_cents: NDArray[np.int32], days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cost in log-odds of each session's price and wait; undated (NaN) waits 0 days."""
    price = PRICE_WEIGHT * np.log1p(price_cents / (100.0 * PRICE_SCALE_EUR))
    wait = DAYS_WEIGHT * np.log1p(np.maximum(np.nan_to_num(days, nan=0.0), 0.0) / DAYS_SCALE)
    return np.asarray(price + wait, dtype=np.float64)
