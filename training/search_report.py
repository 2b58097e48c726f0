"""What a search leaves behind: its trials as a table, the settings' importance as a picture."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict

from rich.bar import Bar
from rich.console import Console

from reco.whole_table import Table
from training.configuration import written_parameters
from training.search import Search
from training.studies import Trial

_SHOWN = 10
_BAR = 40
_PICTURE_WIDTH = 80


def settings_text(search: Search) -> str:
    """Return the chosen settings as a file that `reco train --config` takes."""
    figure, tried = search.best.figure, len(search.trials)
    return (
        f"# Chosen by {search.metric} on validation, {figure:.4f}: the best of {tried} trials.\n"
        f"{written_parameters(search.best.parameters)}"
    )


def trials_text(search: Search) -> str:
    """Return all trials as CSV; the figure of one that was given up is empty.

    So is the reason, but where it could not be fitted.
    """
    text = io.StringIO()
    rows = [
        {"trial": trial.number, search.metric: trial.figure, "seconds": round(trial.seconds, 3)}
        | asdict(trial.parameters)
        | {"failed": trial.failed}
        for trial in search.trials
    ]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def trials_table(search: Search) -> Table:
    """Return the best trials as a screen shows them, with the settings that were searched for."""
    names = sorted(search.importance, key=lambda name: -search.importance[name])
    table = Table("trial", search.metric, "seconds", *names, title="The best trials")
    for trial in _best(search):
        settings = asdict(trial.parameters)
        table.add_row(
            str(trial.number), f"{trial.figure:.4f}", f"{trial.seconds:.1f}",
            *(_cell(settings[name]) for name in names),
        )  # fmt: skip
    return table


def importance_table(importance: Mapping[str, float]) -> Table:
    """Return a bar for the share of each setting in what moves the figure."""
    table = Table("setting", "importance", "")
    for name, share in importance.items():
        table.add_row(name, f"{share:.2f}", Bar(1.0, 0.0, share, width=_BAR))
    return table


def importance_picture(importance: Mapping[str, float]) -> str:
    """Return `importance_table` as an SVG image."""
    canvas = Console(record=True, file=io.StringIO(), width=_PICTURE_WIDTH)
    canvas.print(importance_table(importance))
    return canvas.export_svg(title="What moves the figure")


def _best(search: Search) -> list[Trial]:
    finished = [trial for trial in search.trials if trial.figure is not None]
    return sorted(finished, key=lambda trial: -(trial.figure or 0.0))[:_SHOWN]


def _cell(value: float | str | None) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
