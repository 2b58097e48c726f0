"""Whether chance would make two systems' slates as unlike as they are, all of them together.

The paired permutation test of figures that are no means over people: what the two systems show one
person, in all weeks, is exchanged for about half of the people, and the figures are worked out
anew. As many people stand behind each figure as before, so that nothing biases it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from training.paired import exchanges, holm, p_of
from training.replay.exposure import Exposed

PERMUTATIONS = 1_000
_ROUNDING = 1e-12

Floats = NDArray[np.float64]
Figure = Callable[[NDArray[np.number], int], float]
"""Exposures of the things that are shown to anybody (T,), how many things there are -> figure."""


@dataclass(frozen=True)
class _Pair:
    """What two systems showed people in one week: T things that either shows."""

    middle: Floats
    """(T,) mean of the exposures under both."""
    half: "csr_array[np.float64]"
    """(T, U) half of how much more of each thing the second shows each person."""
    count: int
    dtype: np.dtype[np.number]
    """Of exposures."""

    @classmethod
    def of(cls, first: Exposed, second: Exposed, people: int) -> "_Pair":
        things, place = np.unique(np.append(first.thing, second.thing), return_inverse=True)
        person = np.append(first.person, second.person)
        weight = np.append(first.weight, second.weight) / 2.0
        signed = np.append(-first.weight, second.weight) / 2.0
        half = coo_array((signed, (place, person)), shape=(len(things), people)).tocsr()
        # What both show alike is in no difference.
        half.sum_duplicates()
        half.eliminate_zeros()
        middle = np.bincount(place, weight, len(things)).astype(np.float64)
        return cls(middle, csr_array(half), first.count, first.weight.dtype)

    def difference(self, signs: Floats, figures: Sequence[Figure]) -> list[float]:
        """Return the figures of the second less those of the first, where signs (U,) are -1."""
        half = self.half @ signs
        less, more = (self._exposure(self.middle + each) for each in (-half, half))
        return [figure(more, self.count) - figure(less, self.count) for figure in figures]

    def _exposure(self, exposure: Floats) -> NDArray[np.number]:
        # Halves of whole numbers are added without an error, as long as they are not very large.
        return exposure.astype(self.dtype)


def exchange_p(
    slates: Sequence[Sequence[Exposed]], people: int, figures: Mapping[str, Figure], seed: int
) -> dict[str, list[float | None]]:
    """Return the two-sided p of each figure of each system beside the first, after Holm.

    Parameters
    ----------
    slates
        By system, by week; a figure is the mean of those of the weeks.
    people
        Who are shown anything.

    Returns
    -------
    By figure, by system; None of the first.
    """
    first, *others = slates
    p = [_uncorrected(first, other, people, list(figures.values()), seed) for other in others]
    return {
        name: [None, *holm([of_system[at] for of_system in p])] for at, name in enumerate(figures)
    }


def _uncorrected(
    first: Sequence[Exposed],
    second: Sequence[Exposed],
    people: int,
    figures: Sequence[Figure],
    seed: int,
) -> list[float]:
    weeks = [_Pair.of(*both, people) for both in zip(first, second, strict=True)]

    def apart(signs: Floats) -> Floats:
        """Return the sizes of the differences (F,) where some people are exchanged."""
        told = [week.difference(signs, figures) for week in weeks]
        return np.asarray(np.abs(np.mean(told, axis=0)), dtype=np.float64)

    observed = apart(np.ones(people)) - _ROUNDING
    reached = np.zeros(len(figures))
    for some in exchanges(people, seed, PERMUTATIONS):
        for signs in some:
            reached += apart(signs) >= observed
    return [float(one) for one in p_of(reached, PERMUTATIONS)]
