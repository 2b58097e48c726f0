"""What is printed about slates: the rows of a benchmark, the curve of a tuning."""

from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.text import Text

from reco.whole_table import Table
from training.paired import Compared
from training.screen import figure_cell
from training.slate_choice import LOSS, expected_name
from training.slate_rows import Row
from training.slate_tuning import LOSS_OF_POOL, Point, Tuning
from training.slates import SlateReport

_SHOWN = ("ndcg", "horizon_recall", "novel_recall", "slate_points")
_OF_ALL_LISTS = "venue_gini"
"""Where the data know venues: how unequally all lists together show them."""


def benchmark_screen(report: SlateReport) -> Group:
    """Return a benchmark's chosen settings, what is served, the fair slates, the order by score.

    And, beside that order, what may lose as much against it.
    """
    names = [f"{name}@{report.k}" for name in (*_SHOWN, _OF_ALL_LISTS)]
    names = [name for name in names if name in report.score_order]
    title = f"{report.data}: {report.users:,} test users"
    table = _rows_table(title, [row for row in report.rows if row.is_shown], names)
    table.add_row("(score)", "", *_figures(report.score_order, names))
    told = (
        "Change against the order by relevance, 95 % interval; * p < 0.05 after Holm, of those "
        "that validation chose. "
        "(score): the model's own order, before a probability was learned. "
        "(served): what feeds do where nobody has set other dials.\n"
    )
    beside = _rows_table(
        f"{title}, the model's own order kept instead",
        [row for row in report.against_score if row.chosen], names,
    )  # fmt: skip
    told_beside = (
        f"Change against (score). Chosen by the same rule, for what may be lost of it: "
        f"{100 * LOSS:g} % of ndcg."
    )
    return Group(table, Text(told), beside, Text(told_beside))


def _rows_table(title: str, rows: Sequence[Row], names: Sequence[str]) -> Table:
    table = Table("method", "parameter", *names, title=title)
    for row in rows:
        table.add_row(row.method, row.setting, *_figures(row.metrics, names))
    return table


def curve_table(tuning: Tuning, k: int) -> Table:
    """Return the curve of a tuning, what it proposes in bold, as settings, and by which rule."""
    expected = expected_name(k)
    names = [expected, *(f"{name}@{k}" for name in _SHOWN)]
    dials = vars(tuning.proposed.dials).items()
    settings = " ".join(f"RECO_{name.upper()}={value:g}" for name, value in dials)
    pool = _pool_of(tuning.proposed)
    table = Table(
        "points a booking", "floor", "intensity", "pool", *names,
        title="Change against the order by relevance, on validation users, 95 % interval",
        caption=f"Proposed, in bold, as settings: {settings}; pool: {pool}.\n"
        f"It is the lowest price at which {expected} falls by {100 * LOSS:g} % at most, and "
        f"ndcg@{k} not surely by more (the highest, where none is so), and the smallest pool that "
        f"surely keeps {100 * (1 - LOSS_OF_POOL):g} % of every figure that the whole pool has.",
    )  # fmt: skip
    for point in tuning.points:
        table.add_row(*_cells(point, names), style="bold" if point == tuning.proposed else None)
    return table


def _figures(metrics: Mapping[str, Compared], names: Sequence[str]) -> list[str]:
    return [figure_cell(metrics[name]) for name in names]


def _pool_of(point: Point) -> str:
    return "all" if point.pool_size is None else str(point.pool_size)


def _cells(point: Point, names: list[str]) -> list[str]:
    changes = (point.changes[name] for name in names)
    return [
        f"{point.setting.points_a_booking:g}",
        f"{point.setting.floor:g}",
        f"{point.setting.intensity:g}",
        _pool_of(point),
        *(f"{100 * c.value:+.1f} ({100 * c.low:+.1f} .. {100 * c.high:+.1f}) %" for c in changes),
    ]
