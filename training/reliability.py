"""How far probabilities can be believed (METRICS, 3)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from training.intervals import NORMAL_975

_BINS = 15
_LIKELIEST = 500


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
    low: tuple[float, ...]
    """Bounds of the 95 % interval of the rate, by people."""
    high: tuple[float, ...]


def curve_of(
    probability: NDArray[np.float64], outcome: NDArray[np.bool_], person: NDArray[np.int64]
) -> Curve:
    """Return the calibration curve of `probability` (N,) over the bins of `ece`.

    Parameters
    ----------
    person
        (N,) whose each is, numbered from 0 on: what is of one person hangs together.
    """
    order, bins = bins_of(probability)
    count = np.bincount(bins, minlength=_BINS)
    said, came = (
        np.bincount(bins, column[order], minlength=_BINS) / np.maximum(1, count)
        for column in (probability, outcome.astype(np.float64))
    )
    alone = _alone(bins, outcome[order] - came[bins], person[order], came)
    has_any = count > 0
    columns = (said, came, count, *_wilson(came, alone))
    return Curve(*(tuple(column[has_any].tolist()) for column in columns))


def _alone(
    bins: NDArray[np.int64],
    apart: NDArray[np.float64],
    person: NDArray[np.int64],
    rate: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how many outcomes (B,) would tell as much of each rate if each were alone.

    As many as have the variance that the rate has by people (Dean and Pagano 2015), at most all.

    Parameters
    ----------
    apart
        (N,) outcomes less the rates of their bins.
    """
    own, size = person * _BINS + bins, (int(person.max(initial=-1)) + 1) * _BINS
    counts = np.bincount(own, minlength=size).reshape(-1, _BINS)
    squares = (np.bincount(own, apart, size).reshape(-1, _BINS) ** 2).sum(axis=0)
    people, count = np.count_nonzero(counts, axis=0), counts.sum(axis=0).astype(np.float64)
    alone = count.copy()
    variance = squares * people / np.maximum(1, people - 1) / np.maximum(1.0, count) ** 2
    np.divide(rate * (1.0 - rate), variance, out=alone, where=variance > 0.0)
    return np.asarray(np.minimum(np.where(variance > 0.0, alone + 1.0, count), count))


def _wilson(
    rate: NDArray[np.float64], count: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the bounds of the 95 % interval of rates of so many (Wilson 1927)."""
    reach = NORMAL_975**2 / np.maximum(1.0, count)
    middle = (rate + reach / 2.0) / (1.0 + reach)
    half = np.sqrt(reach * rate * (1.0 - rate) + (reach / 2.0) ** 2) / (1.0 + reach)
    return np.clip(middle - half, 0.0, rate), np.clip(middle + half, rate, 1.0)


def both_occur(outcome: NDArray[np.bool_]) -> bool:
    """Say whether some of `outcome` (N,) happened and some did not: else nothing can be told."""
    return bool(outcome.any() and not outcome.all())


def reliability(
    probability: NDArray[np.float64],
    outcome: NDArray[np.bool_],
    stands_for: NDArray[np.float64] | None = None,
) -> Reliability:
    """Return how far `probability` (N,) tells of `outcome` (N,); `both_occur` must hold.

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
    """Return the order by probability, and in that order the bin of each; equal ones share one."""
    order = np.argsort(probability, kind="stable")
    _, first, run = np.unique(probability[order], return_index=True, return_inverse=True)
    mass = np.add.reduceat(weight[order], first) if len(order) else weight
    middle = np.cumsum(mass) - mass / 2.0
    bins = np.minimum((middle * _BINS / weight.sum()).astype(np.int64), _BINS - 1)
    return order, bins[run]


def distinct_share(probability: NDArray[np.float64]) -> float:
    """Return the share of distinct values: a flat probability would make any floor free."""
    return len(np.unique(probability)) / max(1, len(probability))


def mean_distinct_share(probability: NDArray[np.float64], start: NDArray[np.integer]) -> float:
    """Return the mean over groups of the share of distinct values among the 500 likeliest.

    Parameters
    ----------
    start
        (G + 1,) bounds of the groups; an empty one is left out.
    """
    groups = (probability[first:end] for first, end in pairwise(start.tolist()) if first < end)
    shares = [distinct_share(np.sort(group)[-_LIKELIEST:]) for group in groups]
    return float(np.mean(shares)) if shares else 1.0


def losses(probability: NDArray[np.float64], outcome: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log-loss (N,) of each probability."""
    chance = np.clip(probability, 1e-15, 1.0 - 1e-15)
    return -np.where(outcome, np.log(chance), np.log1p(-chance))
