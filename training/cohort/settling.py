"""What becomes of the offers that people look at: bookings within their means, and other ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.caps import cap_codes
from reco.catalogue.shelf import CAPS, ONLINE
from reco.core.deposits import Cap, Credit
from reco.db.arrays import FOREVER_US
from training.cohort.attention import Chances
from training.replay.past import Past
from training.simulate.outcomes import ends_of
from training.simulate.parameters import Parameters
from training.simulate.truth import Truth


@dataclass(frozen=True)
class Considered:
    """Offers that people of the cohort look at in one week, L of them, person by person."""

    person: NDArray[np.int64]
    position: NDArray[np.int64]
    """From 0."""
    offer: NDArray[np.int64]
    """Row in the past."""
    distance_m: NDArray[np.float64]
    """NaN: digital."""

    @classmethod
    def joined(cls, parts: Sequence["Considered"]) -> "Considered":
        """Return what several people look at."""
        if not parts:
            none = np.empty(0, dtype=np.int64)
            return cls(none, none, none, np.empty(0))
        columns = ([getattr(part, column.name) for part in parts] for column in fields(cls))
        return cls(*(np.concatenate(column) for column in columns))


def ends(considered: Considered, truth: Truth, past: Past, chances: Chances) -> NDArray[np.int8]:
    """Return how each consideration ends, if there are means: a row in `OUTCOMES`."""
    place = considered.person, considered.position
    uniform = np.stack([chances.other_end[place], chances.booking[place]])
    encounter = truth.encounter(
        considered.person,
        past.offers.item[considered.offer],
        prices_cents(past)[considered.offer] / 100,
        np.nan_to_num(considered.distance_m),
    )
    return ends_of(uniform, encounter, truth.parameters)


def prices_cents(past: Past) -> NDArray[np.int64]:
    """Return the price (O,) of each offer, that all of its sessions have."""
    price = np.zeros(len(past.offers.item), dtype=np.int64)
    price[past.stocks.offer] = past.stocks.price_cents
    return price


@dataclass(frozen=True)
class Sessions:
    """The stocks of every offer, in order of their start."""

    past: Past
    stock: NDArray[np.int64]
    start: NDArray[np.int64]
    """(O + 1,) bounds of each offer's."""

    @classmethod
    def of(cls, past: Past) -> "Sessions":
        """Return those of a past."""
        stocks = past.stocks
        order = np.lexsort((stocks.starts_us, stocks.offer))
        bounds = np.searchsorted(stocks.offer[order], np.arange(len(past.offers.item) + 1))
        return cls(past, order, bounds)

    def open(self, offer: int, at_us: int, seats: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the stocks of an offer that can be booked at a moment, by their start."""
        stocks = self.past.stocks
        rows = self.stock[self.start[offer] : self.start[offer + 1]]
        closes_us = np.minimum(stocks.limit_us[rows], stocks.cancelled_us[rows])
        closes_us = np.minimum(closes_us, stocks.starts_us[rows])
        is_open = (closes_us > at_us) & (stocks.created_us[rows] <= at_us)
        return rows[is_open & (seats[rows] > 0)]


def stock_caps(past: Past) -> list[Cap]:
    """Return what each stock counts against, beside the credit itself."""
    offer = past.stocks.offer
    codes = cap_codes(
        past.flags[past.items.item_subcategory[past.offers.item[offer]]],
        past.stocks.starts_us < FOREVER_US,
        past.offers.venue[offer] != ONLINE,
    )
    return [CAPS[code] for code in codes.tolist()]


@dataclass
class Purse:
    """What a person may still spend, in cents."""

    credit: Credit
    spent_cents: dict[Cap, int] = field(default_factory=dict)

    def pays(self, amount_cents: int, cap: Cap) -> bool:
        """Pay, if the credit, its cap and what one offer may cost allow it."""
        credit, spent = self.credit, self.spent_cents
        caps = {"digital": credit.digital_cents, "physical": credit.physical_cents}
        left = (
            (credit.total_cents, sum(spent.values())),
            (caps.get(cap), spent.get(cap, 0)),
            (credit.offer_limit_cents, 0),
        )
        if any(limit is not None and amount_cents > limit - gone for limit, gone in left):
            return False
        spent[cap] = spent.get(cap, 0) + amount_cents
        return True


@dataclass(frozen=True)
class Till:
    """Where the wishes of one week are granted, while there are seats and means."""

    sessions: Sessions
    caps: list[Cap]
    """Of every stock."""
    seats: NDArray[np.int64]
    """(S,) places left of each stock; taken away from as they are booked."""
    at_us: int
    chances: Chances
    parameters: Parameters

    def booked(
        self, person: int, offer: int, position: int, purse: Purse
    ) -> tuple[int, int, int] | None:
        """Return the stock, quantity and amount in cents that were booked, None if nothing was."""
        stocks = self.sessions.open(offer, self.at_us, self.seats)
        if not len(stocks):
            return None
        # Sooner sessions are likelier, as in the simulated world.
        early = self.chances.session[person, position] ** self.parameters.sooner_sessions
        stock = int(stocks[int(len(stocks) * early)])
        past = self.sessions.past
        with_friend = self.chances.for_two[person, position] < self.parameters.duo_share
        quantities = (2, 1) if past.offers.is_duo[offer] and with_friend else (1,)
        for quantity in quantities:
            amount_cents = quantity * int(past.stocks.price_cents[stock])
            if self.seats[stock] >= quantity and purse.pays(amount_cents, self.caps[stock]):
                self.seats[stock] -= quantity
                return stock, quantity, amount_cents
        return None
