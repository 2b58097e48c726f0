"""How considerations end: a wish to book a stock, or an interaction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulate.calendar import Seconds
from training.simulate.intentions import Intentions
from training.simulate.market import NOTHING
from training.simulate.offers import NOWHERE
from training.simulate.parameters import Parameters
from training.simulate.places import distance_m
from training.simulate.response import Encounter, booking_probability, relative_taste, taste_lift
from training.simulate.setting import Setting
from training.simulate.stocks import Stocks
from training.simulate.supply import Supply
from training.simulate.users import Users

_BLOCK = 1_000_000

OUTCOMES = ("view", "click", "favourite", "dismiss", "booking")
VIEW, CLICK, FAVOURITE, DISMISS, BOOKING = range(5)
_OFFER_SHIFT = np.int64(34)


@dataclass(frozen=True)
class Outcomes:
    """Considerations, one a row, in order of time."""

    user: NDArray[np.int32]
    offer: NDArray[np.int32]
    stock: NDArray[np.int32]
    """What a booking would claim."""
    at_s: Seconds
    outcome: NDArray[np.int8]
    """Row in `OUTCOMES`; a booking is a wish until it is settled."""

    def __len__(self) -> int:
        return len(self.user)


def draw_outcomes(
    intentions: Intentions,
    offer: NDArray[np.int32],
    users: Users,
    supply: Supply,
    setting: Setting,
) -> Outcomes:
    """Draw the outcome of each intention that met an offer."""
    generator = setting.streams.of("outcomes")
    met = np.flatnonzero(offer != NOTHING)
    met = met[np.argsort(intentions.at_s[met], kind="stable")]
    user, offer, at_s = intentions.user[met], offer[met], intentions.at_s[met]
    stock = _stocks(generator, offer, at_s, supply.stocks, setting)
    outcome = np.empty(len(met), dtype=np.int8)
    for start in range(0, len(met), _BLOCK):
        rows = slice(start, start + _BLOCK)
        encounter = encounters(user[rows], offer[rows], users, supply)
        uniform = generator.random((2, len(encounter.quality)))
        outcome[rows] = ends_of(uniform, encounter, setting.parameters)
    outcome[(outcome == BOOKING) & (supply.stocks.cancelled_s[stock] <= at_s)] = CLICK
    return Outcomes(user, offer, stock, at_s, outcome)


def encounters(
    user: NDArray[np.int32], offer: NDArray[np.int32], users: Users, supply: Supply
) -> Encounter:
    """Return what the response of each person to each offer depends on."""
    items, venues = supply.items, supply.venues
    item, venue = supply.offers.item[offer], supply.offers.venue[offer]
    away_m = distance_m(users.lon[user], users.lat[user], venues.lon[venue], venues.lat[venue])
    return Encounter(
        relative_taste(users.tastes, user, items.style[item], items.scene[item]),
        users.openness[user],
        items.quality[item],
        users.price_sensitivity[user],
        supply.offers.price_cents[offer] / 100,
        np.where(venue == NOWHERE, 0.0, away_m),
        users.reach_m[user],
    )


def _stocks(
    generator: np.random.Generator,
    offer: NDArray[np.int32],
    at_s: Seconds,
    stocks: Stocks,
    setting: Setting,
) -> NDArray[np.int32]:
    """Choose a session that can still be booked, sooner ones likelier."""
    sooner = setting.parameters.sooner_sessions
    keys = (stocks.offer << _OFFER_SHIFT) + stocks.limit_s
    first = np.searchsorted(keys, (offer.astype(np.int64) << _OFFER_SHIFT) + at_s, side="right")
    number = stocks.offer_start[offer + 1] - first
    chosen = first + np.floor(number * generator.random(len(offer)) ** sooner).astype(np.int64)
    return chosen.astype(np.int32)


def ends_of(
    uniform: NDArray[np.float64], encounter: Encounter, parameters: Parameters
) -> NDArray[np.int8]:
    """Return how each of N considerations ends, a row in `OUTCOMES`.

    Parameters
    ----------
    uniform
        (2, N) in [0, 1): what decides between other ends, and what decides on a booking.
    """
    fit = 1 / (1 + np.exp(-taste_lift(encounter, parameters)))
    favourite = 2 * parameters.favourite_share * fit
    dismiss = 2 * parameters.dismiss_share * (1 - fit)
    other, booked = uniform
    ends = np.where(other < favourite + dismiss + parameters.click_share, CLICK, VIEW)
    ends[other < favourite + dismiss] = DISMISS
    ends[other < favourite] = FAVOURITE
    is_booked = booked < booking_probability(encounter, parameters)
    return np.where(is_booked, BOOKING, ends).astype(np.int8)
