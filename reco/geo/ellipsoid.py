"""The WGS 84 ellipsoid."""

import math
from typing import Any

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
    return _cartesian(np, lon, lat)


def cartesian_of(lon: float, lat: float) -> tuple[float, float, float, float]:
    """Return the same of one point: arrays of one number would take ten times as long."""
    return _cartesian(math, lon, lat)


def _cartesian(of: Any, lon: Any, lat: Any) -> tuple[Any, Any, Any, Any]:
    """Return them by the functions of a module, for what it works on."""
    sin_lat, cos_lat = of.sin(of.radians(lat)), of.cos(of.radians(lat))
    normal_m = A_M / of.sqrt(1.0 - E2 * sin_lat**2)
    return (
        normal_m * cos_lat * of.cos(of.radians(lon)),
        normal_m * cos_lat * of.sin(of.radians(lon)),
        normal_m * (1.0 - E2) * sin_lat,
        sin_lat,
    )
