"""Logistic regression with signs and smoothness, on pairs that were drawn by chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import lsq_linear
from scipy.special import expit

RIDGE = 1e-3
_SMOOTHNESS = 10.0
"""Log-likelihood that a change of one costs, from one of these to the next."""
_AT_ONCE = 1 << 14
"""Pairs whose columns are weighted in one piece, which stays in the processor's memory."""
_STEPS = 50
_ENOUGH = 1e-9
"""A step that gains less of the loss is the last."""
_GAINED = 1e-4
"""Of what the slope promises, so much a step must gain, else it is halved (Armijo 1966)."""
_HALVINGS = 30


@dataclass(frozen=True)
class Sample:
    """P pairs told by K columns, drawn by chance: which is told by an offset, or by a weight."""

    columns: NDArray[np.float64]
    """(P, K)"""
    is_booked: NDArray[np.bool_]
    offset: NDArray[np.float64] | float
    """Added to the log-odds of a pair."""
    weight: NDArray[np.float64] | float
    smooth: tuple[slice, ...]
    """Columns whose weights change little from one to the next, such as the rises of a table."""
    ridge: NDArray[np.float64] | float = RIDGE
    """Log-likelihood that the square of each weight costs; above 0."""

    def loss(self, weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return minus the log-likelihood, with what roughness costs, and its slope (K,)."""
        log_odds = self.columns @ weights + self.offset
        losses = self.weight * (np.logaddexp(0.0, log_odds) - self.is_booked * log_odds)
        off = self.weight * (expit(log_odds) - self.is_booked)
        rough = self._roughness @ weights
        value = losses.sum() + 0.5 * (weights @ rough)
        return float(value), np.asarray(self.columns.T @ off + rough, dtype=np.float64)

    def curvature(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the second derivative (K, K) of the loss."""
        chance = expit(self.columns @ weights + self.offset)
        root = np.sqrt(self.weight * chance * (1.0 - chance))
        curvature = self._roughness
        for start in range(0, len(root), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            weighted = self.columns[part] * root[part, np.newaxis]
            curvature += weighted.T @ weighted
        return curvature

    def fitted(
        self, weights: NDArray[np.float64], least: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the likeliest weights that are not below `least`, sought from `weights`.

        Newton's steps, each the least of the quadratic that touches the loss, within the bounds: a
        bounded least-squares problem of K rows (Stark and Parker 1995).
        """
        at = np.maximum(weights, least)
        loss, slope = self.loss(at)
        for _ in range(_STEPS):
            step = self._least_of_quadratic(at, slope, least) - at
            promised = float(slope @ step)
            if promised > -_ENOUGH * (1.0 + abs(loss)):
                break
            share, ahead = 1.0, self.loss(at + step)
            while ahead[0] > loss + _GAINED * share * promised and share > 0.5**_HALVINGS:
                share /= 2.0
                ahead = self.loss(at + share * step)
            at, (loss, slope) = at + share * step, ahead
        return np.maximum(at, least)

    def _least_of_quadratic(
        self, at: NDArray[np.float64], slope: NDArray[np.float64], least: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        root = cholesky(self.curvature(at))
        target = root @ at - solve_triangular(root, slope, trans="T")
        return np.asarray(lsq_linear(root, target, (least, np.inf), method="bvls").x)

    @property
    def _roughness(self) -> NDArray[np.float64]:
        """The second derivative (K, K) of what roughness costs: half of w'Aw is the cost."""
        kinds = self.columns.shape[1]
        roughness = np.diag(np.broadcast_to(2.0 * np.asarray(self.ridge), (kinds,)))
        for span in self.smooth:
            change = np.diff(np.eye(kinds)[span], axis=0)
            roughness = roughness + 2.0 * _SMOOTHNESS * change.T @ change
        return roughness


def weight_of_draws(
    is_booked: NDArray[np.bool_], drawn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how many pairs each (P,) stands for, over what a booked one does in the mean.

    So the booked ones weigh as much as there are of them, however many they stand for: hardly more
    is known than they tell.

    Parameters
    ----------
    drawn
        (P,) chance that each was drawn.
    """
    stands_for = 1.0 / drawn
    of_booked = stands_for[is_booked].mean() if is_booked.any() else 1.0
    return np.asarray(stands_for / of_booked)
