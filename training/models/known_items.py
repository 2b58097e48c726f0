"""What is known of items beside who met them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.interactions import Events, interaction_matrix

RECENT_HALF_LIFE_DAYS = 7.0
"""At which interest counts half in what is wanted now: 7 did better than 4 and 14 on towns."""


@dataclass(frozen=True)
class KnownItems:
    """What some models heed of I items; None: nothing is known of any."""

    lonlat: NDArray[np.float64] | None = None
    """(I, 2) degrees, NaN where the place of an item is not known."""
    category: NDArray[np.int32] | None = None
    """(I,) number of each item's category."""
    recent: NDArray[np.float64] | None = None
    """(I,) interest in each, in bookings, that fades by half in `RECENT_HALF_LIFE_DAYS`; NaN where
    something was done at no known time."""
    lately: "csr_array[np.float32] | None" = None
    """(U, I) interest shown in a window before the fit, in bookings; None: none was asked for."""

    @classmethod
    def of(cls, events: Events, as_of: np.datetime64 | None) -> Self:
        """Return what `events`, all of them before `as_of`, tell of their items."""
        recent = None if as_of is None else _recent(events, as_of)
        return cls(events.lonlat, events.category, recent)


UNKNOWN = KnownItems()


def _recent(events: Events, as_of: np.datetime64) -> NDArray[np.float64]:
    interest = interaction_matrix(events, as_of=as_of, half_life_days=RECENT_HALF_LIFE_DAYS)
    recent = np.bincount(interest.indices, interest.data, interest.shape[1]).astype(np.float64)
    recent[events.item[np.isnat(events.at)]] = np.nan
    return recent
