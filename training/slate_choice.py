"""Choose each method's setting on what is held out: most horizon for the ndcg that it may lose.

What a setting loses is what the learned probability expects it to, of users that its fit had not
seen: what was really found there moves by as much as may be lost from one draw of users to another.
It has a veto.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.diversify.methods import Setting
from training.intervals import Estimate, mean_intervals
from training.paired import Figures

LOSS = 0.01
"""Share of ndcg that a setting may lose against the order by relevance, or another."""

Changes = Mapping[str, Estimate]
"""Metric to its change relative to such an order, with that of the paired difference."""


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


def expected_name(k: int) -> str:
    """Return the metric that tells what is expected to be found: discounted, not normalised."""
    return f"expected_dcg@{k}"


def is_within(changes: Changes, k: int) -> bool:
    """Say whether no more than the loss is expected, and what was found is not surely less."""
    expected, found = changes[expected_name(k)], changes[f"ndcg@{k}"]
    return expected.value >= -LOSS and found.high >= -LOSS


def best_of(tried: Sequence[Changes], k: int) -> int:
    """Return which has most horizon_recall among those within the loss; else loses least.

    The first of several that are equal.
    """

    def rank(at: int) -> tuple[bool, float]:
        if is_within(tried[at], k):
            return True, tried[at][f"horizon_recall@{k}"].value
        return False, tried[at][expected_name(k)].value

    return max(range(len(tried)), key=rank)


def strongest_within(tried: Sequence[Changes], k: int) -> int:
    """Return the last, the gentlest coming first, that is within the loss; else the first."""
    return max((at for at, changes in enumerate(tried) if is_within(changes, k)), default=0)


def best_widening(settings: Sequence[Setting], tried: Sequence[Changes], k: int) -> int:
    """Return which horizon slate is best: of each intensity the strongest within the loss.

    All of the loss that is allowed is spent, for which horizon is to be had. Only between
    intensities does horizon_recall decide: what it differs by from setting to setting is chance
    for the most part.
    """
    lines: dict[float, list[int]] = {}
    for at, setting in enumerate(settings):
        lines.setdefault(setting.intensity, []).append(at)
    ends = [line[strongest_within([tried[at] for at in line], k)] for line in lines.values()]
    return ends[best_of([tried[at] for at in ends], k)]


def choices(
    settings: Sequence[Setting], figures: Sequence[Figures], base: Figures, k: int, seed: int
) -> dict[str, Choice]:
    """Return the choice of each method among all settings, for what it may lose against `base`."""
    tried = changes_of(base, figures, seed)
    chosen: dict[str, Choice] = {}
    for method in dict.fromkeys(setting.method for setting in settings):
        of_method = [at for at, setting in enumerate(settings) if setting.method == method]
        changes = [tried[at] for at in of_method]
        if settings[of_method[0]].widens:
            best = of_method[best_widening([settings[at] for at in of_method], changes, k)]
        else:
            best = of_method[best_of(changes, k)]
        chosen[method] = Choice(settings[best], tried[best])
    return chosen
