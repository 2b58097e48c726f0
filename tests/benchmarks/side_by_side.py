"""Two settings of one model, compared user by user.

`python -m tests.benchmarks.side_by_side DIR --format yelp-poi --split given --model hybrid \
--config A.toml --beside B.toml --k 10 --part valid`

Prints what each reaches and what B changes, judged as in `reco benchmark accuracy`. Choose on
`--part valid`; `--part test` is to be read once. No fit sees the validation part.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from reco.console import console
from training.accuracy import accuracy_plan, without_validation
from training.configuration import start_parameters
from training.datasets.readers import source_of
from training.evaluate import evaluate, task_of
from training.extract import events_from_source
from training.fits import PARAMETERS
from training.intervals import mean_intervals
from training.models.popularity import item_popularity
from training.tune import rehearse


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", required=True)
    parser.add_argument("--split", choices=["given", "time"], required=True)
    parser.add_argument("--model", choices=sorted(PARAMETERS), required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--beside", type=Path, required=True)
    parser.add_argument("--part", choices=["valid", "test"], default="valid")
    parser.add_argument("--k", type=int, default=10)
    chosen = parser.parse_args()
    plan = accuracy_plan(events_from_source(source_of(chosen.folder, chosen.format)), chosen.split)
    # No validation part in what is fitted, so that both parts judge fits of as much.
    part = plan.rehearsal if chosen.part == "valid" else without_validation(plan).final
    settings = [start_parameters(chosen.model, path) for path in (chosen.config, chosen.beside)]
    show(str(chosen.folder), *[figures(part, parameters, chosen.k) for parameters in settings])


def figures(part, parameters, k):
    """Return the figures of each user of `part`'s future, of a model of its past."""
    fitted = rehearse(part, parameters, lambda: None)
    popularity = item_popularity(fitted.matrix)
    of_users = evaluate(fitted.fitted.score_users, task_of(part), popularity, (k,))
    return {name: of_users[name] for name in (f"recall_full@{k}", f"ndcg@{k}")}


def show(whose, plain, changed):
    """Print the figures of two models, each by users (n,), and the change."""
    for name, before in plain.items():
        after, known = changed[name], ~np.isnan(before)
        table = np.stack([before, after, after - before], axis=1)[known]
        first, second, change = mean_intervals(table)
        base = first.value or np.nan
        percent = replace(change, **{at: 100 * f / base for at, f in vars(change).items()})
        console.print(
            f"{whose}: {name}, {known.sum():,} users: "
            f"{told(first, '.4f')}, then {told(second, '.4f')}, "
            f"change in % {told(percent, '+.1f')}",
            soft_wrap=True,
        )


def told(estimate, form):
    return f"{estimate.value:{form}} ({estimate.low:{form}} .. {estimate.high:{form}})"


if __name__ == "__main__":
    main()
