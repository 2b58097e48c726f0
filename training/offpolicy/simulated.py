"""Slates logged in the simulated world, whose hidden truth tells what any policy really earns.

Each person of the demo world chooses from a menu of a few offers, those of a random draw that are
nearest. Policies order the menu by Plackett and Luce's model, so that every probability is known;
people book by their hidden tastes (`training.simulate.response`), less readily further down.
"""

import itertools
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray

from training.simulate.outcomes import encounters
from training.simulate.places import load_towns
from training.simulate.response import booking_probability
from training.simulate.setting import setting_of
from training.simulate.supply import make_supply
from training.simulate.users import make_users

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

POSITIONS = 3
MENU = 5
_DRAWN = 30
"""Offers drawn for each person, of which the nearest are the menu."""
_ANCHOR = date(2026, 11, 23)
ORDERS = np.array(list(itertools.permutations(range(MENU), POSITIONS)))
"""(O, K) all slates that a menu can make."""
_ATTENTION = 1.0 / np.log2(np.arange(POSITIONS) + 2.0)
"""Share of people who look at a position: the discount of METRICS."""


@dataclass(frozen=True)
class People:
    """U people and their menus of M offers."""

    chance: Floats
    """(U, M) the true probability that each offer is booked in the first position."""
    popularity: Floats
    """(U, M) standardised log of the works' quality: what the logging policy goes by."""
    closeness: Floats
    """(U, M) standardised, closer is more: what the policy in question goes by, too."""
    subcategory: Rows
    """(U, M) from 0 on: what a model of rewards may know."""


def simulated_people(seed: int, consideration: float = 1.0) -> People:
    """Draw the demo world's people and offers, and a menu for each person.

    Parameters
    ----------
    consideration
        Share of shown offers that are considered at all.
    """
    setting = setting_of("demo", seed, _ANCHOR)
    towns = load_towns(setting.scale.extent, setting.parameters)
    supply, users = make_supply(towns, setting), make_users(towns, setting)
    generator = setting.streams.of("menus")
    user = np.repeat(np.arange(len(users), dtype=np.int32), _DRAWN)
    offer = generator.integers(0, len(supply.offers), len(user)).astype(np.int32)
    met = encounters(user, offer, users, supply)
    away = (met.distance_m / met.reach_m).reshape(-1, _DRAWN)
    # Pairs of person and offer, as `encounters` has them.
    menu = (
        np.argsort(away, axis=1, kind="stable")[:, :MENU] + _DRAWN * np.arange(len(away))[:, None]
    )
    return People(
        consideration * booking_probability(met, setting.parameters)[menu],
        _standardised(np.log(met.quality)[menu]),
        _standardised(-away.ravel()[menu]),
        supply.items.subcategory[supply.offers.item[offer]].astype(np.int64)[menu],
    )


@dataclass(frozen=True)
class Policy:
    """Draws slates: one offer after the other, by the exponential of its appeal."""

    given_above: Floats
    """(U, O, K) probability of each position of each order, given the positions above it."""
    whole: Floats
    """(U, O) of each order."""
    marginal: Floats
    """(U, K, M) of each offer of the menu at each position."""

    @classmethod
    def of(cls, appeal: Floats) -> Self:
        """Return the policy of a (U, M) appeal (Plackett 1975)."""
        weight = np.exp(appeal)[:, ORDERS]
        shown = weight.cumsum(axis=2) - weight
        left = np.exp(appeal).sum(axis=1)[:, np.newaxis, np.newaxis] - shown
        given_above = weight / left
        whole = given_above.prod(axis=2)
        is_there = ORDERS[:, :, np.newaxis] == np.arange(appeal.shape[1])
        return cls(given_above, whole, np.einsum("uo,okm->ukm", whole, is_there))


@dataclass(frozen=True)
class Log:
    """N slates that were shown, and what was booked of them."""

    user: Rows
    """(N,)"""
    order: Rows
    """(N,) of the slates that a menu can make."""
    booked: Floats
    """(N, K) 1 where a position was booked, by somebody who looks at each for itself."""
    booked_once: Floats
    """(N, K) the same by somebody who does not look on after a booking."""


def logged(people: People, policy: Policy, slates: int, generator: np.random.Generator) -> Log:
    """Draw slates shown by `policy` to people drawn at random, and what they book."""
    user = generator.integers(0, len(people.chance), slates)
    below = policy.whole.cumsum(axis=1)[user]
    order = np.minimum((below < generator.random((slates, 1))).sum(axis=1), len(ORDERS) - 1)
    booked = generator.random((slates, POSITIONS)) < chances(people)[user, order]
    is_first = booked.cumsum(axis=1) - booked == 0
    return Log(user, order, booked.astype(np.float64), (booked & is_first).astype(np.float64))


def chances(people: People) -> Floats:
    """Return the true probability of a booking by whoever looks there, (U, O, K)."""
    return np.asarray(people.chance[:, ORDERS] * _ATTENTION)


def chances_once(people: People) -> Floats:
    """Return the same of somebody who does not look on after a booking, (U, O, K)."""
    chance = chances(people)
    return np.asarray(chance * ((1.0 - chance).cumprod(axis=2) / (1.0 - chance)))


def _standardised(numbers: Floats) -> Floats:
    return np.asarray((numbers - numbers.mean()) / numbers.std())
