"""A user's factors, solved for in serving as in training."""

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from reco.model.factors import Factors
from reco.model.history import History

ALPHA, REGULARISATION = 7.0, 0.3


def scorer_of(items=30, factors=8, seed=0):
    values = np.random.default_rng(seed).normal(size=(items, factors)).astype(np.float32)
    wide = values.astype(np.float64)
    return Factors(values, wide.T @ wide, alpha=ALPHA, regularisation=REGULARISATION)


def test_the_user_factor_is_the_minimum_of_the_weighted_loss():
    scorer = scorer_of()
    rows, weights = np.array([3, 11, 20]), np.array([1.0, 0.1, 0.5])
    found = scorer.user_factor(History(rows.astype(np.int32), weights.astype(np.float32)))
    confidence, wanted = np.ones(30), np.zeros(30)
    confidence[rows] += ALPHA * weights.astype(np.float32).astype(float)
    wanted[rows] = 1.0
    factors = scorer.item_factors.astype(float)
    slope = factors.T @ (confidence * (factors @ found - wanted)) + REGULARISATION * found
    np.testing.assert_allclose(slope, 0, atol=1e-9)


def test_it_is_the_solve_of_training():
    scorer = scorer_of(60, 16)
    generator = np.random.default_rng(5)
    dense = generator.choice([0.0, 0.1, 1.0], size=(20, 60), p=[0.8, 0.1, 0.1])
    dense[:, 0] = 1.0
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=16, regularization=REGULARISATION)
        model.item_factors = scorer.item_factors
        confidence = csr_matrix(np.where(dense > 0, 1.0 + ALPHA * dense, 0.0).astype(np.float32))
        expected = model.recalculate_user(np.arange(20), confidence)
    for row, user in zip(dense, expected, strict=True):
        rows = np.flatnonzero(row).astype(np.int32)
        found = scorer.user_factor(History(rows, row[rows].astype(np.float32)))
        np.testing.assert_allclose(found, user, rtol=1e-3, atol=1e-5)
