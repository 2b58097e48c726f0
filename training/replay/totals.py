"""Figures of all slates together, with the intervals that drawing other people would leave them.

The figure is that of as many people as there are: fewer show less, and less evenly. A bootstrap of
people draws some of them twice and so shows less, as if there were fewer; nothing is drawn twice
here. Intervals are normal, about the figure itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from training.beyond import gini, ginis
from training.intervals import NORMAL_975
from training.paired import Compared
from training.replay.exposure import Exposed

LEAST_PEOPLE = 200
"""Below, nothing is said of how far a figure of all slates may be off."""
_SMOOTHING = 10
"""Things shown to more people than that count as certain to be shown."""
_LEAST_NOISES = 2.0
"""Of itself that a variance must be above: so many standard errors."""
_SPLITS = 15
_PARTS = 8
_LABELS = np.arange(_PARTS)
_WAYS = _LABELS[1:, np.newaxis]
_HALF = np.bitwise_count(_LABELS & _WAYS).astype(np.int64) % 2
_HALVES = np.stack([_HALF, 1 - _HALF], axis=1)
"""Which eighths are of each half, (7, 2, 8): the ways to halve that differ as much as they can."""
_PAIRS = np.array([[(a, a ^ way) for a in _LABELS if a < a ^ way] for way in _WAYS.ravel()])
"""Two eighths a quarter, (7, 4, 2): the same of quarters."""

Floats = NDArray[np.float64]
Sums = NDArray[np.number]
Slates = Sequence[Sequence[Exposed]]
"""By system, by week; the weeks of all systems are the same."""


@dataclass(frozen=True)
class Totals:
    """One figure of S systems."""

    value: Floats
    """(S,) the mean over the weeks."""
    error: Floats
    """(S,) standard error; NaN: not known."""
    gap_error: Floats
    """(S,) of the difference to the first system."""

    @classmethod
    def of(cls, value: Floats, error_of: Callable[[Floats], float]) -> Self:
        """Return values (S,) with the errors that are told of weighted sums of the systems."""
        own = np.eye(len(value))
        gaps = [0.0, *(error_of(each - own[0]) for each in own[1:])]
        return cls(value, np.array([error_of(each) for each in own]), np.array(gaps))

    @classmethod
    def alone(cls, value: Floats) -> Self:
        """Return values (S,) of whose errors nothing is known."""
        return cls(value, np.full(len(value), np.nan), np.full(len(value), np.nan))

    def compared(self, p: Sequence[float | None]) -> list[Compared]:
        """Return the figure of each system with its interval, beside the first.

        Parameters
        ----------
        p
            (S,) of the differences to the first system (`training.replay.exchange`).
        """
        return [self._one(at, of_system) for at, of_system in enumerate(p)]

    def _one(self, at: int, p: float | None) -> Compared:
        value, base = float(self.value[at]), float(self.value[0])
        gap, half_gap = value - base, NORMAL_975 * float(self.gap_error[at])
        low, high = self._ends(value, NORMAL_975 * float(self.error[at]))
        is_known = not np.isnan(half_gap) and (half_gap > 0.0 or not at)
        below, above = (gap - half_gap, gap + half_gap) if is_known else (None, None)
        return Compared.beside((value, low, high), (gap, below, above), base, p)

    @staticmethod
    def _ends(value: float, half: float) -> tuple[float, float] | tuple[None, None]:
        # A point, or NaN, would say that nothing can be off.
        return (max(0.0, value - half), min(1.0, value + half)) if half > 0.0 else (None, None)


def coverage_totals(slates: Slates, people: int, seed: int) -> Totals:
    """Return the share of what could be shown that is shown to anyone.

    Its variance is that of which things stay unshown. For two things that the same k people alone
    are shown, (−1)^(k + 1) is an unbiased estimate of their covariance where draws are many and
    each rare (a consequence of Good and Toulmin 1956; the sum over k is smoothed as in Efron and
    Thisted 1976), and of others it is 0. Where next to nothing is left unshown, that estimate is
    more noise than not, and no error is told.
    """
    value = np.array(
        [[covered(_exposure(week), week.count) for week in weeks] for weeks in slates]
    ).mean(axis=1)
    if people < LEAST_PEOPLE:
        return Totals.alone(value)
    worth, size = _worth_by_people(slates, people, seed)
    sign = np.where(size % 2 == 1, 1.0, -1.0) * binom.sf(size - 1, _SMOOTHING, 0.5)

    def error_of(some: Floats) -> float:
        variance = sign @ some**2 - some[size == 1].sum() ** 2 / people
        # Nobody is drawn twice: of people alone, only how unlike they are is noise.
        noise = np.sqrt(sign**2 @ some**4 - (some[size == 1] ** 2).sum() ** 2 / people)
        return float(np.sqrt(variance)) if variance > _LEAST_NOISES * noise else float("nan")

    return Totals.of(value, lambda contrast: error_of(contrast @ worth))


def gini_totals(slates: Slates, people: int, seed: int) -> Totals:
    """Return the Gini coefficient of exposures.

    Its variance is that of subsamples without replacement: halves of the people are independent
    samples of half the size, and so on; how it changes from eighths to quarters and from there to
    halves leads on to all (subsampling with an estimated rate: Politis, Romano and Wolf 1999,
    chapter 8; here the rate may change, evenly).
    """
    value = np.array([[gini(_exposure(week), week.count) for week in weeks] for weeks in slates])
    if people < LEAST_PEOPLE:
        return Totals.alone(value.mean(axis=1))
    generator = np.random.default_rng(seed)
    slates = [[_renumbered(week) for week in weeks] for weeks in slates]
    parts = [_in_parts(slates, generator.permutation(people) % _PARTS) for _ in range(_SPLITS)]
    eighths, quarters, halves = (np.array(column) for column in zip(*parts, strict=True))

    def error_of(contrast: Floats) -> float:
        of_eighths, of_quarters, of_halves = (
            float((part @ contrast).var(axis=-1, ddof=1).mean())
            for part in (eighths, quarters, halves)
        )
        if not of_quarters:
            return float("nan")
        return float(np.sqrt((of_halves / of_quarters) ** 3 * of_eighths))

    return Totals.of(value.mean(axis=1), error_of)


def covered(exposure: NDArray[np.number], count: int) -> float:
    """Return the share of `count` things that have any exposure."""
    return np.count_nonzero(exposure > 0.0) / max(1, count)


def _renumbered(week: Exposed) -> Exposed:
    """Return the same, with the things that are shown numbered from 0 on."""
    return replace(week, thing=np.unique(week.thing, return_inverse=True)[1])


def _exposure(week: Exposed) -> NDArray[np.number]:
    return np.bincount(week.thing, week.weight).astype(week.weight.dtype)


def _worth_by_people(slates: Slates, people: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return what things are worth that exactly the same people are shown, and of how many people.

    Returns
    -------
    (S, G) by system and group of people, (G,); groups of more than `_SMOOTHING` are left out.
    """
    mark = np.random.default_rng(seed).integers(0, 2**64, people, dtype=np.uint64)
    key, size, system, worth = [], [], [], []
    for at, weeks in enumerate(slates):
        for week in weeks:
            thing, place, shown = np.unique(week.thing, return_inverse=True, return_counts=True)
            of_group = np.zeros(len(thing), dtype=np.uint64)
            np.add.at(of_group, place, mark[week.person])
            few = shown <= _SMOOTHING
            key.append(of_group[few])
            size.append(shown[few])
            system.append(np.full(np.count_nonzero(few), at))
            worth.append(np.full(np.count_nonzero(few), 1.0 / (week.count * len(weeks))))
    _, first, group = np.unique(np.concatenate(key), return_index=True, return_inverse=True)
    table = np.zeros((len(slates), len(first)))
    np.add.at(table, (np.concatenate(system), group), np.concatenate(worth))
    return table, np.concatenate(size)[first]


def _in_parts(slates: Slates, part: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Return Gini coefficients of the people of eighths, (8, S), quarters (7, 4, S), halves.

    Parameters
    ----------
    part
        (U,) the eighth of each person.
    """
    systems = [[_sums(week, part) for week in weeks] for weeks in slates]

    def of_each(cut: Callable[[Sums], Sums]) -> Floats:
        """Return those of what the sums are cut into, the mean over the weeks; systems last."""
        found = [[ginis(cut(sums), count) for sums, count in weeks] for weeks in systems]
        return np.asarray(np.array(found).mean(axis=1).T)

    ways = len(_WAYS), -1, len(slates)
    return (
        of_each(lambda sums: sums),
        of_each(lambda sums: sums[_PAIRS.reshape(-1, 2)].sum(axis=1)).reshape(ways),
        of_each(lambda sums: _HALVES.reshape(-1, _PARTS) @ sums).reshape(ways),
    )


def _sums(week: Exposed, part: NDArray[np.int64]) -> tuple[Sums, int]:
    """Return the exposure of things to each part (P, T), and how many things there were."""
    things = int(week.thing.max(initial=0)) + 1
    cell = part[week.person] * things + week.thing
    sums = np.bincount(cell, week.weight, _PARTS * things).reshape(_PARTS, things)
    return sums.astype(week.weight.dtype), week.count
