"""How much of what is shown goes to each venue: position-discounted (METRICS, 3)."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from training.beyond import venue_exposures


def venue_exposure(rows: pa.Table, venues: int = 0) -> NDArray[np.float64]:
    """Return what each venue is shown in the slates of `rows` (`venue_exposures`).

    Parameters
    ----------
    venues
        Length of what is returned at least.
    """
    venue = pc.list_flatten(rows["venues"]).to_numpy()
    length = pc.list_value_length(rows["venues"]).to_numpy()
    place = np.arange(len(venue)) - np.repeat(np.cumsum(length) - length, length)
    return venue_exposures(venue, place, venues)


def with_unshown(exposure: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the exposures of those shown, and zeros for those of `count` that were not."""
    shown = exposure[exposure > 0]
    return np.append(shown, np.zeros(max(0, count - len(shown))))
