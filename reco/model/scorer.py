"""What every kind of model can be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from reco.model.artifact import Layout
from reco.model.history import History

Parameters = Mapping[str, float | int | str | None]


@dataclass(frozen=True)
class Bounds:
    """Between which values scores lie; arrays of shape (n,)."""

    score: NDArray[np.float32]
    """NaN where the model cannot say."""
    slack: NDArray[np.float32]
    """The score itself is not farther away."""

    def take(self, rows: slice) -> "Bounds":
        """Return those of some rows, not copied."""
        return Bounds(self.score[rows], self.slack[rows])


class Scorer(Protocol):
    """Scores items for a history; NaN where it cannot say. `rows` may hold -1 (unknown item)."""

    kind: ClassVar[str]
    layout: ClassVar[Layout]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], parameters: Parameters) -> Self:
        """Return the scorer whose `arrays()` these are."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs, beside the parameters of the fit."""
        ...

    def scores(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the score of each item of `rows`, on the model's own scale; higher is likelier."""
        ...

    def bounds(self, history: History, rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return about what `scores` would, in less time where that can be; `room` may be used."""
        ...

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return how similar each item of `rows` is to the item `row`."""
        ...


def unknown(rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return NaN for each of `rows`."""
    return np.full(len(rows), np.nan)


def nothing_known(room: Bounds) -> Bounds:
    """Return bounds that say nothing; they lie in `room`."""
    room.score[:], room.slack[:] = np.nan, 0.0
    return room


def bounds_of(scores: NDArray[np.float64], room: Bounds) -> Bounds:
    """Return scores as bounds that are as near as single precision goes; they lie in `room`."""
    room.score[:] = scores
    np.abs(room.score, out=room.slack)
    np.multiply(room.slack, np.float32(2.0**-22), out=room.slack)
    return room


def cosines(factors: NDArray[np.float32], row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the cosine of `factors[row]` and those of each of `rows`; NaN where either is zero."""
    similarity = unknown(rows)
    if row < 0 or not factors[row].any():
        return similarity
    known = np.flatnonzero(rows >= 0)
    others = factors[rows[known]].astype(np.float64)
    target = factors[row].astype(np.float64)
    length = np.linalg.norm(others, axis=1) * np.linalg.norm(target)
    met = length > 0
    similarity[known[met]] = (others[met] @ target) / length[met]
    return similarity
