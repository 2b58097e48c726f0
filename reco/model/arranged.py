"""A model's items in the order of a catalogue, so that all of them are scored in one sweep."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reco.model.coarse import CoarseFactors
from reco.model.history import History
from reco.model.scorer import Bounds, Scorer, bounds_of, unknown


class Arranged(Protocol):
    """Some items of a model, in the order of somebody else."""

    def bounds(self, history: History, room: Bounds) -> Bounds:
        """Return `Scorer.bounds` of all of them; `room` may be used."""
        ...


@runtime_checkable
class Latent(Protocol):
    """A scorer whose scores are products of a user's factor and each item's."""

    @property
    def coarse(self) -> CoarseFactors:
        """The item factors in eight bits."""
        ...

    def user_factor(self, history: History) -> NDArray[np.float64]:
        """Return the (F,) factor of the user with this history."""
        ...


def arranged(scorer: Scorer, rows: NDArray[np.int32]) -> Arranged:
    """Return the items of `rows` (−1: unknown), to be scored again and again."""
    if isinstance(scorer, Latent):
        return _InOrder(scorer, scorer.coarse.take(rows))
    return _ByRow(scorer, rows)


@dataclass(frozen=True)
class _InOrder:
    scorer: Latent
    coarse: CoarseFactors

    def bounds(self, history: History, room: Bounds) -> Bounds:
        if not len(history):
            return bounds_of(unknown(self._rows), room)
        return self.coarse.bounds(self.scorer.user_factor(history), self._rows, room)

    @cached_property
    def _rows(self) -> NDArray[np.int32]:
        return np.arange(len(self.coarse.step), dtype=np.int32)


@dataclass(frozen=True)
class _ByRow:
    scorer: Scorer
    rows: NDArray[np.int32]

    def bounds(self, history: History, room: Bounds) -> Bounds:
        return self.scorer.bounds(history, self.rows, room)
