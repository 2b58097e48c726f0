"""The last step from an additive sum to a probability: strictly rising, so that no order changes.

A sum of log-odds that is likeliest as a whole can still be off in places: too low in the middle,
say, and too high at both ends. Straight between few knots, a link puts that right (a monotone
calibration, Zadrozny and Elkan 2002, without the plateaus of isotonic regression, on which a
relevance floor would cost nothing).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.array_folder import Frozen

FARTHEST = 700.0
"""Sums up to which a link goes on straight, either way: none comes near."""


class LinkFacts(Frozen):
    """What becomes of log-odds at some of them; straight between."""

    told: tuple[float, ...]
    """Sums of log-odds, rising."""
    meant: tuple[float, ...]
    """The log-odds of a booking that they mean, rising."""


@dataclass(frozen=True)
class Link:
    """Takes sums of log-odds to those of a booking."""

    told: NDArray[np.float64]
    """(K,), strictly rising."""
    meant: NDArray[np.float64]
    """(K,), strictly rising."""

    @classmethod
    def of(cls, facts: LinkFacts | None) -> "Link":
        """Return the link of a ranker; without one, sums are meant as they are told.

        Raises
        ------
        ValueError
            It does not rise strictly.
        """
        if facts is None:
            return STRAIGHT
        told, meant = np.array(facts.told), np.array(facts.meant)
        fits = len(told) == len(meant) > 1 and bool(np.isfinite([told, meant]).all())
        if not fits or not ((np.diff(told) > 0.0).all() and (np.diff(meant) > 0.0).all()):
            raise ValueError("link does not rise strictly")
        return cls(told, meant)

    def log_odds(self, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of a booking (N,) that sums of log-odds (N,) mean."""
        if self is STRAIGHT:
            return told
        return np.asarray(np.interp(told, self.told, self.meant))

    def probability(self, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of a booking (N,), from 0 to 1."""
        return np.asarray(1.0 / (1.0 + np.exp(np.minimum(-self.log_odds(told), FARTHEST))))


STRAIGHT = Link(np.array([-FARTHEST, FARTHEST]), np.array([-FARTHEST, FARTHEST]))
"""Sums are meant as they are told."""
