"""Figures in the cells of a table."""

from training.paired import Compared


def figure_cell(figure: Compared) -> str:
    """Return a figure with its change against the first; * where that is surely not chance."""
    if figure.value is None:
        return "-"
    value = f"{figure.value:,.4f}" if abs(figure.value) < 10 else f"{figure.value:,.1f}"
    if not figure.change or figure.change_low is None or figure.change_high is None:
        return value
    sure = "*" if figure.p is not None and figure.p < 0.05 else ""
    span = f"{100 * figure.change_low:+.1f} .. {100 * figure.change_high:+.1f}"
    return f"{value} {100 * figure.change:+.1f} % ({span}){sure}"
