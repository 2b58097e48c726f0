"""How long a fit of our iALS takes beside implicit's ALS, how well each then ranks, and a fold-in.

`python -m tests.benchmarks.fits --users 800000 --items 100000 --interactions 16000000`, and `--only
ours`, `--only implicit` for the memory of each alone (the matrix is made in a process of its own)

People of the simulated matrix like three groups of items each, and popular ones more. Both fit the
same matrix by the same loss (but that ours counts the unobserved part of observed pairs too), and
are judged by what was held out, of people whose factors are solved for exactly. The defaults are
the best that implicit had on a tenth of the matrix.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from reco.console import console
from reco.model.history import History
from training.evaluate import Task, evaluate
from training.intervals import mean_intervals
from training.models.ials import IalsParameters, fit_ials

GROUP = 250
"""Items of a group."""
TASTES = 3
"""Groups that a person likes."""
JUDGED = 4_000


def synthetic(users, items, interactions, seed=0):
    """Return a matrix of tastes, with long tails on both sides."""
    generator = np.random.default_rng(seed)
    groups = max(1, items // GROUP)
    user = np.minimum(generator.pareto(1.5, interactions) * users / 20, users - 1).astype(np.int64)
    user = generator.permutation(users)[(user + generator.integers(0, users, interactions)) % users]
    tastes = generator.integers(0, groups, (users, TASTES))
    liked = tastes[user, generator.integers(0, TASTES, interactions)]
    anything = generator.integers(0, groups, interactions)
    group = np.where(generator.random(interactions) < 0.7, liked, anything)
    rank = np.minimum(generator.pareto(1.1, interactions) * GROUP / 50, GROUP - 1).astype(np.int64)
    pairs = np.unique(user * items + rank * groups + group)
    ones = np.ones(len(pairs), dtype=np.float32)
    return csr_array((ones, np.divmod(pairs, items)), shape=(users, items))


def held_out(matrix, seed=0):
    """Return the matrix without a fifth of what some people met, and that as a task."""
    generator = np.random.default_rng(seed)
    long_enough = np.flatnonzero(np.diff(matrix.indptr) >= 10)
    users = np.sort(generator.permutation(long_enough)[:JUDGED]).astype(np.int32)
    user = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    out = np.isin(user, users) & (generator.random(matrix.nnz) < 0.2)

    def part(kept):
        pairs = (user[kept], matrix.indices[kept])
        return csr_array((matrix.data[kept], pairs), shape=matrix.shape)

    known, targets = part(~out), part(out).astype(bool)[users]
    users, targets = users[np.diff(targets.indptr) > 0], targets[np.diff(targets.indptr) > 0]
    closed = np.zeros(matrix.shape[1], dtype=bool)
    return known, Task(users, targets, known.astype(bool), closed, targets.nnz, 0, 0, len(users))


def clocks():
    """Return the seconds of the wall and of the CPU, all threads together."""
    return time.perf_counter(), time.process_time()


def told(name, begun):
    """Say what has passed since `begun`."""
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    wall_s, cpu_s = (now - then for now, then in zip(clocks(), begun, strict=True))
    console.print(f"{name}: {wall_s:.1f} s so far, {cpu_s:.1f} s of CPU; peak {peak_gb:.2f} GB")


def judged(name, score_users, task):
    """Say how well a model ranks what was held out; return the figure of each person."""
    figures = evaluate(score_users, task, np.zeros(task.targets.shape[1], np.float32), (20,))
    say_mean(f"{name}: ndcg@20", figures["ndcg@20"])
    return figures["ndcg@20"]


def say_mean(name, figures):
    """Say the mean of figures and its interval."""
    found = mean_intervals(figures[:, np.newaxis])[0]
    console.print(f"{name} {found.value:.4f} ({found.low:.4f} .. {found.high:.4f})")


def fit_implicit(matrix, chosen):
    """Return implicit's model by conjugate gradients, fitted."""
    model = AlternatingLeastSquares(
        factors=chosen.factors,
        iterations=chosen.iterations,
        regularization=chosen.ridge,
        use_cg=True,
        random_state=0,
    )
    # The entries alone are its own: both models are given one matrix.
    weights = matrix.data * np.float32(1.0 + chosen.alpha)
    confidence = csr_matrix((weights, matrix.indices, matrix.indptr), shape=matrix.shape)
    begun = clocks()
    model.fit(
        confidence,
        show_progress=False,
        callback=lambda *_: told("implicit (CG), an iteration", begun),
    )
    told("implicit (CG), all of the fit", begun)

    def score_users(users):
        factors = model.recalculate_user(users, confidence[users])
        return (factors @ model.item_factors.T).astype(np.float64)

    return score_users


def fold_ins(scorer, items):
    """Say how long it takes to solve for a user."""
    generator = np.random.default_rng(0)
    for size in (5, 20, 60, 200):
        rows = np.unique(generator.integers(0, items, size)).astype(np.int32)
        ones, taken_ms = np.ones(len(rows), dtype=np.float32), []
        for _ in range(200):
            # A new one each time: a history is solved for once.
            history = History(rows, ones)
            start = time.process_time()
            scorer.user_factor(history)
            taken_ms.append(1e3 * (time.process_time() - start))
        console.print(f"fold-in of {len(rows)} items: {np.median(taken_ms):.3f} ms of CPU (median)")


def settings():
    """Return the arguments of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=80_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--interactions", type=int, default=1_600_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=30.0)
    parser.add_argument("--ridge", type=float, default=600.0)
    parser.add_argument("--only", choices=("ours", "implicit"), help="Fit one; default: both.")
    return parser.parse_args()


def fit_ours(matrix, chosen):
    """Return our iALS, fitted."""
    parameters = IalsParameters(
        factors=chosen.factors,
        iterations=chosen.iterations,
        unobserved_weight=1.0 / (1.0 + chosen.alpha),
        regularisation=chosen.ridge / (1.0 + chosen.alpha),
        nu=0.0,
    )
    begun = clocks()
    fitted = fit_ials(matrix, parameters, lambda: told("our iALS, an iteration", begun))
    told("our iALS, all of the fit", begun)
    return fitted


def made(chosen):
    """Return what is fitted and what is to be found."""
    return held_out(synthetic(chosen.users, chosen.items, chosen.interactions))


def main():
    chosen = settings()
    with ProcessPoolExecutor(1, get_context("spawn")) as maker:
        # What it takes to make them is none of the fits' memory.
        matrix, task = maker.submit(made, chosen).result()
    console.print(
        f"{chosen.users:,} x {chosen.items:,}, {matrix.nnz:,} pairs, {chosen.factors} factors, "
        f"{len(task.users):,} people judged"
    )
    told("before any fit", clocks())
    figures = []
    if chosen.only != "implicit":
        ours = fit_ours(matrix, chosen)
        figures.append(judged("our iALS", ours.score_users, task))
        fold_ins(ours.scorer, chosen.items)
    if chosen.only != "ours":
        with threadpool_limits(1, "blas"):
            figures.append(judged("implicit (CG)", fit_implicit(matrix, chosen), task))
    if not chosen.only:
        say_mean("ours less implicit's, person by person:", figures[0] - figures[1])


if __name__ == "__main__":
    main()
