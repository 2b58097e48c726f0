"""The section of a benchmark of slates: the numbers of its file, as they are."""

from collections.abc import Sequence

import htpy as h
from htpy import Element, Node

from training.paired import Compared
from training.report.benchmark import SlateBenchmark
from training.report.blocks import beside, figure, figure_cell, folded, legend, section, table
from training.report.charts import Line, curves
from training.report.definitions import HEADLINE, definition
from training.report.svg import Axis, colour, spread
from training.slate_rows import Row

_GAINS = HEADLINE[1:]


def benchmark(found: SlateBenchmark) -> Element:
    """Return a benchmark's table and curves."""
    names = [f"{name}@{found.k}" for name in HEADLINE]
    head = ["Method", "Setting", *(f"{definition(name).title} ({name})" for name in names)]
    score = Row("(score)", "", chosen=False, served=False, metrics=found.score_order)
    shown = [_cells(row, names) for row in (*found.shown, score)]
    every = [_cells(row, names) for row in found.rows]
    methods = list(dict.fromkeys(row.line for row in found.rows))
    return section(
        "benchmark",
        "Ways to choose slates, on a data set",
        h.p[
            f"The benchmark of {found.data}, {found.users:,} test users, slates of {found.k}: the"
            " setting of each method that validation chose, by the same definitions as above."
            " Changes are against the order by relevance; (score) is the model's own order, before"
            " a probability was learned; (served) is what feeds do where nobody has set other"
            " dials."
        ],
        table("Methods at their chosen settings, with 95 % intervals.", head, shown),
        legend([(colour(at), method) for at, method in enumerate(methods)]),
        beside(*(_curve(found, methods, f"{name}@{found.k}") for name in _GAINS)),
        folded("Every setting", table("Every setting of every method.", head, every)),
    )


def _cells(row: Row, names: Sequence[str]) -> list[Node]:
    figures = (figure_cell(name, row.metrics[name]) for name in names)
    return [row.method, row.setting, *figures]


def _curve(found: SlateBenchmark, methods: list[str], gain: str) -> Element:
    """Return the change of a gain over the change of relevance, a line a method."""
    loss = f"ndcg@{found.k}"
    lines, ends = [], [(0.0, 0.0)]
    for at, method in enumerate(methods):
        own = [row.metrics for row in found.rows if row.line == method]
        points = sorted((_change(metrics[loss]), _change(metrics[gain])) for metrics in own)
        lines.append(Line(colour(at), points, has_dots=True))
        ends += points
    x = Axis(f"change of {loss}", *spread([x for x, _ in ends]), _percent)
    y = Axis(f"change of {gain}", *spread([y for _, y in ends]), _percent)
    title = f"{definition(gain).title} over relevance"
    return figure(curves(title, "One line a method, one point a setting.", x, y, lines), title)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _change(figure: Compared) -> float:
    return figure.change or 0.0
