"""What a person does with an offer before their eyes: the one place where tastes decide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulate.parameters import Parameters

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Encounter:
    """People and offers, one a row; what the response depends on."""

    taste: Floats
    """How much of the person's taste goes to the work's kind, over an even share; 1 is even."""
    openness: Floats
    quality: Floats
    price_sensitivity: Floats
    price_eur: Floats
    distance_m: Floats
    """0 for digital offers."""
    reach_m: Floats


def relative_taste(
    tastes: NDArray[np.float32],
    user: NDArray[np.integer],
    style: NDArray[np.integer],
    scene: NDArray[np.integer],
) -> Floats:
    """Return each person's share of a work's scene, of its style where it has none, over even.

    Parameters
    ----------
    tastes
        (users, styles, scenes) shares.
    user, style, scene
        (N,) rows; scene -1 where there is none.
    """
    _, styles, scenes = tastes.shape
    of_style = tastes[user, style]
    of_scene = of_style[np.arange(len(user)), scene]
    share = np.where(scene < 0, of_style.sum(axis=1), of_scene * scenes)
    return np.asarray(share * styles, dtype=np.float64)


def taste_lift(encounter: Encounter, parameters: Parameters) -> Floats:
    """Return the log of how much better than evenly the work fits the person."""
    constant, slope = parameters.taste_floor
    floor = constant + slope * encounter.openness
    return np.asarray(np.log((encounter.taste + floor) / (1 + floor)))


def booking_probability(encounter: Encounter, parameters: Parameters) -> Floats:
    """Return the true probability of a booking once an offer is considered, (N,).

    A logistic choice: a constant, plus the fit of the taste, plus the work's quality, less the
    price by the person's sensitivity, less the distance by the person's reach. Credit, caps and
    seats come on top: what cannot be paid or is sold out is not booked.
    """
    log_odds = (
        parameters.booking_bias
        + parameters.booking_taste * taste_lift(encounter, parameters)
        + parameters.booking_quality * np.log(encounter.quality)
        - encounter.price_sensitivity * encounter.price_eur / 10
        - encounter.distance_m / encounter.reach_m
    )
    return np.asarray(1 / (1 + np.exp(-log_odds)))
