"""What a paired comparison allows to be said."""

from enum import StrEnum

from training.paired import Compared
from training.report.definitions import definition

ALPHA = 0.05
NO_DIFFERENCE = "no difference that chance would not make"
"""What is said where the interval of the difference holds 0."""


class Verdict(StrEnum):
    """Of the change of one figure."""

    HIGHER = "higher"
    LOWER = "lower"
    UNCONFIRMED = "unconfirmed"
    """The interval leaves 0 out, and the test corrected for the number of systems does not."""
    NO_DIFFERENCE = "no difference"
    """The interval holds 0."""
    UNTESTED = "untested"
    """There is no interval of the difference."""


def verdict_of(figure: Compared) -> Verdict:
    """Return what may be said of a figure beside that of the first system."""
    # Of a first figure of 0 there is no relative change; a run of before has nothing else.
    apart = figure.difference_interval or figure.change_interval
    if apart is None:
        return Verdict.UNTESTED
    _, low, high = apart
    if low <= 0.0 <= high:
        return Verdict.NO_DIFFERENCE
    if figure.p is None or figure.p >= ALPHA:
        return Verdict.UNCONFIRMED
    return Verdict.HIGHER if low > 0.0 else Verdict.LOWER


def is_good(metric: str, verdict: Verdict) -> bool | None:
    """Return whether a verdict is good news; None where it is neither."""
    if not definition(metric).wanted or verdict not in {Verdict.HIGHER, Verdict.LOWER}:
        return None
    return verdict is Verdict.HIGHER
