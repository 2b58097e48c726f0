"""What requests share from one generation to the next: places remembered, and room to count in."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.geo.reach import PlaceMemory
from reco.kernel.gathering import BEST


@dataclass(frozen=True)
class Scratch:
    """Room for one request at a time; arrays of shape (I,) at least, where one may be too many."""

    best: NDArray[Any]
    """Of dtype `BEST`: nothing found, before a request and after it."""
    item: NDArray[np.int32]
    offer: NDArray[np.int32]
    cost: NDArray[np.float64]
    bookings: NDArray[np.int32]
    said: NDArray[np.float32]
    log_odds: NDArray[np.float32]
    place: NDArray[np.int64]
    around: NDArray[np.int32]
    """The items around."""
    around_log_odds: NDArray[np.float32]
    near_cost: NDArray[np.float32]
    """By item, as are the following."""
    near_bookings: NDArray[np.int32]
    is_out: NDArray[np.bool_]
    is_chosen: NDArray[np.bool_]
    """False, before a request and after it."""
    slot: NDArray[np.int32]
    slot_item: NDArray[np.int32]
    item_score: NDArray[np.float32]
    item_slack: NDArray[np.float32]
    liked: NDArray[np.float32]
    ones: NDArray[np.bool_]
    """True, always."""
    _values: list[NDArray[np.int32]] = field(default_factory=list)

    def values(self, catalogue: Catalogue) -> NDArray[np.int32]:
        """Return zeros, for every number of the catalogue's attribute values at least."""
        numbers = int(catalogue.numbering.first[-1])
        if not self._values or len(self._values[0]) < numbers:
            self._values[:] = [np.zeros(numbers + numbers // 16, dtype=np.int32)]
        return self._values[0]

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
            said=np.empty(items, dtype=np.float32),
            log_odds=np.empty(items, dtype=np.float32),
            place=np.empty(items, dtype=np.int64),
            around=np.empty(items + 1, dtype=np.int32),
            around_log_odds=np.empty(items, dtype=np.float32),
            near_cost=np.empty(items, dtype=np.float32),
            near_bookings=np.empty(items, dtype=np.int32),
            is_out=np.empty(items, dtype=bool),
            is_chosen=np.zeros(items, dtype=bool),
            slot=np.empty(items, dtype=np.int32),
            slot_item=np.empty(items + 1, dtype=np.int32),
            item_score=np.empty(items, dtype=np.float32),
            item_slack=np.empty(items, dtype=np.float32),
            liked=np.empty(items, dtype=np.float32),
            ones=np.ones(items, dtype=bool),
        )


class Scratches:
    """Lends scratches, one a request; nothing that grows with the catalogue is made in between."""

    def __init__(self) -> None:
        self._idle: deque[Scratch] = deque()

    @contextmanager
    def lent(self, items: int) -> Iterator[Scratch]:
        """Lend a scratch for at least so many items; one that is left dirty does not come back."""
        scratch = self._taken()
        if scratch is None or len(scratch.best) < items:
            # New items come by and by: not each of them needs another scratch.
            scratch = Scratch.for_items(items + items // 16)
        yield scratch
        self._idle.append(scratch)

    def _taken(self) -> Scratch | None:
        # Asking first whether there is one would race with other requests.
        try:
            return self._idle.pop()
        except IndexError:
            return None


@dataclass(frozen=True)
class Workspace:
    """What requests share."""

    places: PlaceMemory = field(default_factory=PlaceMemory)
    scratches: Scratches = field(default_factory=Scratches)
