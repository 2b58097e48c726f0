"""Calibration errors of several systems beside the first, told of the same people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.intervals import Estimate
from training.paired import Compared, exchanges, holm, p_of
from training.replay.forecasts import Forecasts
from training.replay.miscalibration import (
    ERRORS,
    REACH,
    Floats,
    Gaps,
    chance_of,
    error_without_chance,
    gaps_of,
    middle_without_chance,
    sizes,
    sought,
    variance_of,
)

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Errors:
    """The calibration errors of one system, by name."""

    compared: Mapping[str, Compared]
    """As they were found (METRICS). Intervals, of them and of the difference to the first system,
    are of what is left without chance; changes are, too, over what was found of the first one."""
    without_chance: Mapping[str, Estimate]
    """What is left, median-unbiased; empty where too little is behind it."""


@dataclass(frozen=True)
class _Told:
    """One error of one system."""

    value: float | None
    gaps: Gaps | None
    without_chance: Estimate | None


def errors_of(forecasts: Sequence[Forecasts], seed: int = 0) -> list[Errors]:
    """Return the errors of each system, beside those of the first."""
    gaps = [(gaps_of(one) if one.can_tell else None) or {} for one in forecasts]
    columns, left = {}, {}
    for name in ERRORS:
        told = [
            _told(vars(one.reliability)[name] if one.can_tell else None, own.get(name), seed)
            for one, own in zip(forecasts, gaps, strict=True)
        ]
        columns[name] = _compared(told, seed)
        left[name] = [one.without_chance for one in told]
    return [
        Errors(
            {name: column[at] for name, column in columns.items()},
            {name: found for name, column in left.items() if (found := column[at])},
        )
        for at in range(len(forecasts))
    ]


def errors_apart(first: Gaps, second: Gaps, seed: int) -> Estimate:
    """Return how much larger the second error is, median-unbiased, and its interval.

    As for one error alone; what both have in sum is taken as it is estimated.
    """
    both = np.concatenate([first.added, second.added], axis=1)
    found = second.error - first.error
    variance = variance_of(both)
    if np.array_equal(first.added, second.added) or not variance.any():
        return Estimate(found, found, found)
    of_first, of_second = np.vsplit(chance_of(variance, seed), [len(first.found)])
    total = sum(middle_without_chance(each, seed) for each in (first, second))
    reach = first.error + second.error + REACH * float(first.spread.sum() + second.spread.sum())

    def apart(own: Floats, other: Floats, level: float) -> float:
        own, other = own[:, np.newaxis], other[:, np.newaxis]

        def drawn(apart: float) -> Floats:
            # Where they are farther apart than what they have in sum, the smaller one is nought.
            less = max((total - apart) / 2.0, 0.0, -apart)
            return sizes((less + apart) * own + of_second) - sizes(less * other + of_first)

        return sought(drawn, found, (-reach, reach), level)

    low, high = apart(second.few, first.even, 0.975), apart(second.even, first.few, 0.025)
    middle = apart(second.even, first.even, 0.5)
    return Estimate(middle, min(low, middle), max(middle, high))


def apart_p(first: Gaps, second: Gaps, seed: int) -> float:
    """Return the two-sided p of a difference of errors: slates are exchanged within people."""
    middle = (first.found + second.found)[:, np.newaxis] / 2.0
    apart = (second.added - first.added) / 2.0
    observed = abs(second.error - first.error) - _ROUNDING
    reached = np.zeros(1)
    for signs in exchanges(len(apart), seed):
        half = apart.T @ signs.T
        reached += np.count_nonzero(np.abs(sizes(middle + half) - sizes(middle - half)) >= observed)
    return float(p_of(reached)[0])


def _told(value: float | None, gaps: Gaps | None, seed: int) -> _Told:
    return _Told(value, gaps, error_without_chance(gaps, seed) if gaps else None)


def _compared(told: Sequence[_Told], seed: int) -> list[Compared]:
    """Return one error of each system beside the first."""
    first = told[0]
    pairs = {
        at: (first.gaps, one.gaps) for at, one in enumerate(told) if at and first.gaps and one.gaps
    }
    p = dict(zip(pairs, holm([apart_p(*pair, seed) for pair in pairs.values()]), strict=True))
    return [_beside(one, first, p.get(at), seed) for at, one in enumerate(told)]


def _beside(one: _Told, first: _Told, p: float | None, seed: int) -> Compared:
    found = one.without_chance
    low, high = (found.low, found.high) if found else (None, None)
    if one.value is None or first.value is None:
        return Compared(one.value, low, high, None, None, None, p)
    apart: tuple[float, float | None, float | None] = (one.value - first.value, None, None)
    if one.gaps is not None and first.gaps is not None:
        gap = errors_apart(first.gaps, one.gaps, seed)
        apart = (gap.value, gap.low, gap.high)
    return Compared.beside((one.value, low, high), apart, first.value, p)
