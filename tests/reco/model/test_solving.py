"""Equations of a user: what is added up and solved is what NumPy says, whatever their size."""

import numpy as np
import pytest

from reco.kernel.solving import add_terms, solve, solve_by_items
from reco.model.latent import solved


@pytest.mark.parametrize("factors", [1, 2, 3, 4, 5, 7, 8, 13, 64])
@pytest.mark.parametrize("terms", [0, 1, 2, 3, 4, 9])
def test_terms_are_added_and_solved_for(factors, terms):
    generator = np.random.default_rng(factors + 100 * terms)
    y = generator.standard_normal((20, factors)).astype(np.float32)
    rows = np.sort(generator.permutation(20)[:terms]).astype(np.int32)
    weight, confidence = generator.uniform(0.1, 2.0, (2, terms))
    left, right = np.diag(generator.uniform(1.0, 3.0, factors)), generator.standard_normal(factors)
    seen = y[rows].astype(np.float64)
    whole = left + seen.T @ (seen * weight[:, np.newaxis])
    side = right + confidence @ seen
    add_terms(y, rows, weight, confidence, left, right)
    np.testing.assert_allclose(left, whole, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(right, side, rtol=1e-12, atol=1e-12)
    both = np.stack([right, -2.0 * right])
    found = solved(left, both)
    np.testing.assert_allclose(found, np.linalg.solve(whole, both.T).T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(left, whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("factors", [1, 3, 8, 13])
@pytest.mark.parametrize("terms", [0, 1, 4, 9, 20])
def test_by_items_the_same_is_solved(factors, terms):
    generator = np.random.default_rng(factors + 100 * terms)
    y = generator.standard_normal((20, factors)).astype(np.float32)
    rows = np.sort(generator.permutation(20)[:terms]).astype(np.int32)
    weight, diagonal = generator.uniform(0.0, 2.0, terms), generator.uniform(0.5, 3.0, factors)
    weight[:1] = 0.0
    seen = y[rows].astype(np.float64)
    whole = np.diag(diagonal) + seen.T @ (seen * weight[:, np.newaxis])
    found = np.empty(factors)
    assert solve_by_items(y, rows, weight, diagonal, found)
    np.testing.assert_allclose(found, np.linalg.solve(whole, weight @ seen), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bad", [-1.0, 0.0, np.nan, np.inf])
@pytest.mark.parametrize("at", range(9))
def test_what_has_no_single_solution_is_said(bad, at):
    left = np.eye(9)
    left[at, at] = bad
    assert not solve(left, np.ones((1, 9)))
    with pytest.raises(np.linalg.LinAlgError):
        solved(left, np.ones((1, 9)))
