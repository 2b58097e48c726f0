"""Conjugate gradients of iALS: what they come to, and how soon."""

import numpy as np
import pytest

from reco.kernel.alternating import improve_rows

ROWS, COLUMNS, FACTORS = 30, 80, 21
AXES = np.linspace(0.0, 6.0, FACTORS)


@pytest.fixture(scope="module")
def world():
    """Rows of 0 to 60 entries, in no order, with the factors of the other side."""
    generator = np.random.default_rng(5)
    counts = generator.integers(1, 60, ROWS)
    counts[:9] = [0, 1, 2, 3, 4, 5, 8, 9, 60]
    start = np.concatenate([[0], np.cumsum(counts)])
    column = np.concatenate([generator.permutation(COLUMNS)[:count] for count in counts])
    weight = generator.uniform(0.1, 2.0, len(column)).astype(np.float32)
    fixed = generator.standard_normal((COLUMNS, FACTORS)).astype(np.float32)
    scale, ridge = generator.uniform(0.2, 2.0, ROWS), generator.uniform(0.1, 1.0, ROWS)
    return start.astype(np.int64), column.astype(np.int32), weight, fixed, AXES, scale, ridge


@pytest.fixture
def begun():
    return np.random.default_rng(6).standard_normal((ROWS, FACTORS)).astype(np.float32)


def equations(world, row):
    """Return both sides of what the factor of `row` solves."""
    start, column, weight, fixed, axes, scale, ridge = world
    span = slice(start[row], start[row + 1])
    seen, of = fixed[column[span]].astype(float), weight[span].astype(float)
    left = seen.T @ (seen * of[:, None]) + np.diag(scale[row] * axes + ridge[row])
    return left, of @ seen


def loss(world, row, factor):
    left, right = equations(world, row)
    return factor @ left @ factor - 2.0 * right @ factor


def improved(world, begun, steps):
    factors = begun.copy()
    improve_rows(*world, steps, 0, ROWS, factors)
    return factors


def test_many_steps_come_to_the_minimum(world, begun):
    found = improved(world, begun, 60)
    for row in range(1, ROWS):
        expected = np.linalg.solve(*equations(world, row))
        np.testing.assert_allclose(found[row], expected, rtol=1e-3, atol=1e-4)


def test_every_step_comes_nearer(world, begun):
    stages = [begun, *(improved(world, begun, steps) for steps in (1, 2, 3, 6))]
    for row in range(1, ROWS):
        losses = [loss(world, row, stage[row].astype(float)) for stage in stages]
        assert np.all(np.diff(losses) < 1e-4), row


def test_rows_without_entries_are_zero(world, begun):
    assert not improved(world, begun, 3)[0].any()


def test_only_the_rows_asked_for_are_changed(world, begun):
    factors = begun.copy()
    improve_rows(*world, 3, 10, 20, factors)
    np.testing.assert_array_equal(factors[:10], begun[:10])
    np.testing.assert_array_equal(factors[20:], begun[20:])
    np.testing.assert_array_equal(factors[10:20], improved(world, begun, 3)[10:20])
