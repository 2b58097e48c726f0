"""The half-step of alternating least squares: each row's factor, given those of the other side."""

import numpy as np
from numba import boolean, float32, int64

from reco.kernel.compiled import READ_F32, READ_F64, READ_I32, READ_I64, READ_MATRIX_F32, compiled


@compiled(boolean(READ_MATRIX_F32, READ_F32, float32, READ_F32, float32[::1]), reorders=True)
def pull(seen, weight, target, current, total):
    """Add `sum of weight * (target - seen @ current) * seen` to `total` (F,), four rows at once."""
    size, count = len(total), len(weight)
    whole = count - count % 4
    for place in range(0, whole, 4):
        a, b, c, d = seen[place], seen[place + 1], seen[place + 2], seen[place + 3]
        of_a, of_b, of_c, of_d = float32(0.0), float32(0.0), float32(0.0), float32(0.0)
        for factor in range(size):
            of_a += a[factor] * current[factor]
            of_b += b[factor] * current[factor]
            of_c += c[factor] * current[factor]
            of_d += d[factor] * current[factor]
        of_a = weight[place] * (target - of_a)
        of_b = weight[place + 1] * (target - of_b)
        of_c = weight[place + 2] * (target - of_c)
        of_d = weight[place + 3] * (target - of_d)
        for factor in range(size):
            total[factor] += (
                of_a * a[factor] + of_b * b[factor] + of_c * c[factor] + of_d * d[factor]
            )
    for place in range(whole, count):
        a = seen[place]
        of_a = float32(0.0)
        for factor in range(size):
            of_a += a[factor] * current[factor]
        of_a = weight[place] * (target - of_a)
        for factor in range(size):
            total[factor] += of_a * a[factor]
    return True


@compiled(
    boolean(
        READ_MATRIX_F32, READ_F32, READ_F32, READ_F32, int64, float32[:, ::1], float32[::1]
    ),
    reorders=True,
)  # fmt: skip
def approach(seen, weight, diagonal, curve, steps, room, x):
    """Bring `x` (F,) nearer to the minimum of `weight (1 - seen x)^2 + diagonal x^2`, in place.

    Parameters
    ----------
    curve
        (F,) what the gradient is divided by: the diagonal of the whole system.
    room
        (3, F) to work in.
    """
    size, residual, direction, pulled = len(x), room[0], room[1], room[2]
    for factor in range(size):
        residual[factor] = -diagonal[factor] * x[factor]
    pull(seen, weight, float32(1.0), x, residual)
    slope = float32(0.0)
    for factor in range(size):
        direction[factor] = residual[factor] / curve[factor]
        slope += residual[factor] * direction[factor]
    for _ in range(steps):
        for factor in range(size):
            pulled[factor] = -diagonal[factor] * direction[factor]
        pull(seen, weight, float32(0.0), direction, pulled)
        bend = float32(0.0)
        for factor in range(size):
            bend -= direction[factor] * pulled[factor]
        if not bend > float32(0.0):
            break
        length, before, slope = slope / bend, slope, float32(0.0)
        for factor in range(size):
            x[factor] += length * direction[factor]
            residual[factor] += length * pulled[factor]
            slope += residual[factor] * residual[factor] / curve[factor]
        turn = slope / before
        for factor in range(size):
            direction[factor] = residual[factor] / curve[factor] + turn * direction[factor]
    return True


@compiled(
    boolean(
        READ_I64, READ_I32, READ_F32, READ_MATRIX_F32, READ_F64, READ_F64, READ_F64,
        int64, int64, int64, float32[:, ::1],
    ),
    reorders=True,
)  # fmt: skip
def improve_rows(
    start, column, weight, fixed, axes, axes_scale, ridge, steps, first, last, factors
):  # fmt: skip
    """Bring the factors of the rows `first` to `last` nearer to their minimum, in place.

    Row r minimises `sum of w (1 - x y)^2 + sum over axes of (axes_scale[r] axes + ridge[r]) x^2`.
    Conjugate gradients from the factors as they are (Takacs et al. 2011), here preconditioned by
    the diagonal, which holds all of the unobserved part: a few steps come near.

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
    steps
        Of conjugate gradients.
    factors
        (N, F) start values, and results.
    """
    size, most = fixed.shape[1], int64(0)
    for row in range(first, last):
        most = max(most, start[row + 1] - start[row])
    rows, room = np.empty((most, size), dtype=np.float32), np.empty((3, size), dtype=np.float32)
    diagonal, curve = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.float32)
    for row in range(first, last):
        begin, count = start[row], start[row + 1] - start[row]
        if count == 0:
            factors[row] = float32(0.0)
            continue
        seen, observed = rows[:count], weight[begin : begin + count]
        for factor in range(size):
            diagonal[factor] = axes_scale[row] * axes[factor] + ridge[row]
            curve[factor] = diagonal[factor]
        for place in range(count):
            source, kept, of = fixed[column[begin + place]], seen[place], observed[place]
            for factor in range(size):
                kept[factor] = source[factor]
                curve[factor] += of * source[factor] * source[factor]
        approach(seen, observed, diagonal, curve, steps, room, factors[row])
    return True
