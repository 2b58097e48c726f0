"""Pictures of what slates gain for what they lose: of a benchmark's methods, of a tuned dial."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from reco.console import require_folder
from reco.errors import InvalidInput, SetupError
from training.intervals import Estimate
from training.paired import Compared
from training.slate_choice import LOSS, Changes
from training.slate_tuning import Point, Tuning
from training.slates import SlateReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LOSS = 0.2
"""Share of ndcg; what loses more is left out: nobody would serve it, and it would push all else
into a corner."""
_GAINS = ("horizon_recall", "novel_recall", "slate_points")
_BOLD, _THIN = 2.5, 1.0
_ENDINGS = (".png", ".svg", ".pdf")


def require_plots(file: Path) -> None:
    """Check, before long work, that its picture can be drawn into `file`.

    Raises
    ------
    InvalidInput
        There is no such folder, or the ending is of no kind of picture.
    SetupError
        Nothing can be drawn.
    """
    require_folder("plot", file)
    if file.suffix.lower() not in _ENDINGS:
        raise InvalidInput("plot", f"{file.name} ends as no picture does", _ENDINGS)
    if find_spec("matplotlib") is None:
        raise SetupError("Plots need matplotlib: pip install 'reco[plots]'.")


def benchmark_figure(report: SlateReport) -> "Figure":
    """Return the change of each gain over the change of ndcg, a line a method.

    What feeds serve is a dot of its own: its intensity may be another than the line's.
    """
    lines: dict[str, list[Changes]] = {}
    for row in report.rows:
        lines.setdefault(row.line, []).append(_changes(row.metrics))
    figure, panels = _panels(report.k)
    for method, line in _worth_drawing(lines, report.k).items():
        width = _BOLD if method == "horizon" else _THIN
        marker, size = ("D", 6) if method == "served" else ("o", 3)
        for gain, axes in panels.items():
            at, to = _places(line, gain, report.k)
            values = [one.value for one in at], [one.value for one in to]
            axes.plot(*values, marker=marker, markersize=size, label=method, linewidth=width)
    axes.legend(fontsize=7)
    return figure


def curve_figure(tuning: Tuning, k: int) -> "Figure":
    """Return the same of prices and of the floors of each intensity, with 95 % intervals.

    From whole pools; what is proposed is marked by a star.
    """
    lines: dict[str, list[Changes]] = {}
    for point in tuning.points:
        if point.pool_size is None:
            lines.setdefault(_name_of(point), []).append(point.changes)
    figure, panels = _panels(k)
    for name, line in _worth_drawing(lines, k).items():
        for gain, axes in panels.items():
            _draw_with_intervals(axes, *_places(line, gain, k), name)
    for gain, axes in panels.items():
        at, to = _places([tuning.proposed.changes], gain, k)
        values = [one.value for one in at], [one.value for one in to]
        axes.plot(*values, "k*", markersize=12, label="proposed")
    axes.legend(fontsize=7)
    return figure


def _name_of(point: Point) -> str:
    setting = point.setting
    return "price" if setting.points_a_booking else f"floor, m = {setting.intensity:g}"


def _panels(k: int) -> "tuple[Figure, dict[str, Axes]]":
    # Slow to import, and wanted for this option alone.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(12, 4), dpi=110, layout="constrained")
    panels = dict(zip(_GAINS, figure.subplots(1, len(_GAINS)), strict=True))
    for gain, axes in panels.items():
        axes.set_xlabel(f"change of ndcg@{k}, %")
        axes.set_title(f"change of {gain}@{k}, %")
        axes.axvline(-100.0 * LOSS, color="0.8", linewidth=0.8)
        axes.axhline(0.0, color="0.8", linewidth=0.8)
    return figure, panels


def _draw_with_intervals(
    axes: "Axes", at: Sequence[Estimate], to: Sequence[Estimate], name: str
) -> None:
    axes.errorbar(
        [one.value for one in at], [one.value for one in to], _arms(to), _arms(at),
        marker="o", markersize=3, linewidth=_THIN, elinewidth=0.4, label=name,
    )  # fmt: skip


def _arms(estimates: Sequence[Estimate]) -> tuple[list[float], list[float]]:
    """Return how far an interval reaches below and above each value."""
    return (
        [max(0.0, one.value - one.low) for one in estimates],
        [max(0.0, one.high - one.value) for one in estimates],
    )


def _worth_drawing(lines: Mapping[str, Sequence[Changes]], k: int) -> dict[str, list[Changes]]:
    """Return what does not lose too much, of the lines that have such."""
    kept = {
        name: [changes for changes in line if changes[f"ndcg@{k}"].value >= -MOST_LOSS]
        for name, line in lines.items()
    }
    return {name: line for name, line in kept.items() if line}


def _places(line: Sequence[Changes], gain: str, k: int) -> tuple[list[Estimate], list[Estimate]]:
    """Return the changes of ndcg and of a gain, in %."""
    return (
        [_percent(changes[f"ndcg@{k}"]) for changes in line],
        [_percent(changes[f"{gain}@{k}"]) for changes in line],
    )


def _percent(change: Estimate) -> Estimate:
    return Estimate(100.0 * change.value, 100.0 * change.low, 100.0 * change.high)


def _changes(metrics: Mapping[str, Compared]) -> Changes:
    """Return the changes of a row; none, where the order by relevance has nothing of a metric."""
    found = {name: figure.change_interval for name, figure in metrics.items()}
    return {name: Estimate(*change or (0.0, 0.0, 0.0)) for name, change in found.items()}
