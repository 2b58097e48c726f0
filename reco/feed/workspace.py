"""What requests share from one generation to the next: places remembered, and room to count in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.geo.reach import PlaceMemory
from reco.idle import Idle
from reco.kernel.gathering import BEST
from reco.kernel.nearness import NEAR


@dataclass(frozen=True)
class Scratch:
    """Room for one request at a time; arrays of shape (I,) at least, where one may be too many."""

    best: NDArray[Any]
    """Of dtype `BEST`: nothing found, before a request and after it."""
    item: NDArray[np.int32]
    offer: NDArray[np.int32]
    cost: NDArray[np.float64]
    bookings: NDArray[np.int32]
    near: NDArray[Any]
    """Of dtype `NEAR`, by item, as are the following."""
    is_out: NDArray[np.bool_]
    is_chosen: NDArray[np.bool_]
    """False, before a request and after it."""
    slot: NDArray[np.int32]
    likely: NDArray[np.int32]
    """Rows of items, as the following."""
    chosen: NDArray[np.int32]
    most: NDArray[np.float32]
    slack: NDArray[np.float32]
    _grown: dict[str, NDArray[np.int32]] = field(default_factory=dict)

    def values(self, catalogue: Catalogue) -> NDArray[np.int32]:
        """Return zeros, for every number of the catalogue's attribute values at least."""
        return self._room("values", int(catalogue.numbering.first[-1]))

    def histogram(self, bins: int) -> NDArray[np.int32]:
        """Return room for so many bins."""
        return self._room("histogram", bins)[:bins]

    def _room(self, name: str, least: int) -> NDArray[np.int32]:
        if name not in self._grown or len(self._grown[name]) < least:
            self._grown[name] = np.zeros(least + least // 16, dtype=np.int32)
        return self._grown[name]

    @classmethod
    def for_items(cls, items: int) -> "Scratch":
        """Return room for so many items."""
        best = np.zeros(items, dtype=BEST)
        best["cost"] = np.inf
        return cls(
            best=best,
            item=np.empty(items + 1, dtype=np.int32),
            offer=np.empty(items + 1, dtype=np.int32),
            cost=np.empty(items + 1),
            bookings=np.empty(items + 1, dtype=np.int32),
            near=np.empty(items, dtype=NEAR),
            is_out=np.empty(items, dtype=bool),
            is_chosen=np.zeros(items, dtype=bool),
            slot=np.empty(items, dtype=np.int32),
            likely=np.empty(items + 1, dtype=np.int32),
            chosen=np.empty(items + 1, dtype=np.int32),
            most=np.empty(items, dtype=np.float32),
            slack=np.empty(items, dtype=np.float32),
        )


class Scratches:
    """Lends scratches, one a request; nothing that grows with the catalogue is made in between."""

    def __init__(self) -> None:
        self._idle = Idle[Scratch]()

    @contextmanager
    def lent(self, items: int) -> Iterator[Scratch]:
        """Lend a scratch for at least so many items; one that is left dirty does not come back."""
        scratch = self._idle.take()
        if scratch is None or len(scratch.best) < items:
            # New items come by and by: not each of them needs another scratch.
            scratch = Scratch.for_items(items + items // 16)
        yield scratch
        self._idle.put(scratch)


@dataclass(frozen=True)
class Workspace:
    """What requests share."""

    places: PlaceMemory = field(default_factory=PlaceMemory)
    scratches: Scratches = field(default_factory=Scratches)
