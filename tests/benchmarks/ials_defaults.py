"""iALS with what it leaves to the data beside fixed settings: ndcg@20 on the validation part.

`python -m tests.benchmarks.ials_defaults DIR --format lightgcn --split given`

Fixed: an unobserved weight of .1 and a regularisation of .03 whatever the data, as they once were.
`drawn` draws a tenth of all bookings for validation.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from features.interactions import BOOKING, SPLITS
from reco.console import console
from training.accuracy import accuracy_plan
from training.datasets.readers import source_of
from training.evaluate import rank_items, sample_of, task_of
from training.extract import events_from_source
from training.intervals import mean_intervals
from training.metrics import user_figures
from training.models.ials import IalsParameters
from training.models.popularity import PopularityParameters, item_popularity
from training.tune import rehearse

K = 20
USERS = 3_000
TRIED = {
    "popularity": PopularityParameters(),
    "fixed": IalsParameters(unobserved_weight=0.1, regularisation=0.03),
    "left to the data": IalsParameters(),
}


def drawn(events):
    """Return the bookings alone, a tenth of them for validation."""
    booked = events.take(events.kind == BOOKING)
    is_held_out = np.random.default_rng(0).random(len(booked)) < 0.1
    part = np.where(is_held_out, SPLITS.index("valid"), SPLITS.index("train"))
    return replace(booked, split=part.astype(np.int8))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", required=True)
    parser.add_argument("--split", choices=["given", "time", "drawn"], required=True)
    parser.add_argument("--half-life-days", type=float)
    chosen = parser.parse_args()
    events = events_from_source(source_of(chosen.folder, chosen.format))
    if chosen.split == "drawn":
        events, chosen.split = drawn(events), "given"
    part = accuracy_plan(events, chosen.split).rehearsal
    task = sample_of(task_of(part), USERS)
    most_popular = None
    for name, tried in TRIED.items():
        parameters = replace(tried, half_life_days=chosen.half_life_days)
        found = rehearse(part, parameters, lambda: None)
        popularity = item_popularity(found.matrix)
        ranked = rank_items(found.fitted.score_users, task, popularity, K)
        figures = user_figures(ranked, task.targets, (K,))
        ndcg = mean_intervals(figures[f"ndcg@{K}"][:, np.newaxis])[0]
        most_popular = ranked if most_popular is None else most_popular
        pairs = zip(ranked, most_popular, strict=True)
        alike = np.mean([len(np.intersect1d(one, other)) / K for one, other in pairs])
        console.print(
            f"{name}: ndcg@{K} {ndcg.value:.4f} ({ndcg.low:.4f} .. {ndcg.high:.4f}), "
            f"{alike:.0%} of the list is popularity's; {found.parameters}",
            soft_wrap=True,
        )


if __name__ == "__main__":
    main()
