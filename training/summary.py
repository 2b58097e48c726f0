"""What a training run reports."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reco.model.artifact import PeopleFacts
from training.evaluate import Task
from training.intervals import Estimate, mean_intervals
from training.ranked import RankerFigures


@dataclass(frozen=True)
class Comparison:
    """One metric of the model, of popularity, and of their difference, user by user."""

    metric: str
    model: Estimate
    popularity: Estimate
    difference: Estimate


@dataclass(frozen=True)
class TrainingSummary:
    """What a run did."""

    version: str
    kind: str
    folder: Path
    digest: str
    cutoff: datetime | None
    """The published model has seen nothing after it; None: the events have no times."""
    created_at: datetime
    users: int
    """With a history that the published model has seen."""
    items: int
    """That anybody met."""
    events: int
    people: PeopleFacts | None
    """Whom the artifact holds; None: it was not compared with a world."""
    task: Task
    """What was to be found."""
    is_held_out: bool
    """Whether the figures are of the published model itself, on what came after its cutoff; else
    they are of the rehearsal, which saw less."""
    figures: tuple[Comparison, ...]
    """Over all items."""
    open_figures: tuple[Comparison, ...]
    """Over those that were still bookable after the cutoff, told by hindsight."""
    ranker: RankerFigures | None
    """None: none was learned."""
    half_life_days: float | None
    """That the rehearsal chose; None: nothing fades."""
    seconds: Mapping[str, float]
    """By stage."""
    peak_memory_bytes: int


def compare(
    model: Mapping[str, NDArray[np.float64]], popularity: Mapping[str, NDArray[np.float64]]
) -> tuple[Comparison, ...]:
    """Return every metric of both and of their difference, with 95 % intervals.

    Parameters
    ----------
    model, popularity
        Metric to the figures (n,) of the same users; n may be 0: then there is nothing to compare.
    """
    names = list(model)
    if not names or not len(model[names[0]]):
        return ()
    columns = [
        column
        for name in names
        for column in (model[name], popularity[name], model[name] - popularity[name])
    ]
    estimates = mean_intervals(np.stack(columns, axis=1))
    return tuple(
        Comparison(name, *estimates[3 * row : 3 * row + 3]) for row, name in enumerate(names)
    )


def as_metrics(
    figures: tuple[Comparison, ...],
    open_figures: tuple[Comparison, ...],
    *,
    task: Task,
    is_held_out: bool,
    ranker: RankerFigures | None = None,
) -> dict[str, Any]:
    """Return the figures as a manifest keeps them: value, low, high, and what they were judged on.

    With the people whom they are over, of how many who had something to be found.

    Figures of a rehearsal are a little too good where a cutoff or a part was given: it also chose
    the half-life.
    """
    return {
        "judged_on": "held out" if is_held_out else "rehearsal",
        "people": {"judged": len(task.users), "of": task.of_users},
        "all_items": _as_numbers(figures),
        "open_items": _as_numbers(open_figures),
    } | ({"probability": asdict(ranker)} if ranker else {})


def _as_numbers(figures: tuple[Comparison, ...]) -> dict[str, dict[str, list[float]]]:
    return {
        row.metric: {
            name: [estimate.value, estimate.low, estimate.high]
            for name, estimate in (
                ("model", row.model),
                ("popularity", row.popularity),
                ("difference", row.difference),
            )
        }
        for row in figures
    }
