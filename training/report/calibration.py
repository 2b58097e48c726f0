"""The calibration curve of what was shown, with an interval of each bin."""

from dataclasses import dataclass

from training.reliability import Curve


@dataclass(frozen=True)
class Bin:
    """Offers shown with probabilities alike."""

    said: float
    """Mean probability."""
    booked: float
    """Share of them."""
    low: float
    """Bounds of the 95 % interval of that share, by people."""
    high: float
    shown: int


def bins_of(curve: Curve | None) -> tuple[Bin, ...]:
    """Return the bins of a curve; none where there is none."""
    if curve is None:
        return ()
    columns = (curve.probability, curve.rate, curve.low, curve.high, curve.count)
    return tuple(
        Bin(said, booked, low, high, round(count))
        for said, booked, low, high, count in zip(*columns, strict=True)
    )
