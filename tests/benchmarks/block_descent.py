"""What trains our iALS, conjugate gradients, beside the block coordinate descent of iALS++.

`python -m tests.benchmarks.block_descent DIR --format lightgcn --config FILE` (settings of iALS
without balances of categories or recency), or without a folder on the matrix of
`tests.benchmarks.fits`. Fits on the training part, judges the validation part.

iALS++ (Rendle et al. 2021, "iALS++: Speeding up matrix factorization with subspace optimization")
minimises a row's loss over a block of its factors at a time, by a whole solve of the block. It is
put in place of the conjugate gradients, all else is the same code: the loss, the axes, the threads.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numba import boolean, float32, float64, int64

from reco.console import console
from reco.kernel.compiled import READ_F32, READ_F64, READ_I32, READ_I64, READ_MATRIX_F32, compiled
from reco.kernel.solving import solve
from tests.benchmarks.fits import held_out, synthetic
from training.accuracy import accuracy_plan
from training.configuration import read_parameters
from training.datasets.readers import source_of
from training.evaluate import evaluate, task_of
from training.extract import events_from_source
from training.models.ials import IalsParameters, fit_ials
from training.models.popularity import item_popularity
from training.tune import rehearse


@compiled(
    boolean(
        READ_MATRIX_F32, READ_F32, READ_F32, int64, float64[:, ::1], float64[:, ::1]
    ),
    reorders=True,
)  # fmt: skip
def add_block(seen, weight, short, low, curve, slope):
    """Add the observed part of a block's gradient and curvature, that of its factors from `low`."""
    width = curve.shape[0]
    for place in range(len(weight)):
        of = seen[place, low : low + width]
        for factor in range(width):
            times, into = weight[place] * of[factor], curve[factor]
            slope[0, factor] += times * short[place]
            for other in range(width):
                into[other] += times * of[other]
    return True


@compiled(
    boolean(READ_MATRIX_F32, READ_F32, READ_F32, int64, float32[::1], float32[::1]),
    reorders=True,
)
def descend(seen, weight, diagonal, block, x, short):
    """Minimise `weight (1 - seen x)^2 + diagonal x^2` over one block of `x` (F,) after another."""
    size = len(x)
    for place in range(len(weight)):
        said = float32(-1.0)
        for factor in range(size):
            said += seen[place, factor] * x[factor]
        short[place] = said
    for low in range(0, size, block):
        width = min(block, size - low)
        curve, slope = np.zeros((width, width)), np.zeros((1, width))
        for factor in range(width):
            curve[factor, factor] = diagonal[low + factor]
            slope[0, factor] = diagonal[low + factor] * x[low + factor]
        add_block(seen, weight, short, low, curve, slope)
        if not solve(curve, slope):
            raise ValueError("A block has no single solution.")
        for factor in range(width):
            x[low + factor] -= slope[0, factor]
        for place in range(len(weight)):
            of, less = seen[place, low : low + width], float32(0.0)
            for factor in range(width):
                less += of[factor] * float32(slope[0, factor])
            short[place] -= less
    return True


@compiled(
    boolean(
        READ_I64, READ_I32, READ_F32, READ_MATRIX_F32, READ_F64, READ_F64, READ_F64,
        int64, int64, int64, float32[:, ::1],
    ),
    reorders=True,
)  # fmt: skip
def descend_by_blocks(
    start, column, weight, fixed, axes, axes_scale, ridge, block, first, last, factors
):  # fmt: skip
    """As `reco.kernel.alternating.improve_rows`, by one pass over blocks of so many factors."""
    diagonal = np.empty(fixed.shape[1], dtype=np.float32)
    for row in range(first, last):
        begin, count = start[row], start[row + 1] - start[row]
        if count == 0:
            factors[row] = float32(0.0)
            continue
        seen, short = np.empty((count, len(diagonal)), np.float32), np.empty(count, np.float32)
        for place in range(count):
            seen[place] = fixed[column[begin + place]]
        for factor in range(len(diagonal)):
            diagonal[factor] = axes_scale[row] * axes[factor] + ridge[row]
        descend(seen, weight[begin : begin + count], diagonal, block, factors[row], short)
    return True


def told(name, matrix, parameters, task, k):
    """Fit, and say how long an iteration takes and what is found after some of them."""
    lines = []
    for iterations in (2, 4, 8):
        began = time.process_time()
        fitted = fit_ials(matrix, replace(parameters, iterations=iterations), lambda: None)
        taken_s = time.process_time() - began
        figures = evaluate(fitted.score_users, task, item_popularity(matrix), (k,))
        lines.append(f"{iterations} in {taken_s:.1f} s: {figures[f'ndcg@{k}'].mean():.4f}")
    console.print(f"{name}: {'; '.join(lines)}", soft_wrap=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--format", default="lightgcn")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--k", type=int, default=20)
    chosen = parser.parse_args()
    if chosen.folder and not chosen.config:
        parser.error("a folder needs --config")
    if chosen.folder is None:
        matrix, task = held_out(synthetic(80_000, 10_000, 1_600_000))
        parameters = IalsParameters(
            factors=64, unobserved_weight=1 / 31, regularisation=600 / 31, nu=0.0
        )
    else:
        events = events_from_source(source_of(chosen.folder, chosen.format))
        part = accuracy_plan(events, "given").rehearsal
        task, parameters = task_of(part), read_parameters(chosen.config, "ials")
        matrix = rehearse(part, replace(parameters, iterations=1), lambda: None).matrix
    console.print(f"ndcg@{chosen.k} by iterations, seconds of CPU")
    for steps in (1, 3):
        parameters = replace(parameters, solver_steps=steps)
        told(f"conjugate gradients, {steps} steps", matrix, parameters, task, chosen.k)
    for block in (8, 16, 32):
        with patch("training.models.ials.improve_rows", descend_by_blocks):
            parameters = replace(parameters, solver_steps=block)
            told(f"blocks of {block}", matrix, parameters, task, chosen.k)


if __name__ == "__main__":
    main()
