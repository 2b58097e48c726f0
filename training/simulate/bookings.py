"""Settles wishes to book: one booking a work, seats, credit and caps, in order of time.

Within a period seats are claimed before credit is checked, so a wish that fails for want of money
may have kept a seat from another until the period's end: no rule is ever broken, some seats stay
empty. A cancelled booking gives nothing back, for the same reason.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.frames.tables import frame_table
from training.simulate.calendar import NEVER, Seconds, timestamps
from training.simulate.identifiers import identifiers
from training.simulate.offers import Offers
from training.simulate.outcomes import BOOKING, Outcomes
from training.simulate.parameters import Parameters
from training.simulate.programme import Programme
from training.simulate.setting import Setting
from training.simulate.stocks import Stocks
from training.simulate.supply import Supply


@dataclass(frozen=True)
class Bookings:
    """Arrays of one length, in order of time."""

    row: NDArray[np.int64]
    """Row of the outcome that was a wish."""
    user: NDArray[np.int32]
    stock: NDArray[np.int32]
    quantity: NDArray[np.int64]
    amount_cents: NDArray[np.int64]
    at_s: Seconds
    cancelled_s: Seconds
    used_s: Seconds

    def __len__(self) -> int:
        return len(self.user)


def settle_bookings(outcomes: Outcomes, supply: Supply, setting: Setting) -> Bookings:
    """Return the wishes that could be granted."""
    generator, parameters = setting.streams.of("bookings"), setting.parameters
    offers, stocks = supply.offers, supply.stocks
    wishes = _first_wishes(outcomes, offers, len(supply.items))
    offer = outcomes.offer[wishes]
    for_two = offers.is_duo[offer] & (generator.random(len(wishes)) < parameters.duo_share)
    quantity = np.where(for_two, 2, 1)
    amount_cents = offers.price_cents[offer] * quantity
    user, stock, at_s = outcomes.user[wishes], outcomes.stock[wishes], outcomes.at_s[wishes]
    ledger = _Ledger.opened(setting.scale.users, stocks, parameters)
    capped = _capped(supply.items.subcategory[offers.item[offer]], setting.programme)
    granted = np.zeros(len(wishes), dtype=bool)
    period = setting.calendar.period_of(at_s)
    for rows in np.split(np.arange(len(wishes)), np.flatnonzero(np.diff(period)) + 1):
        seated = rows[ledger.seated(stock[rows], quantity[rows])]
        paid = seated[ledger.paid(user[seated], amount_cents[seated], capped[seated])]
        ledger.take_seats(stock[paid], quantity[paid])
        granted[paid] = True
    kept = np.flatnonzero(granted)
    cancelled_s = _cancelled(generator, stock[kept], at_s[kept], stocks, setting)
    return Bookings(
        wishes[kept],
        user[kept],
        stock[kept],
        quantity[kept],
        amount_cents[kept],
        at_s[kept],
        cancelled_s,
        _used(stock[kept], at_s[kept], cancelled_s, stocks, setting),
    )


def bookings_frame(bookings: Bookings, users: int, stocks: int) -> pa.Table:
    """Return the frame `bookings`."""
    columns = {
        "user_id": identifiers("u", np.arange(users)).take(pa.array(bookings.user)),
        "stock_id": identifiers("s", np.arange(stocks)).take(pa.array(bookings.stock)),
        "quantity": bookings.quantity.astype(np.int32),
        "amount_eur": bookings.amount_cents / 100,
        "booked_at": timestamps(bookings.at_s),
        "cancelled_at": timestamps(bookings.cancelled_s),
        "used_at": timestamps(bookings.used_s),
    }
    return frame_table("bookings", columns)


def _first_wishes(outcomes: Outcomes, offers: Offers, items: int) -> NDArray[np.int64]:
    """Return the rows of each person's first wish for each work, in order of time."""
    rows = np.flatnonzero(outcomes.outcome == BOOKING)
    keys = outcomes.user[rows].astype(np.int64) * items + offers.item[outcomes.offer[rows]]
    _, first = np.unique(keys, return_index=True)
    return np.asarray(rows[np.sort(first)])


def _capped(subcategory: NDArray[np.int16], programme: Programme) -> NDArray[np.bool_]:
    """Return whether (N, 2) the digital and the physical cap count a booking."""
    flags = np.array([(s.is_digital, s.is_physical) for s in programme.subcategories])
    return np.asarray(flags[subcategory])


@dataclass(frozen=True)
class _Ledger:
    """What is left: of each person's credit and two caps in cents, of each stock's seats."""

    left_cents: NDArray[np.int64]
    """(users, 3): credit, digital, physical."""
    seats: NDArray[np.int64]

    @classmethod
    def opened(cls, users: int, stocks: Stocks, parameters: Parameters) -> "_Ledger":
        limits_eur = (
            parameters.credit_eur,
            parameters.digital_cap_eur,
            parameters.physical_cap_eur,
        )
        limits = np.array([round(100 * limit) for limit in limits_eur])
        return cls(np.tile(limits, (users, 1)), stocks.quantity.copy())

    def seated(self, stock: NDArray[np.int32], quantity: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the claims, in order of time, find their seats."""
        order = np.argsort(stock, kind="stable")
        claimed = np.empty(len(stock), dtype=np.int64)
        claimed[order] = _sums_within(stock[order], quantity[order])
        return np.asarray(claimed <= self.seats[stock])

    def take_seats(self, stock: NDArray[np.int32], quantity: NDArray[np.int64]) -> None:
        np.subtract.at(self.seats, stock, quantity)

    def paid(
        self,
        user: NDArray[np.int32],
        amount_cents: NDArray[np.int64],
        capped: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Charge the claims, in order of time, and return which could be paid.

        Everybody's first claim at once, then everybody's second, and so on.
        """
        order = np.argsort(user, kind="stable")
        rank = np.empty(len(user), dtype=np.int64)
        rank[order] = _sums_within(user[order], np.ones(len(user), dtype=np.int64)) - 1
        charges = amount_cents[:, None] * np.column_stack([np.ones(len(user), bool), capped])
        granted = np.zeros(len(user), dtype=bool)
        turns = np.argsort(rank, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(rank))])
        for start, end in pairwise(bounds):
            rows = turns[start:end]
            granted[rows] = (charges[rows] <= self.left_cents[user[rows]]).all(axis=1)
            rows = rows[granted[rows]]
            self.left_cents[user[rows]] -= charges[rows]
        return granted


def _sums_within(group: NDArray[np.int32], value: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the running sums of `value` that start anew with each run of equal `group`."""
    total = np.cumsum(value)
    first = np.concatenate([[True], group[1:] != group[:-1]])[: len(group)]
    before = (total - value)[first]
    return np.asarray(total - before[np.cumsum(first) - 1])


def _cancelled(
    generator: np.random.Generator,
    stock: NDArray[np.int32],
    at_s: Seconds,
    stocks: Stocks,
    setting: Setting,
) -> Seconds:
    """Return when bookings were cancelled, by their people or with their session."""
    chosen = generator.random(len(stock)) < setting.parameters.user_cancelled_share
    by_user_s = at_s + generator.integers(*setting.parameters.user_cancelled_s, size=len(stock))
    in_time = chosen & (by_user_s < np.minimum(stocks.limit_s[stock], setting.calendar.now_s))
    return np.minimum(np.where(in_time, by_user_s, NEVER), stocks.cancelled_s[stock])


def _used(
    stock: NDArray[np.int32],
    at_s: Seconds,
    cancelled_s: Seconds,
    stocks: Stocks,
    setting: Setting,
) -> Seconds:
    """Return when bookings were used: sessions as they began, goods after some days."""
    starts_s = stocks.starts_s[stock]
    collected_s = at_s + setting.parameters.collected_after_s
    used_s = np.where(starts_s < NEVER, starts_s, collected_s)
    is_used = (cancelled_s == NEVER) & (used_s < setting.calendar.now_s)
    return np.where(is_used, used_s, NEVER)
