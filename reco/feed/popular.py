"""How popular things are around: what is booked there, as log-odds of a booking."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.pairs import log_odds_by_terms, popular_terms
from reco.feed.candidates import Candidates, Sweep


@dataclass(frozen=True)
class Popular:
    """Log-odds that anyone around books an item of a kind within the catalogue's 28 days.

    What takes place somewhere shares the bookings made at places, what is digital those made
    online (`features.pairs.popular_log_odds`).
    """

    few: NDArray[np.float64]
    """(256,) at few bookings near, which most items have."""
    terms: NDArray[np.float64]
    """(4,) a, b, c and d of log-odds `c + d log(expm1(a (near + b)))`."""

    def __call__(self, near: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the log-odds of an item at each number of bookings near."""
        found, is_many = self.few[np.minimum(near, len(_FEW) - 1)], near >= len(_FEW)
        if is_many.any():
            times, alike, intercept, slope = self.terms
            own = log_odds_by_terms(near[is_many], times, alike)
            found[is_many] = intercept + slope * own
        return np.asarray(found)


_FEW = np.arange(256)


def popular_around(
    sweep: Sweep, intercept: float = 0.0, slope: float = 1.0
) -> tuple[Popular, Popular]:
    """Return how popular things are around: at venues, and online.

    Parameters
    ----------
    intercept, slope
        What was learned with the model, if anything was.
    """
    catalogue = sweep.catalogue
    made_a_person = catalogue.bookings / max(1, catalogue.users)
    times, alike = popular_terms(np.array(sweep.offers), np.array(sweep.bookings), made_a_person)
    few = intercept + slope * log_odds_by_terms(_FEW, times[:, np.newaxis], alike[:, np.newaxis])
    at_venues, online = (
        Popular(of_kind, np.array([a, b, intercept, slope]))
        for of_kind, a, b in zip(few, times.tolist(), alike.tolist(), strict=True)
    )
    return at_venues, online


def popular_near(
    at_venues: Popular, online: Popular, candidates: Candidates
) -> NDArray[np.float64]:
    """Return the log-odds that anyone around books each of `candidates` within 28 days."""
    near = candidates.bookings_near
    return np.where(candidates.is_online, online(near), at_venues(near))
