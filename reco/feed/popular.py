"""How popular things are around: what is booked there, as log-odds of a booking."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.pairs import log_odds_by_terms, popular_terms
from reco.feed.candidates import Candidates, Sweep
from reco.lazily import lazy


@dataclass(frozen=True)
class Popular:
    """Log-odds that anyone around books an item of a kind within the catalogue's 28 days.

    What takes place somewhere shares the bookings made at places, what is digital those made
    online (`features.pairs.popular_log_odds`).
    """

    offers: int
    """Offers of the kind around, and their recent bookings."""
    bookings: int
    made_a_person: float
    intercept: float = 0.0
    """What was learned with the model, if anything was."""
    slope: float = 1.0

    def __call__(self, near: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the log-odds of an item at each number of bookings near."""
        found, is_many = self.few[np.minimum(near, len(_FEW) - 1)], near >= len(_FEW)
        if is_many.any():
            found[is_many] = self._worked_out(near[is_many])
        return np.asarray(found)

    def _worked_out(self, near: NDArray[np.integer]) -> NDArray[np.float64]:
        own = log_odds_by_terms(near, *self._terms)
        return np.asarray(self.intercept + self.slope * own)

    def learned(self, intercept: float, slope: float) -> "Popular":
        """Return the same with what was learned of it."""
        return replace(self, intercept=intercept, slope=slope)

    @lazy
    def few(self) -> NDArray[np.float64]:
        """(256,) at few bookings near, which most items have."""
        return self._worked_out(_FEW)

    @lazy
    def terms(self) -> NDArray[np.float64]:
        """(4,) a, b, c and d of log-odds `c + d log(expm1(a (near + b)))`."""
        return np.array([*self._terms, self.intercept, self.slope])

    @lazy
    def _terms(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return popular_terms(self.offers, self.bookings, self.made_a_person)


_FEW = np.arange(256)


def popular_around(sweep: Sweep) -> tuple[Popular, Popular]:
    """Return how popular things are around: at venues, and online."""
    catalogue = sweep.catalogue
    at_venues, online = (
        Popular(offers, bookings, made / max(1, catalogue.users))
        for made, bookings, offers in zip(
            catalogue.bookings.tolist(), sweep.bookings, sweep.offers, strict=True
        )
    )
    return at_venues, online


def popular_near(
    at_venues: Popular, online: Popular, candidates: Candidates
) -> NDArray[np.float64]:
    """Return the log-odds that anyone around books each of `candidates` within 28 days."""
    near = candidates.bookings_near
    return np.where(candidates.is_online, online(near), at_venues(near))
