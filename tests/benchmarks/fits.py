"""How long a fit of our iALS takes beside implicit's ALS, and how long a fold-in.

`python -m tests.benchmarks.fits --users 800000 --items 100000 --interactions 16000000`
"""

import argparse
import resource
import time

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from reco.console import console
from reco.model.history import History
from training.models.ials import IalsParameters, fit_ials


def synthetic(users, items, interactions, seed=0):
    """Return a matrix of long tails on both sides."""
    generator = np.random.default_rng(seed)
    user = np.minimum(generator.pareto(1.5, interactions) * users / 20, users - 1).astype(np.int64)
    item = np.minimum(generator.pareto(1.1, interactions) * items / 50, items - 1).astype(np.int64)
    spread = generator.permutation(users)[
        (user + generator.integers(0, users, interactions)) % users
    ]
    pairs = np.unique(spread * items + item)
    ones = np.ones(len(pairs), dtype=np.float32)
    return csr_array((ones, np.divmod(pairs, items)), shape=(users, items))


def clocks():
    """Return the seconds of the wall and of the CPU, all threads together."""
    return time.perf_counter(), time.process_time()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=80_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--interactions", type=int, default=1_600_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=2)
    chosen = parser.parse_args()
    matrix = synthetic(chosen.users, chosen.items, chosen.interactions)
    console.print(
        f"{chosen.users:,} x {chosen.items:,}, {matrix.nnz:,} pairs, {chosen.factors} factors"
    )

    def told(name, begun):
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        wall_s, cpu_s = (now - then for now, then in zip(clocks(), begun, strict=True))
        console.print(f"{name}: {wall_s:.1f} s so far, {cpu_s:.1f} s of CPU; peak {peak_gb:.2f} GB")

    begun = clocks()
    settings = IalsParameters(factors=chosen.factors, iterations=chosen.iterations)
    fitted = fit_ials(matrix, settings, lambda: told("our iALS, an iteration", begun))
    told("our iALS, with the exact users at the end", begun)
    begun = clocks()
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=chosen.factors, iterations=chosen.iterations, regularization=10.0, use_cg=True
        )
        model.fit(
            csr_matrix(matrix),
            show_progress=False,
            callback=lambda *_: told("implicit (CG), an iteration", begun),
        )
    generator = np.random.default_rng(0)
    for size in (5, 20, 60, 200):
        rows = np.unique(generator.integers(0, chosen.items, size)).astype(np.int32)
        ones, taken_ms = np.ones(len(rows), dtype=np.float32), []
        for _ in range(200):
            # A new one each time: a history is solved for once.
            history = History(rows, ones)
            start = time.perf_counter()
            fitted.scorer.user_factor(history)
            taken_ms.append(1e3 * (time.perf_counter() - start))
        console.print(f"fold-in of {len(rows)} items: {np.median(taken_ms):.3f} ms (median)")


if __name__ == "__main__":
    main()
