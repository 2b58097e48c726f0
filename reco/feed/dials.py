"""The dials of a slate: how much relevance it gives up, and for how much of a wider horizon."""

from dataclasses import dataclass

from reco.errors import InvalidInput

NAMES = ("floor", "intensity", "points_a_booking")
FLOOR, INTENSITY, POINTS_A_BOOKING = 0.98, 3.0, 0.0
"""Unless others are asked for. They were chosen before the rule of today, which proposes a price on
yelp_poi; feeds that were replayed with either kept them (docs/horizon.md)."""
MAX_INTENSITY = 1_000.0
MAX_POINTS_A_BOOKING = 1_000_000.0
"""Nobody gives up any relevance at it."""


@dataclass(frozen=True)
class Dials:
    """How a slate is chosen among those that can be had."""

    floor: float = FLOOR
    """Share of the most relevant slate's relevance to keep, from 0 to 1."""
    intensity: float = INTENSITY
    """Slates like this one that the person is expected to see (METRICS: m)."""
    points_a_booking: float = POINTS_A_BOOKING
    """The price of relevance: points that an expected booking counts beside those that it earns.
    0: none, so that all that the floor allows is given up."""

    def turned(
        self,
        floor: float | None = None,
        intensity: float | None = None,
        points_a_booking: float | None = None,
    ) -> "Dials":
        """Return the dials where some are told; None leaves one as it is.

        A floor and a price both say how much relevance is given up: told alone, a price has no
        floor, and a floor no price.

        Raises
        ------
        InvalidInput
            Names the dial that is out of range.
        """
        check_dials(floor, intensity, points_a_booking)
        if floor is None and points_a_booking is None:
            floor, points_a_booking = self.floor, self.points_a_booking
        return Dials(
            0.0 if floor is None else floor,
            self.intensity if intensity is None else intensity,
            0.0 if points_a_booking is None else points_a_booking,
        )


SERVED = Dials()
"""Where nobody has set others."""


def check_dials(
    floor: float | None, intensity: float | None, points_a_booking: float | None
) -> None:
    """Raise `InvalidInput` that names the one that is out of range; None is left to the service."""
    if floor is not None and not 0.0 <= floor <= 1.0:
        raise InvalidInput("floor", f"{floor} is not between 0 and 1")
    if intensity is not None and not 1.0 <= intensity <= MAX_INTENSITY:
        raise InvalidInput("intensity", f"{intensity} is not between 1 and {MAX_INTENSITY:.0f}")
    if points_a_booking is not None and not 0.0 < points_a_booking <= MAX_POINTS_A_BOOKING:
        raise InvalidInput(
            "points_a_booking",
            f"{points_a_booking} is not above 0 and at most {MAX_POINTS_A_BOOKING:.0f};"
            " for no price, name a floor alone",
        )
