"""Figures of all probabilities that are shown, taken apart into what each person does to them.

They are no means over people. To the first order each is, of pseudo-values: the figure, and how it
moves with a person's weight (the infinitesimal jackknife: Jaeckel 1972; Efron 1982, chapter 6). So
people, whose offers hang together, are resampled and exchanged as for a mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from training.reliability import Reliability, both_occur, losses, reliability

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Forecasts:
    """What one system said of N offers that it showed to U people, and what came of it."""

    probability: Floats
    """(N,)"""
    outcome: NDArray[np.bool_]
    """(N,) whether it was booked."""
    person: NDArray[np.int64]
    """(N,) whose each is, numbered from 0 on."""
    people: int
    """U, those with nothing shown included."""

    @classmethod
    def of_nothing(cls, people: int) -> Self:
        """Return what tells nothing of so many people."""
        return cls(np.empty(0), np.empty(0, dtype=bool), np.empty(0, dtype=np.int64), people)

    @property
    def can_tell(self) -> bool:
        """Whether both outcomes occur."""
        return both_occur(self.outcome)

    @cached_property
    def reliability(self) -> Reliability:
        """The figures of METRICS, section 3."""
        return reliability(self.probability, self.outcome)

    def pseudo_values(self) -> dict[str, Floats]:
        """Return what each person (U,) makes of each figure; the mean of all is the figure."""
        told = self.reliability
        rate, loss = float(self.outcome.mean()), losses(self.probability, self.outcome)
        # How the entropy of the base rate moves with it, of each offer.
        slope = np.log((1.0 - rate) / rate) * (self.outcome - rate)
        moved = {
            "log_loss": loss - told.log_loss,
            "log_loss_base": slope,
            "log_loss_less_base": loss - told.log_loss - slope,
            "brier": (self.probability - self.outcome) ** 2 - told.brier,
            "auc": self._auc_moved(told.auc),
        }  # fmt: skip
        value = vars(told) | {"log_loss_less_base": told.log_loss - told.log_loss_base}
        return {name: value[name] + self._by_person(column) for name, column in moved.items()}

    def _auc_moved(self, auc: float) -> Floats:
        """Return how the area moves with each offer (N,), times N (Obuchowski 1997)."""
        hit, count = self.outcome, len(self.outcome)
        rank = rankdata(self.probability)
        hits = np.count_nonzero(hit)
        beaten = np.empty(count)
        beaten[hit] = (rank[hit] - rankdata(self.probability[hit])) / (count - hits)
        beaten[~hit] = 1.0 - (rank[~hit] - rankdata(self.probability[~hit])) / hits
        return (beaten - auc) * np.where(hit, count / hits, count / (count - hits))

    def _by_person(self, moved: Floats) -> Floats:
        """Return U times the mean over all offers, of the offers of each person (U,)."""
        total = np.bincount(self.person, moved, minlength=self.people)
        return np.asarray(total * self.people / len(moved), dtype=np.float64)


FIGURES = ("log_loss", "log_loss_base", "log_loss_less_base", "brier", "auc")
"""What pseudo-values are told of; the calibration error is told by itself, for it has none."""


def pseudo_values(forecasts: Sequence[Forecasts]) -> list[dict[str, Floats]]:
    """Return those of each system; NaN where both outcomes do not occur."""
    return [
        one.pseudo_values()
        if one.can_tell
        else {name: np.full(one.people, np.nan) for name in FIGURES}
        for one in forecasts
    ]
