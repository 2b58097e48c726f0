"""Where items are, as points between which a straight line is nearly the distance."""

import numpy as np
from numpy.typing import NDArray

_EARTH_M = 6_371_009.0


def on_ball(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (I, 3) metres on a ball of the Earth's mean radius of `lonlat` (I, 2) degrees.

    NaN where a place is not known.
    """
    lon, lat = np.radians(lonlat.T)
    axes = (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
    return _EARTH_M * np.stack(axes, axis=1)
