"""Figures of several systems on the same users: intervals, paired tests, corrected."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from training.intervals import Estimate, mean_intervals

PERMUTATIONS = 2_000
_CHUNK = 100

Figures = Mapping[str, NDArray[np.float64]]
"""Metric to the figure of each user; NaN where it is not defined."""


@dataclass(frozen=True)
class Compared:
    """One figure of one system, beside that of the first system."""

    value: float | None
    """None: it is defined for nobody."""
    low: float | None
    """Bounds of the 95 % interval; None where too little is known."""
    high: float | None
    change: float | None
    """Over the size of the first system's figure, so that more is above 0 whatever its sign."""
    change_low: float | None
    """Bounds of the 95 % interval of the paired difference, over the first system's figure."""
    change_high: float | None
    p: float | None
    """Of a paired permutation test, after Holm over the systems tested; None for the others."""
    difference: float | None = None
    """Of the two figures, paired: known where no share of the first one's is, which is 0."""
    difference_low: float | None = None
    difference_high: float | None = None

    @classmethod
    def beside(
        cls,
        own: tuple[float, float | None, float | None],
        apart: tuple[float, float | None, float | None],
        base: float,
        p: float | None,
    ) -> Self:
        """Return a figure with its paired difference to the first system's.

        Parameters
        ----------
        own, apart
            The figure and the difference, each with its bounds.
        base
            The first system's figure; of 0 nothing is a share.
        """
        change, low, high = (None if end is None or not base else end / abs(base) for end in apart)
        return cls(*own, change, low, high, p, *apart)

    @property
    def interval(self) -> tuple[float, float, float] | None:
        """The value and its bounds; None where one is missing."""
        return _all_known(self.value, self.low, self.high)

    @property
    def change_interval(self) -> tuple[float, float, float] | None:
        """The change and its bounds; None where one is missing."""
        return _all_known(self.change, self.change_low, self.change_high)

    @property
    def difference_interval(self) -> tuple[float, float, float] | None:
        """The difference and its bounds; None where one is missing."""
        return _all_known(self.difference, self.difference_low, self.difference_high)


def _all_known(
    value: float | None, low: float | None, high: float | None
) -> tuple[float, float, float] | None:
    return None if value is None or low is None or high is None else (value, low, high)


def compare(
    figures: Sequence[Figures], is_chosen: Sequence[bool], seed: int
) -> list[dict[str, Compared]]:
    """Return every figure with its interval, beside the first of them.

    A figure is over the users for whom it is defined in all settings.
    """
    names = list(figures[0])
    table = np.array([[figure[name] for name in names] for figure in figures])
    table[:, np.isnan(table).any(axis=0)] = np.nan
    is_told = ~np.isnan(table).all(axis=(0, 2))
    found = iter(_compared(table[:, is_told], is_chosen, seed))
    nothing = [Compared(None, None, None, None, None, None, None)] * len(figures)
    of_metrics = [next(found) if there else nothing for there in is_told.tolist()]
    return [dict(zip(names, row, strict=True)) for row in zip(*of_metrics, strict=True)]


def _compared(
    table: NDArray[np.float64], is_chosen: Sequence[bool], seed: int
) -> list[list[Compared]]:
    """Return, metric by metric, every setting beside the first; (settings, metrics, users)."""
    settings, metrics, users = table.shape
    if not metrics:
        return []
    difference = table - table[:1]
    estimates = mean_intervals(np.concatenate([table, difference]).reshape(-1, users).T, seed)
    own, apart = (
        [part[at * metrics : (at + 1) * metrics] for at in range(settings)]
        for part in (estimates[: settings * metrics], estimates[settings * metrics :])
    )
    tested = np.flatnonzero(is_chosen)[1:]
    drawn = np.nan_to_num(difference[tested].reshape(-1, users).T)
    p = np.array(paired_p(drawn, seed)).reshape(len(tested), metrics)
    found = []
    for metric in range(metrics):
        corrected = dict(zip(tested.tolist(), holm(p[:, metric].tolist()), strict=True))
        base = own[0][metric].value
        found.append(
            [
                Compared.beside(
                    _ends(own[at][metric]), _ends(apart[at][metric]), base, corrected.get(at)
                )
                for at in range(settings)
            ]
        )
    return found


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def paired_p(difference: NDArray[np.float64], seed: int) -> list[float]:
    """Return the two-sided p of each column of paired differences (users, settings).

    By permutation within pairs: signs drawn at random (Fisher 1935), the same for all columns.
    """
    # Sums of the same figures in another order differ by as much as they are large.
    observed = np.abs(difference.sum(axis=0)) - 1e-9 * np.abs(difference).sum(axis=0)
    reached = np.zeros(difference.shape[1])
    for signs in exchanges(len(difference), seed):
        reached += (np.abs(signs @ difference) >= observed).sum(axis=0)
    return [float(p) for p in p_of(reached)]


def exchanges(
    users: int, seed: int, permutations: int = PERMUTATIONS
) -> Iterator[NDArray[np.float64]]:
    """Yield which users' figures of two systems are exchanged, (permutations, users) in chunks.

    Signs of their differences: -1, exchanged, or 1, each as likely.
    """
    generator = np.random.default_rng(seed)
    for start in range(0, permutations, _CHUNK):
        size = min(_CHUNK, permutations - start)
        drawn = generator.integers(0, 2, (size, users), dtype=np.int8)
        yield 2.0 * drawn.astype(np.float64) - 1.0


def p_of(reached: NDArray[np.float64], permutations: int = PERMUTATIONS) -> NDArray[np.float64]:
    """Return the p of how many permutations reached what was observed, which counts as one."""
    return (reached + 1.0) / (permutations + 1.0)


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, least = [0.0] * len(p), 0.0
    for rank, at in enumerate(np.argsort(p, kind="stable").tolist()):
        least = max(least, min(1.0, (len(p) - rank) * p[at]))
        corrected[at] = least
    return corrected
