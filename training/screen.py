"""Figures in the cells of a table."""

from training.paired import Compared


def figure_cell(figure: Compared) -> str:
    """Return a figure with its change against the first; * where that is surely not chance.

    >>> figure_cell(Compared(10533.28, None, None, -0.025, -0.038, -0.014, 0.01))
    '10,533 -2.5 % (-3.8 .. -1.4)*'
    """
    if figure.value is None:
        return "-"
    places = 4 if abs(figure.value) < 10 else 1 if abs(figure.value) < 1_000 else 0
    value = f"{figure.value:,.{places}f}"
    if not figure.change or figure.change_low is None or figure.change_high is None:
        return value
    sure = "*" if figure.p is not None and figure.p < 0.05 else ""
    span = f"{100 * figure.change_low:+.1f} .. {100 * figure.change_high:+.1f}"
    return f"{value} {100 * figure.change:+.1f} % ({span}){sure}"
