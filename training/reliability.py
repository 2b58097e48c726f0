"""How far probabilities can be believed (METRICS, 3)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

_BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Figures of N probabilities and outcomes."""

    ece: float
    """Expected calibration error over 15 bins of equal mass."""
    ece_rel: float
    """The same over the base rate."""
    log_loss: float
    log_loss_base: float
    """Of the base rate said to everybody."""
    brier: float
    auc: float


@dataclass(frozen=True)
class Curve:
    """Bins of equal mass: what was said, and what came of it; (B,) each."""

    probability: tuple[float, ...]
    """Mean."""
    rate: tuple[float, ...]
    count: tuple[float, ...]


def curve_of(probability: NDArray[np.float64], outcome: NDArray[np.bool_]) -> Curve:
    """Return the calibration curve of `probability` (N,) over the bins of `ece`."""
    order, bins = bins_of(probability)
    count = np.bincount(bins, minlength=_BINS)
    said, came = (
        np.bincount(bins, column[order], minlength=_BINS) / np.maximum(1, count)
        for column in (probability, outcome.astype(np.float64))
    )
    has_any = count > 0
    return Curve(*(tuple(column[has_any].tolist()) for column in (said, came, count)))


def reliability(
    probability: NDArray[np.float64],
    outcome: NDArray[np.bool_],
    stands_for: NDArray[np.float64] | None = None,
) -> Reliability:
    """Return how far `probability` (N,) tells of `outcome` (N,); both outcomes must occur.

    Parameters
    ----------
    stands_for
        (N,) how many each was drawn from; None: each is one.
    """
    weight = np.ones(len(outcome)) if stands_for is None else stands_for
    total, rate = float(weight.sum()), float(np.average(outcome, weights=weight))
    order, bins = _binned(probability, weight)
    gaps = np.bincount(bins, (weight * (probability - outcome))[order], minlength=_BINS)
    ece = float(np.abs(gaps).sum()) / total
    base = np.full(len(outcome), rate)
    return Reliability(
        ece=ece,
        ece_rel=ece / rate,
        log_loss=float(np.average(losses(probability, outcome), weights=weight)),
        log_loss_base=float(np.average(losses(base, outcome), weights=weight)),
        brier=float(np.average((probability - outcome) ** 2, weights=weight)),
        auc=float(roc_auc_score(outcome, probability, sample_weight=weight)),
    )


def bins_of(probability: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order of `probability` (N,), and in that order the bin of `ece` of each."""
    return _binned(probability, np.ones(len(probability)))


def _binned(
    probability: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order by probability, and in that order the bin of each."""
    order = np.argsort(probability, kind="stable")
    place = np.cumsum(weight[order]) - weight[order] / 2.0
    bins = np.minimum((place * _BINS / weight.sum()).astype(np.int64), _BINS - 1)
    return order, bins


def distinct_share(probability: NDArray[np.float64]) -> float:
    """Return the share of distinct values: a flat probability would make any floor free."""
    return len(np.unique(probability)) / max(1, len(probability))


def losses(probability: NDArray[np.float64], outcome: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log-loss (N,) of each probability."""
    chance = np.clip(probability, 1e-15, 1.0 - 1e-15)
    return -np.where(outcome, np.log(chance), np.log1p(-chance))
