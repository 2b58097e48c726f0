"""The picture of a benchmark of slates: what each method gains for what it loses."""

from importlib.util import find_spec
from pathlib import Path

from reco.errors import SetupError
from training.slates import SlateReport

_GAINS = ("horizon_recall", "novel_recall", "slate_points")


def require_plots() -> None:
    """Raise `SetupError` where nothing can be drawn."""
    if find_spec("matplotlib") is None:
        raise SetupError("Plots need matplotlib: pip install 'reco[plots]'.")


def save_plot(report: SlateReport, path: Path) -> None:
    """Draw the change of each gain over the change of ndcg, a line a method."""
    # Slow to import, and wanted for this option alone.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, gain in zip(figure.subplots(1, len(_GAINS)), _GAINS, strict=True):
        for method in dict.fromkeys(row.method for row in report.rows):
            rows = [row for row in report.rows if row.method == method]
            at = [_percent(row.metrics[f"ndcg@{report.k}"].change) for row in rows]
            to = [_percent(row.metrics[f"{gain}@{report.k}"].change) for row in rows]
            style = {"linewidth": 2.5} if method == "horizon" else {"linewidth": 1.0}
            axes.plot(at, to, marker="o", markersize=3, label=method, **style)
        axes.set_xlim(-20, 2)
        axes.set_xlabel(f"change of ndcg@{report.k}, %")
        axes.set_title(f"change of {gain}@{report.k}, %")
        axes.axvline(-1.0, color="0.8", linewidth=0.8)
        axes.axhline(0.0, color="0.8", linewidth=0.8)
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=110)


def _percent(change: float | None) -> float:
    return 100.0 * (change or 0.0)
