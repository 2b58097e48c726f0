"""ALS on Spark beside the local one, with equal settings: ndcg@20 of the same people, paired.

`python -m tests.benchmarks.spark DIR --format lightgcn --split given --part test --factors 64 \
--regularisation 1 --alpha 10 --iterations 15 --master local[2]`

Needs the extra `spark` and Java 17. `--part test` reads the test part: once, with settings that are
chosen elsewhere.
"""

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from reco.console import console
from training.accuracy import accuracy_plan
from training.datasets.readers import source_of
from training.distributed import spark_parameters
from training.evaluate import evaluate, task_of
from training.extract import events_from_source
from training.intervals import mean_intervals
from training.models.als import AlsParameters
from training.models.popularity import item_popularity
from training.tune import rehearse


def judged(name, part, parameters):
    """Say how well a model ranks what comes after its part; return the figure of each person."""
    began = time.perf_counter()
    rehearsed = rehearse(part, parameters, lambda: None)
    fit_s = time.perf_counter() - began
    popularity = item_popularity(rehearsed.matrix)
    figures = evaluate(rehearsed.fitted.score_users, task_of(part), popularity, (20,))["ndcg@20"]
    console.print(f"{name}: ndcg@20 {figures.mean():.5f}, fitted in {fit_s:.0f} s")
    return figures


def settings():
    """Return the arguments of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", required=True)
    parser.add_argument("--split", choices=["given", "time"], required=True)
    parser.add_argument("--part", choices=["valid", "test"], default="valid")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--spark-folder", type=Path, help="That this machine and a cluster share.")
    defaults = asdict(AlsParameters())
    for name in ("factors", "regularisation", "alpha", "iterations"):
        parser.add_argument(f"--{name}", type=type(defaults[name]), default=defaults[name])
    return parser.parse_args()


def main():
    chosen = settings()
    plan = accuracy_plan(events_from_source(source_of(chosen.folder, chosen.format)), chosen.split)
    part = plan.final if chosen.part == "test" else plan.rehearsal
    local = AlsParameters(
        factors=chosen.factors,
        regularisation=chosen.regularisation,
        alpha=chosen.alpha,
        iterations=chosen.iterations,
    )
    here = judged("local", part, local)
    there = judged("Spark", part, spark_parameters(local, chosen.master, chosen.spark_folder))
    change = mean_intervals((there - here)[:, np.newaxis])[0]
    value, low, high = (100.0 * of / here.mean() for of in (change.value, change.low, change.high))
    console.print(f"Spark less local: {value:+.2f} % ({low:+.2f} .. {high:+.2f})")


if __name__ == "__main__":
    main()
