"""How figures are written: the same everywhere in a report."""

from collections.abc import Callable

from training.intervals import Estimate
from training.report.definitions import Unit, definition

MINUS = "\N{MINUS SIGN}"
_SPACE = "\N{NO-BREAK SPACE}"


def value_text(metric: str, value: float | None) -> str:
    """Return a figure with its unit.

    >>> value_text("distance_m@20", 11572.4).split(), value_text("hit@20", 0.2195).split()
    (['11.6', 'km'], ['21.9', '%'])
    """
    if value is None:
        return "not defined"
    unit = definition(metric).unit
    if unit is Unit.METRES:
        return f"{value / 1000.0:.1f}{_SPACE}km"
    if unit is Unit.SHARE:
        return percent(value, 2 if 0.0 < abs(value) < 0.01 else 1)
    if unit is Unit.POINTS:
        return f"{value:,.1f}"
    return signed(f"{value:,.5f}" if unit is Unit.FINE else f"{value:,.4f}")


def estimate_text(metric: str, mean: Estimate | None) -> str:
    """Return a mean with its unit and interval."""
    if mean is None:
        return value_text(metric, None)
    value, low, high = (value_text(metric, end) for end in (mean.value, mean.low, mean.high))
    return f"{value} ({low} to {high})"


def difference_text(metric: str, difference: float) -> str:
    """Return a difference of two values of a figure, with its sign and unit.

    >>> difference_text("hit@20", 0.0123).split(), difference_text("ndcg@20", 0.00104)
    (['+1.23', 'points'], '+0.0010')
    """
    unit = definition(metric).unit
    if unit is Unit.METRES:
        return f"{_plus(difference / 1000.0, 1)}{_SPACE}km"
    if unit is Unit.SHARE:
        return f"{_plus(100.0 * difference, 2)}{_SPACE}points"
    return _plus(difference, 1 if unit is Unit.POINTS else 4)


def axis_text(metric: str) -> Callable[[float], str]:
    """Return what writes the values of a figure on an axis: shorter than in a table."""
    unit = definition(metric).unit
    if unit is Unit.SHARE:
        return lambda value: signed(f"{100.0 * value:.3g} %")
    if unit is Unit.METRES:
        return lambda value: f"{value / 1000.0:.3g} km"
    return lambda value: signed(f"{value:.3g}")


def percent(share: float, decimals: int = 1) -> str:
    """Return a share as percent."""
    return signed(f"{100.0 * share:.{decimals}f}{_SPACE}%")


def change_text(share: float) -> str:
    """Return a relative change, with its sign.

    >>> change_text(0.0653).split()
    ['+6.5', '%']
    """
    return f"{_plus(100.0 * share, 1)}{_SPACE}%"


def _plus(number: float, decimals: int) -> str:
    """Return a number with its sign, without one where it is rounded to 0."""
    told = f"{number:+,.{decimals}f}"
    return signed(told if told.strip("+-0.") else told[1:])


def p_text(p: float) -> str:
    """Return a p-value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def signed(text: str) -> str:
    """Return a number with a minus sign of the width of a plus."""
    return text.replace("-", MINUS)
