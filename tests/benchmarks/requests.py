"""What a request takes to score a whole catalogue, for the people that a model is tested on.

`python -m tests.benchmarks.requests DIR --format lightgcn --split given --model hybrid --config F`

Seconds of CPU, the least of five for each of 200 people drawn at random, then the median over them:
the exact scores, and the bounds that a feed begins with, each with the fold-in.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from reco.console import console
from reco.model.history import History
from reco.model.scorer import Bounds
from training.accuracy import accuracy_plan
from training.configuration import start_parameters
from training.datasets.readers import source_of
from training.evaluate import task_of
from training.extract import events_from_source
from training.tune import rehearse

PEOPLE = 200
ROUNDS = 5


def least_ms(request):
    """Return the least that a request takes."""
    taken_s = []
    for _ in range(ROUNDS):
        began = time.process_time()
        request()
        taken_s.append(time.process_time() - began)
    return 1e3 * min(taken_s)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", required=True)
    parser.add_argument("--split", choices=["given", "time"], required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--config", type=Path)
    chosen = parser.parse_args()
    plan = accuracy_plan(events_from_source(source_of(chosen.folder, chosen.format)), chosen.split)
    parameters = start_parameters(chosen.model, chosen.config)
    rehearsed = rehearse(plan.final, parameters, lambda: None)
    scorer, matrix = rehearsed.fitted.scorer, rehearsed.matrix
    rows = np.arange(matrix.shape[1], dtype=np.int32)
    room = Bounds(*np.empty((2, len(rows)), dtype=np.float32))
    users = np.random.default_rng(0).permutation(task_of(plan.final).users)[:PEOPLE]
    taken_ms = []
    for user in users:
        of = matrix[[user]]

        def asked(of=of):
            # A new one each time: a history is solved for once.
            return History(of.indices.astype(np.int32), of.data)

        taken_ms.append(
            (
                least_ms(lambda asked=asked: scorer.scores(asked(), rows)),
                least_ms(lambda asked=asked: scorer.bounds(asked(), rows, room)),
            )
        )
    exact, coarse = np.median(taken_ms, axis=0)
    met = np.median(np.diff(matrix.indptr)[users])
    console.print(
        f"{parameters.kind}: {len(rows):,} items, {met:.0f} in the median history; "
        f"exact {exact:.2f} ms, in bounds {coarse:.2f} ms"
    )


if __name__ == "__main__":
    main()
