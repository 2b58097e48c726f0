"""The calibration curve of what was shown, with an interval of each bin."""

from dataclasses import dataclass

from scipy.stats import binomtest

from training.reliability import Curve


@dataclass(frozen=True)
class Bin:
    """Offers shown with probabilities alike."""

    said: float
    """Mean probability."""
    booked: float
    """Share of them."""
    low: float
    """Bounds of the 95 % interval of that share (Wilson 1927), as if they were independent."""
    high: float
    shown: int


def bins_of(curve: Curve | None) -> tuple[Bin, ...]:
    """Return the bins of a curve; none where there is none."""
    if curve is None:
        return ()
    return tuple(
        _bin(said, booked, round(count))
        for said, booked, count in zip(curve.probability, curve.rate, curve.count, strict=True)
    )


def _bin(said: float, booked: float, shown: int) -> Bin:
    interval = binomtest(round(booked * shown), shown).proportion_ci(method="wilson")
    return Bin(said, booked, float(interval.low), float(interval.high), shown)
