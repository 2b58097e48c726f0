"""The WGS 84 ellipsoid."""

import numpy as np
from numpy.typing import NDArray

from reco.kernel.geodesic import A_M, E2

Floats = NDArray[np.float64]


def cartesian(lon: Floats, lat: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return earth-centred x, y, z in metres, and the sine of the latitude, of points in degrees.

    >>> x_m, y_m, z_m, sin_lat = cartesian(np.array([90.0]), np.array([0.0]))
    >>> round(float(y_m[0])), float(z_m[0])
    (6378137, 0.0)
    """
    sin_lat, cos_lat = np.sin(np.radians(lat)), np.cos(np.radians(lat))
    normal_m = A_M / np.sqrt(1.0 - E2 * sin_lat**2)
    return (
        normal_m * cos_lat * np.cos(np.radians(lon)),
        normal_m * cos_lat * np.sin(np.radians(lon)),
        normal_m * (1.0 - E2) * sin_lat,
        sin_lat,
    )
