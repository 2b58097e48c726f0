"""How much of what is shown goes to each venue: position-discounted (METRICS, 3)."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def venue_exposure(rows: pa.Table, venues: int = 0) -> NDArray[np.float64]:
    """Return what each venue is shown in the slates of `rows`: 1 / log2(j + 1) at place j.

    Parameters
    ----------
    venues
        Length of what is returned at least.
    """
    venue = pc.list_flatten(rows["venues"]).to_numpy()
    length = pc.list_value_length(rows["venues"]).to_numpy()
    place = np.arange(len(venue)) - np.repeat(np.cumsum(length) - length, length)
    is_known = venue >= 0
    weight = 1.0 / np.log2(place[is_known] + 2.0)
    return np.bincount(venue[is_known], weight, minlength=venues).astype(np.float64)


def with_unshown(exposure: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the exposures of those shown, and zeros for those of `count` that were not."""
    shown = exposure[exposure > 0]
    return np.append(shown, np.zeros(max(0, count - len(shown))))
