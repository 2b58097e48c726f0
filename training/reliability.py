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


def reliability(probability: NDArray[np.float64], outcome: NDArray[np.bool_]) -> Reliability:
    """Return how far `probability` (N,) tells of `outcome` (N,); both outcomes must occur."""
    rate = float(outcome.mean())
    parts = np.array_split(np.argsort(probability, kind="stable"), _BINS)
    gaps = [
        len(part) * abs(float(probability[part].mean()) - float(outcome[part].mean()))
        for part in parts
        if len(part)
    ]
    ece = sum(gaps) / len(probability)
    return Reliability(
        ece=ece,
        ece_rel=ece / rate,
        log_loss=_log_loss(probability, outcome),
        log_loss_base=_log_loss(np.full(len(outcome), rate), outcome),
        brier=float(np.mean((probability - outcome) ** 2)),
        auc=float(roc_auc_score(outcome, probability)),
    )


def distinct_share(probability: NDArray[np.float64]) -> float:
    """Return the share of distinct values: a flat probability would make any floor free."""
    return len(np.unique(probability)) / max(1, len(probability))


def _log_loss(probability: NDArray[np.float64], outcome: NDArray[np.bool_]) -> float:
    chance = np.clip(probability, 1e-15, 1.0 - 1e-15)
    return float(-np.mean(np.where(outcome, np.log(chance), np.log1p(-chance))))
