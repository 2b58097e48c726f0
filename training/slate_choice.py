"""Choose each method's setting on what is held out: most horizon for the ndcg that it may lose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.diversify.methods import Setting
from training.intervals import Estimate, mean_intervals
from training.paired import Figures

LOSS = 0.01
"""Share of ndcg that a setting may lose against the order by relevance."""

Changes = Mapping[str, Estimate]
"""Metric to its change relative to the order by relevance, with that of the paired difference."""


@dataclass(frozen=True)
class Choice:
    """The setting of a method that validation chose, and what it did there."""

    setting: Setting
    changes: Changes

    def as_object(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return {
            "method": self.setting.method,
            "parameter": self.setting.parameter,
            "changes": {name: vars(change) for name, change in self.changes.items()},
        }


def changes_of(base: Figures, others: Sequence[Figures], seed: int) -> list[Changes]:
    """Return how far each of `others` is from `base`, by the metrics of `base`.

    Over the users for whom a metric is defined; zeros where it is for none, or 0 for all.
    """
    found: list[dict[str, Estimate]] = [{} for _ in others]
    for metric, reference in base.items():
        known = ~np.isnan(reference)
        mean = float(reference[known].mean()) if known.any() else 0.0
        if not others or not mean:
            gaps = [Estimate(0.0, 0.0, 0.0)] * len(others)
        else:
            table = np.stack([other[metric] - reference for other in others], axis=1)[known] / mean
            gaps = mean_intervals(table, seed)
        for changes, gap in zip(found, gaps, strict=True):
            changes[metric] = gap
    return list(found)


def best_of(tried: Sequence[Changes], k: int) -> int:
    """Return which has most horizon_recall among those within the loss of ndcg; else loses least.

    The loss is that of the mean. The first of several that are equal.
    """

    def rank(at: int) -> tuple[bool, float]:
        ndcg, widened = tried[at][f"ndcg@{k}"].value, tried[at][f"horizon_recall@{k}"].value
        return (ndcg >= -LOSS, widened if ndcg >= -LOSS else ndcg)

    return max(range(len(tried)), key=rank)


def choices(
    settings: Sequence[Setting], figures: Sequence[Figures], k: int, seed: int
) -> dict[str, Choice]:
    """Return the choice of each method; `settings` begin with the order by relevance."""
    tried = changes_of(figures[0], figures, seed)
    chosen: dict[str, Choice] = {}
    for method in dict.fromkeys(setting.method for setting in settings):
        of_method = [at for at, setting in enumerate(settings) if setting.method == method]
        best = of_method[best_of([tried[at] for at in of_method], k)]
        chosen[method] = Choice(settings[best], tried[best])
    return chosen
