"""What is written of where people are and what they have left: no single number tells a home.

Many of them together still narrow one down, so that a run is personal data all the same.
"""

import numpy as np
from numpy.typing import NDArray

HOME_DECIMALS = 1
"""Homes are told to a tenth of a degree."""
STEP_M = 1_000.0
_FAR_M, _FAR_STEP_M = 10_000.0, 5_000.0
_CREDIT_STEP_CENTS = 1_000


def coarse_homes(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitudes and latitudes (U, 2) to a tenth of a degree; NaN stays."""
    return np.round(places, HOME_DECIMALS)


def distance_classes_m(distance_m: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the upper end of the class of each distance; NaN stays.

    Classes are 1 km wide up to 10 km, and 5 km wide beyond; the first holds 0, so that nobody is
    told to live at a venue.

    >>> distance_classes_m(np.array([0.0, 1000.0, 1001.0, 10_000.0, 10_001.0])).tolist()
    [1000.0, 1000.0, 2000.0, 10000.0, 15000.0]
    """
    step_m = np.where(distance_m > _FAR_M, _FAR_STEP_M, STEP_M)
    ends_m = np.maximum(np.ceil(distance_m / step_m) * step_m, STEP_M)
    return np.asarray(ends_m, dtype=np.float32)


def pooled_classes_m(distance_m: NDArray[np.floating], seed: int) -> NDArray[np.float32]:
    """Return the classes of all distances (U, n) in no order, within the places that have any.

    How far things are shown is told of all these people together: beside venues whose places are
    known, the distances of one person would tell the home.
    """
    classes = distance_classes_m(distance_m)
    is_known = ~np.isnan(classes)
    classes[is_known] = np.random.default_rng(seed).permutation(classes[is_known])
    return classes


def rounded_m(distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances to the nearest km: a mean over people stays what it is; NaN stays."""
    return np.round(distance_m / STEP_M) * STEP_M


def rounded_credit_cents(cents: int | None) -> int | None:
    """Return what is left of a credit, to ten euros; None: none is on record."""
    return None if cents is None else round(cents / _CREDIT_STEP_CENTS) * _CREDIT_STEP_CENTS
