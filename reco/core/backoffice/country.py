"""Where the programme is at home: boxes around metropolitan France and the overseas territories.

A box is wider than its coasts and takes in some of its neighbours: what lies outside is surely
elsewhere, or mistyped.
"""

from typing import NamedTuple


class Box(NamedTuple):
    """A part of the country, within these degrees."""

    name: str
    south: float
    north: float
    west: float
    east: float


BOXES = (
    Box("France métropolitaine", 41.3, 51.2, -5.3, 9.7),
    Box("Guadeloupe", 15.7, 16.6, -61.9, -60.9),
    Box("Martinique", 14.3, 15.0, -61.3, -60.7),
    Box("Guyane", 2.0, 5.9, -54.7, -51.5),
    Box("La Réunion", -21.5, -20.7, 55.1, 55.9),
    Box("Mayotte", -13.1, -12.5, 44.9, 45.4),
    Box("Saint-Pierre-et-Miquelon", 46.7, 47.2, -56.6, -56.0),
    Box("Saint-Martin et Saint-Barthélemy", 17.8, 18.2, -63.2, -62.7),
    Box("Wallis-et-Futuna", -14.5, -13.1, -178.3, -176.0),
    Box("Polynésie française", -28.0, -7.5, -155.0, -134.0),
    Box("Nouvelle-Calédonie", -23.0, -17.5, 158.0, 172.5),
)


def is_within(lat: float, lon: float) -> bool:
    """Say whether a point (degrees) may lie in the country.

    >>> is_within(45.19, 5.72), is_within(5.72, 45.19), is_within(-20.9, 55.5)
    (True, False, True)
    """
    return any(box.south <= lat <= box.north and box.west <= lon <= box.east for box in BOXES)
