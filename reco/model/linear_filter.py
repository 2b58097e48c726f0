"""A linear filter over items: sparse neighbours beside a part of low rank."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reco.kernel.filtering import cleared, filtered, spread, widened
from reco.model.artifact import Layout
from reco.model.coarse import CoarseFactors
from reco.model.history import History
from reco.model.lending import Rooms
from reco.model.scorer import Bounds, Parameters, nothing_known, unknown


@dataclass(frozen=True)
class LinearFilter:
    """The score is `h @ (S + A B') + b`, of the history h scaled by its length.

    S is sparse, A and B are of few columns: graph filters (Shen et al. 2021) and whatever else is
    linear in the history. NaN where nobody met an item, and where nobody met any of the history.
    """

    kind: ClassVar[str] = "filter"
    layout: ClassVar[Layout] = {
        "neighbour_start": ("int64", ("bounds of items",)),
        "neighbour_item": ("int32", ("neighbours",)),
        "neighbour_similarity": ("float32", ("neighbours",)),
        "input_factors": ("float32", ("items", "components")),
        "output_factors": ("float32", ("items", "components")),
        "item_bias": ("float32", ("items",)),
        "is_met": ("bool", ("items",)),
    }

    neighbour_start: NDArray[np.int64]
    """(I + 1,) the neighbours of item i are `neighbour_start[i]:neighbour_start[i + 1]`."""
    neighbour_item: NDArray[np.int32]
    """(nnz,)"""
    neighbour_similarity: NDArray[np.float32]
    """(nnz,)"""
    input_factors: NDArray[np.float32]
    """(I, F) what an item of the history adds to the user's factor."""
    output_factors: NDArray[np.float32]
    """(I, F)"""
    item_bias: NDArray[np.float32]
    """(I,) said to everybody."""
    is_met: NDArray[np.bool_]
    """(I,) whether anybody met the item."""
    history_power: float
    """A history of weights w counts as `w / sum(w) ** history_power`."""
    _sums: Rooms = field(default_factory=Rooms, init=False, repr=False, compare=False)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], parameters: Parameters) -> Self:
        """Return the scorer whose `arrays()` these are."""
        chosen = {name: arrays[name] for name in cls.layout}
        return cls(**chosen, history_power=float(parameters["history_power"] or 0.0))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs, beside the power of the history."""
        return {name: getattr(self, name) for name in self.layout}

    def user_factor(self, history: History) -> NDArray[np.float64]:
        """Return the (F,) sum of what the history's items add."""
        inputs = self.input_factors[history.rows].astype(np.float64)
        return np.asarray(self._scaled(history) @ inputs, dtype=np.float64)

    def scores(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the score of each item of `rows`."""
        if not self.is_met[history.rows].any():
            return unknown(rows)
        scores = np.empty(len(rows))
        with self._summed(history) as total:
            filtered(
                total, self.item_bias, self.output_factors, self.user_factor(history),
                self.is_met, rows, scores,
            )  # fmt: skip
        return scores

    def bounds(self, history: History, rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return sums with the factors in eight bits."""
        if not self.is_met[history.rows].any():
            return nothing_known(room)
        self.coarse.bounds(self.user_factor(history), rows, room)
        with self._summed(history) as total:
            widened(total, self.item_bias, self.is_met, rows, room.score, room.slack)
        return room

    @cached_property
    def coarse(self) -> CoarseFactors:
        """The output factors in eight bits."""
        return CoarseFactors.of(self.output_factors)

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return what the item `row` alone says of each item of `rows`."""
        if row < 0 or not self.is_met[row]:
            return unknown(rows)
        alone = History(np.array([row], dtype=np.int32), np.ones(1, dtype=np.float32))
        return self.scores(alone, rows) - self.item_bias[rows]

    def _scaled(self, history: History) -> NDArray[np.float64]:
        weights = history.weights.astype(np.float64)
        return np.asarray(weights / weights.sum() ** self.history_power, dtype=np.float64)

    @contextmanager
    def _summed(self, history: History) -> Iterator[NDArray[np.float64]]:
        """Lend (I,) what the neighbours of the history's items add up to."""
        with self._sums.lent(len(self.item_bias)) as total:
            spread(
                self.neighbour_start, self.neighbour_item, self.neighbour_similarity,
                history.rows, self._scaled(history), total,
            )  # fmt: skip
            yield total
            cleared(self.neighbour_start, self.neighbour_item, history.rows, total)
