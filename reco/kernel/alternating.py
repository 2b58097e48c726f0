"""The half-step of alternating least squares: each row's factor, given those of the other side."""

import numpy as np
from numba import boolean, float32, int64

from reco.kernel.compiled import READ_F32, READ_F64, READ_I32, READ_I64, READ_MATRIX_F32, compiled


@compiled(
    boolean(
        READ_I64, READ_I32, READ_F32, READ_MATRIX_F32, READ_F64, READ_F64, READ_F64,
        int64, int64, int64, float32[:, ::1],
    )
)  # fmt: skip
def solve_rows(
    start, column, weight, fixed, axes, axes_scale, ridge, block, first, last, factors
):  # fmt: skip
    """Solve for the factors of the rows `first` to `last`, in place.

    Row r minimises `sum of w (1 - x y)^2 + sum over axes of (axes_scale[r] axes + ridge[r]) x^2`.
    Rows of fewer entries than factors are solved exactly (Woodbury); others by one pass over blocks
    of factors (iALS++, Rendle et al. 2021), which is exact where one block holds all.

    Parameters
    ----------
    start, column, weight
        The matrix, by row; weights are positive.
    fixed
        (J, F) the other side, in axes in which its own unobserved part is diagonal.
    axes
        (F,) that diagonal.
    axes_scale, ridge
        (N,) by row.
    block
        Factors solved at once.
    factors
        (N, F) start values, and results.
    """
    size = fixed.shape[1]
    ones = np.ones(size, dtype=np.float32)
    diagonal = np.empty(size, dtype=np.float32)
    for row in range(first, last):
        begin, count = start[row], start[row + 1] - start[row]
        if count == 0:
            factors[row] = float32(0.0)
            continue
        seen = np.empty((count, size), dtype=np.float32)
        for place in range(count):
            seen[place] = fixed[column[begin + place]]
        observed = weight[begin : begin + count]
        for factor in range(size):
            diagonal[factor] = axes_scale[row] * axes[factor] + ridge[row]
        if count < size:
            over = seen / diagonal
            inner = np.dot(seen, over.T)
            for place in range(count):
                inner[place, place] += float32(1.0) / observed[place]
            factors[row] = np.dot(np.linalg.solve(inner, ones[:count]), over)
            continue
        current = factors[row].copy()
        said = np.dot(seen, current)
        for low in range(0, size, block):
            high = min(low + block, size)
            part = np.ascontiguousarray(seen[:, low:high])
            slope = np.dot((said - float32(1.0)) * observed, part)
            slope += diagonal[low:high] * current[low:high]
            curve = np.dot((part * observed.reshape(-1, 1)).T, part)
            for factor in range(high - low):
                curve[factor, factor] += diagonal[low + factor]
            step = np.linalg.solve(curve, slope)
            current[low:high] -= step
            said -= np.dot(part, step)
        factors[row] = current
    return True
