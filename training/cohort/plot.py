"""The picture of a cohort through time."""

from collections.abc import Sequence
from pathlib import Path

from training.cohort.report import Told

_SHOWN = {
    "three_categories": ("booked in 3 categories or more, %", 100.0),
    "horizon_points": ("horizon points", 1.0),
}


def save_cohort_plot(tolds: Sequence[Told], path: Path) -> None:
    """Draw the policy figure and the horizon points by month, a line a policy, with intervals."""
    # Slow to import, and wanted for this option alone.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(12, 4.5), layout="constrained")
    for axes, (name, (title, scale)) in zip(
        figure.subplots(1, len(_SHOWN)), _SHOWN.items(), strict=True
    ):
        for one in tolds:
            estimates = [month.estimate for month in one.by_month[name]]
            months = range(1, len(estimates) + 1)
            width = 2.5 if one.policy.startswith("horizon") else 1.2
            axes.plot(months, [scale * e.value for e in estimates], label=one.policy, lw=width)
            axes.fill_between(
                months,
                [scale * e.low for e in estimates],
                [scale * e.high for e in estimates],
                alpha=0.1,
            )
        axes.set_xlabel("months since the credit was granted")
        axes.set_title(title)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
