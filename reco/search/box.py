"""Boxes on the map."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reco.errors import InvalidInput

_SHAPE = "west,south,east,north in degrees, as 5.6,45.1,5.8,45.3"


@dataclass(frozen=True)
class Box:
    """A box in WGS 84 degrees, borders included; west of `west` over the antimeridian lies `east`.

    Where `west` is greater than `east` the box crosses the antimeridian, as in GeoJSON (RFC 7946).
    """

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Return the box that `text` names, as west,south,east,north.

        Raises
        ------
        InvalidInput
            It is no box, or not on the globe.
        """
        try:
            west, south, east, north = (float(part) for part in text.split(","))
        except ValueError:
            raise InvalidInput("bbox", f"{text!r} is not {_SHAPE}") from None
        for name, degrees, most in (
            *(("west", west, 180.0), ("south", south, 90.0)),
            *(("east", east, 180.0), ("north", north, 90.0)),
        ):
            if not (math.isfinite(degrees) and -most <= degrees <= most):
                raise InvalidInput(
                    "bbox", f"{name} is {degrees:g}, not between -{most:g} and {most:g} degrees"
                )
        if south > north:
            raise InvalidInput("bbox", f"south, {south:g}, lies north of north, {north:g}")
        return cls(west, south, east, north)

    def holds(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which points lie within; 180 degrees east and west are one meridian."""
        if self.west <= self.east:
            between = (lon >= self.west) & (lon <= self.east)
            if -self.west == 180.0 or self.east == 180.0:
                between |= np.abs(lon) == 180.0
        else:
            between = (lon >= self.west) | (lon <= self.east)
        return between & (lat >= self.south) & (lat <= self.north)
