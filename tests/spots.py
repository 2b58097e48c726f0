"""Spots of the globe where distances are told with ease, and where they are not."""

SPOTS = {
    "dense": (2.35, 48.86, 0.2, 0.15),
    "rural": (2.0, 46.1, 2.0, 1.5),
    "sea": (-6.0, 45.5, 3.0, 2.0),
    "border": (7.6, 48.6, 0.8, 0.6),
    "antimeridian": (179.9, -16.8, 0.9, 0.8),
    "north pole": (0.0, 89.6, 180.0, 0.4),
    "south pole": (20.0, -89.4, 180.0, 0.6),
    "equator": (-52.0, 0.1, 0.9, 0.9),
}
"""(lon, lat) and how far venues and people lie from there, degrees."""


def near_spot(spot, east, north):
    """Return the place, (lon, lat), so far from the middle of a spot: from -1 to 1."""
    lon, lat, width, height = SPOTS[spot]
    lon = (lon + width * east + 180.0) % 360.0 - 180.0
    return round(lon, 3), round(min(90.0, max(-90.0, lat + height * north)), 3)
