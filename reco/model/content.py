"""Items without a history: each is scored as an item that people met and that is most like it.

The content of an item is mapped into the space of the model's item vectors; the item whose vector
lies nearest to that stands in for it. So any kind of model that has such vectors can score it, with
the very code, bounds and explanations of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from features.content import ItemContent, content_matrix, weighted
from reco.model.artifact import Layout

CONTENT_LAYOUT: Layout = {
    "content_rarity": ("float32", ("buckets",)),
    "content_map": ("float32", ("buckets", "latent")),
    "content_pool": ("int32", ("pool",)),
    "content_latent": ("float32", ("pool", "latent")),
    "content_stand_in": ("int32", ("items",)),
}
_AT_ONCE = 64


@dataclass(frozen=True)
class Content:
    """From content to an item of the model; F is the length of the model's item vectors."""

    rarity: NDArray[np.float32]
    """(BUCKETS,) inverse document frequencies."""
    map: NDArray[np.float32]
    """(BUCKETS, F) from content to the model's space."""
    pool: NDArray[np.int32]
    """(P,) rows of the items that may stand in for others."""
    latent: NDArray[np.float32]
    """(P, F) their vectors."""
    stand_in: NDArray[np.int32]
    """(I,) for each item of the model itself, or who stands in where nobody met it; -1 nobody."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the content whose `arrays()` these are."""
        return cls(*(arrays[name] for name in CONTENT_LAYOUT))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs."""
        values = (self.rarity, self.map, self.pool, self.latent, self.stand_in)
        return dict(zip(CONTENT_LAYOUT, values, strict=True))

    def stand_ins(self, contents: Sequence[ItemContent | None]) -> NDArray[np.int32]:
        """Return for each content the model's item that stands in; -1 where nothing is known."""
        rows = np.full(len(contents), -1, dtype=np.int32)
        known = [(place, content) for place, content in enumerate(contents) if content is not None]
        for first in range(0, len(known) if len(self.pool) else 0, _AT_ONCE):
            piece = known[first : first + _AT_ONCE]
            place = self._nearest([content for _, content in piece])
            rows[[at for at, _ in piece]] = self.pool[place]
        return rows

    def _nearest(self, contents: Sequence[ItemContent]) -> NDArray[np.int64]:
        predicted = weighted(content_matrix(contents), self.rarity) @ self.map.astype(np.float64)
        latent = self.latent.astype(np.float64)
        away = np.einsum("pf,pf->p", latent, latent) - 2.0 * (predicted @ latent.T)
        return np.asarray(np.argmin(away, axis=1))
