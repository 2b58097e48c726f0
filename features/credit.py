"""What a person can afford a booking, and what a price beyond it costs an offer.

Credit that is left, over the bookings that a person is expected to make before it ends, is a fair
price. Beyond it the log-odds of an offer fall by a weight times the log of how many fair prices it
takes. A rest too small to buy anything is gone with the price, and counts as part of it. What
counts against a cap has a fair price of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CREDIT_WEIGHT = 0.2
"""The odds at twice the fair price are 2^-0.2 = 0.87 of those at it (docs/horizon.md, Credit)."""
SMALL_REST_CENTS = 500.0
"""A rest below this buys next to nothing: 97 in 100 paid bookings of the simulated country cost
more. Nor is a fair price lower."""
BOOKINGS_A_MONTH = (0.3, 0.1, 0.9)
"""Paid bookings that anybody is expected to make: against no cap, the digital and the physical one.

As many as the people of the simulated country make; 500 EUR spent in 24 months at their mean of
13 EUR would be 1.6 in all.
"""
PRIOR_DAYS = 50.0
"""After so many days a person's own bookings say as much: the spread of people's rates there, by
moments of a Gamma prior of Poisson counts (Gelman et al., Bayesian Data Analysis, section 2.6)."""
MOST_DAYS = 730.0
"""Nobody plans farther ahead, where credit lasts longer."""
MONTH_DAYS = 365.25 / 12.0


@dataclass(frozen=True)
class Budget:
    """What a person can afford; infinite: without limit."""

    left_cents: float
    """Of all credit."""
    fair_cents: NDArray[np.float64]
    """(3,) a booking, by what it counts against: no cap, the digital, the physical one."""


UNLIMITED_BUDGET = Budget(np.inf, np.full(len(BOOKINGS_A_MONTH), np.inf))
"""Of whom no credit is known: no price is beyond it."""


def expected_bookings(
    made: NDArray[np.integer], since_days: float, left_days: float
) -> NDArray[np.float64]:
    """Return the paid bookings to come by cap (3,), at the person's rate shrunk to the usual one.

    Parameters
    ----------
    made
        (3,) paid bookings since the credit was granted, by cap.
    since_days, left_days
        Since the grant, and until the credit ends.
    """
    prior = np.array(BOOKINGS_A_MONTH) / MONTH_DAYS
    a_day = (made + prior * PRIOR_DAYS) / (max(0.0, since_days) + PRIOR_DAYS)
    return np.asarray(a_day * min(max(0.0, left_days), MOST_DAYS), dtype=np.float64)


def budget_of(
    left_cents: float, caps_left_cents: NDArray[np.float64], expected: NDArray[np.float64]
) -> Budget:
    """Return what can be afforded of credit over bookings; one at least will be made.

    Parameters
    ----------
    left_cents
        Of all credit; infinite: without limit.
    caps_left_cents
        (3,) of each cap; infinite: there is none.
    expected
        (3,) bookings to come, by cap.

    Examples
    --------
    300 EUR of which 90 may be books, and 20 bookings to come, 15 of them books:

    >>> budget_of(30_000, np.array([np.inf, np.inf, 9_000]), np.array([4.0, 1.0, 15.0])).fair_cents
    array([1500., 1500.,  600.])
    """
    of_all = left_cents / max(1.0, float(expected.sum()))
    of_caps = caps_left_cents / np.maximum(1.0, expected)
    return Budget(left_cents, np.maximum(np.minimum(of_all, of_caps), SMALL_REST_CENTS))


def strands_from_cents(left_cents: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """Return the price beyond which no more than a small rest is left."""
    return np.asarray(left_cents - SMALL_REST_CENTS, dtype=np.float64)


def beyond_fair(
    price_cents: NDArray[np.integer],
    left_cents: NDArray[np.floating] | float,
    fair_cents: NDArray[np.floating] | float,
) -> NDArray[np.float64]:
    """Return the log of how many fair prices each price takes, with the rest that it strands.

    Nothing up to one. Never falls with the price: what strands a rest takes all that is left.

    Examples
    --------
    Of 8 EUR, 3 leave enough for another; 4 and 7.50 do not.

    >>> beyond_fair(np.array([300, 400, 750]), 800, 500).round(2)
    array([0.  , 0.47, 0.47])
    """
    takes = np.where(price_cents > strands_from_cents(left_cents), left_cents, price_cents)
    return np.log(np.maximum(takes / fair_cents, 1.0))
