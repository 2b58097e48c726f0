"""Logistic regression with signs and smoothness, on pairs that were drawn by chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from scipy.special import expit

RIDGE = 1e-3
_SMOOTHNESS = 10.0
"""Log-likelihood that a change of one in the rise from knot to knot costs."""


@dataclass(frozen=True)
class Sample:
    """P pairs told by K columns, drawn by chance: which is told by an offset, or by a weight."""

    columns: NDArray[np.float64]
    """(P, K)"""
    is_booked: NDArray[np.bool_]
    offset: NDArray[np.float64] | float
    """Added to the log-odds of a pair."""
    weight: NDArray[np.float64] | float
    tables: tuple[slice, ...]
    """Columns that are the rises of a table, from knot to knot."""
    ridge: NDArray[np.float64] | float = RIDGE
    """Log-likelihood that the square of each weight costs."""

    def loss(self, weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return minus the log-likelihood, with what roughness costs, and its slope."""
        log_odds = self.columns @ weights + self.offset
        losses = self.weight * (np.logaddexp(0.0, log_odds) - self.is_booked * log_odds)
        off = self.weight * (expit(log_odds) - self.is_booked)
        value = losses.sum() + np.sum(self.ridge * weights**2)
        slope = self.columns.T @ off + 2.0 * self.ridge * weights
        for span in self.tables:
            change = np.diff(weights[span])
            value += _SMOOTHNESS * (change @ change)
            slope[span][1:] += 2.0 * _SMOOTHNESS * change
            slope[span][:-1] -= 2.0 * _SMOOTHNESS * change
        return float(value), np.asarray(slope, dtype=np.float64)

    def fitted(
        self, weights: NDArray[np.float64], least: NDArray[np.float64], steps: int
    ) -> NDArray[np.float64]:
        """Return the likeliest weights that are not below `least`, sought from `weights`."""
        found = minimize(
            self.loss,
            np.maximum(weights, least),
            jac=True,
            bounds=Bounds(least, np.inf),
            method="L-BFGS-B",
            options={"maxiter": steps},
        )
        return np.asarray(found.x, dtype=np.float64)
