"""Distances on the WGS 84 ellipsoid, compiled."""

import math

from numba import float64, int32, int64

from reco.kernel.compiled import READ_F64, READ_I32, compiled

A_M = 6_378_137.0
"""Equatorial radius."""
F = 1.0 / 298.257223563
"""Flattening."""
E2 = F * (2.0 - F)
"""Eccentricity, squared."""

_B_M = A_M * (1.0 - F)
_RADIANS = math.pi / 180.0


@compiled(float64(float64, float64, float64, float64))
def inverse(lon1, lat1, lon2, lat2):
    """Return the geodesic between two points in degrees, by Vincenty (1975), to a micrometre.

    For points less than a thousand kilometres apart, where the iteration converges at once.
    """
    turn = (lon2 - lon1) * _RADIANS
    turn -= 2.0 * math.pi * round(turn / (2.0 * math.pi))
    u1 = math.atan2((1.0 - F) * math.sin(lat1 * _RADIANS), math.cos(lat1 * _RADIANS))
    u2 = math.atan2((1.0 - F) * math.sin(lat2 * _RADIANS), math.cos(lat2 * _RADIANS))
    sin_u1, cos_u1, sin_u2, cos_u2 = math.sin(u1), math.cos(u1), math.sin(u2), math.cos(u2)
    lam = turn
    for _ in range(30):
        sin_lam, cos_lam = math.sin(lam), math.cos(lam)
        across = cos_u1 * sin_u2 - sin_u1 * cos_u2 * cos_lam
        sin_sigma = math.hypot(cos_u2 * sin_lam, across)
        if sin_sigma == 0.0:
            return 0.0
        cos_sigma = sin_u1 * sin_u2 + cos_u1 * cos_u2 * cos_lam
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = cos_u1 * cos_u2 * sin_lam / sin_sigma
        cos2_alpha = 1.0 - sin_alpha * sin_alpha
        mid = cos_sigma - 2.0 * sin_u1 * sin_u2 / cos2_alpha if cos2_alpha > 1e-15 else 0.0
        c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha))
        bent = sigma + c * sin_sigma * (mid + c * cos_sigma * (2.0 * mid * mid - 1.0))
        before, lam = lam, turn + (1.0 - c) * F * sin_alpha * bent
        if abs(lam - before) < 1e-14:
            break
    u_2 = cos2_alpha * (A_M * A_M / (_B_M * _B_M) - 1.0)
    a = 1.0 + u_2 / 16384.0 * (4096.0 + u_2 * (-768.0 + u_2 * (320.0 - 175.0 * u_2)))
    b = u_2 / 1024.0 * (256.0 + u_2 * (-128.0 + u_2 * (74.0 - 47.0 * u_2)))
    third = cos_sigma * (2.0 * mid * mid - 1.0) - b / 6.0 * mid * (
        4.0 * sin_sigma * sin_sigma - 3.0
    ) * (4.0 * mid * mid - 3.0)
    return _B_M * a * (sigma - b * sin_sigma * (mid + b / 4.0 * third))


@compiled(float64(float64, float64, float64, float64, float64, float64, float64, float64))
def arc(x1, y1, z1, sin_lat1, x2, y2, z2, sin_lat2):
    """Return the geodesic between two points from the chord, to .1 mm up to 220 km.

    The arc over the chord of a circle that is as curved as the ellipsoid is half-way, in the
    direction of the chord (Euler's formula).
    """
    dx, dy, dz = x2 - x1, y2 - y1, z2 - z1
    squared = dx * dx + dy * dy + dz * dz
    xm, ym = x1 + x2, y1 + y2
    east = xm * dy - ym * dx
    sin2_azimuth = east * east / ((xm * xm + ym * ym) * squared + 1e-9)
    sin_lat = 0.5 * (sin_lat1 + sin_lat2)
    w2 = 1.0 - E2 * sin_lat * sin_lat
    along = math.sqrt(w2) / A_M
    curvature = along * (sin2_azimuth + (1.0 - sin2_azimuth) * w2 / (1.0 - E2))
    bend = squared * curvature * curvature
    return math.sqrt(squared) * (1.0 + bend * (1.0 / 24.0 + bend * (3.0 / 640.0)))


@compiled(
    int64(
        READ_I32, READ_F64, READ_F64, READ_F64, READ_F64, READ_F64, READ_F64,
        float64, float64, float64, float64, float64, float64, float64, float64,
        int32[::1], float64[::1],
    )
)  # fmt: skip
def within(
    rows, lon, lat, x, y, z, sin_lat,
    here_lon, here_lat, here_x, here_y, here_z, here_sin_lat, radius_m, margin_m,
    found, distance_m,
):  # fmt: skip
    """Write those of `rows` that lie within `radius_m`, and how far; return how many.

    What lies nearer to the border than `margin_m` is settled by `inverse`.
    """
    count = 0
    for row in rows:
        away_m = arc(here_x, here_y, here_z, here_sin_lat, x[row], y[row], z[row], sin_lat[row])
        if abs(away_m - radius_m) <= margin_m:
            away_m = inverse(here_lon, here_lat, lon[row], lat[row])
        if away_m <= radius_m:
            found[count] = row
            distance_m[count] = away_m
            count += 1
    return count
