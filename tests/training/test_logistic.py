"""The likeliest weights: told by the conditions of the least of a convex function."""

import numpy as np
import pytest
from scipy.optimize import Bounds, minimize

from training.logistic import Sample, weight_of_draws

PAIRS, KINDS = 400, 9


@pytest.fixture(scope="module")
def drawn() -> Sample:
    generator = np.random.default_rng(5)
    columns = generator.random((PAIRS, KINDS)) * generator.choice([0.1, 1.0, 5.0], KINDS)
    chance = 1.0 / (1.0 + np.exp(2.0 - columns @ generator.normal(size=KINDS)))
    return Sample(
        columns,
        generator.random(PAIRS) < chance,
        offset=generator.normal(size=PAIRS),
        weight=generator.choice([1.0, 400.0], PAIRS),
        smooth=(slice(2, 6),),
        ridge=np.linspace(0.01, 2.0, KINDS),
    )


LEAST = np.array([-np.inf, 0.0, 0.05, 0.05, 0.05, 0.05, -np.inf, 0.0, 3.0])


def test_slope_and_curvature_are_those_of_the_loss(drawn):
    weights, step = np.linspace(-0.5, 0.5, KINDS), 1e-6
    around = [
        [drawn.loss(weights + sign * step * one) for sign in (1, -1)] for one in np.eye(KINDS)
    ]
    slope = [(up[0] - down[0]) / (2 * step) for up, down in around]
    curvature = [(up[1] - down[1]) / (2 * step) for up, down in around]
    np.testing.assert_allclose(drawn.loss(weights)[1], slope, rtol=1e-5, atol=1e-2)
    np.testing.assert_allclose(drawn.curvature(weights), curvature, rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("start", [0.0, 30.0])
def test_no_weight_within_its_bound_can_lessen_the_loss(drawn, start):
    found = drawn.fitted(np.full(KINDS, start), LEAST)
    slope = drawn.loss(found)[1]
    is_bound = found <= LEAST
    assert (found >= LEAST).all()
    assert 0 < is_bound.sum() < KINDS
    np.testing.assert_allclose(slope[~is_bound], 0.0, atol=0.05)
    assert (slope[is_bound] > -0.05).all()


def test_it_is_as_likely_as_what_a_general_search_finds(drawn):
    found = drawn.fitted(np.zeros(KINDS), LEAST)
    options = {"maxiter": 10_000, "maxfun": 100_000, "ftol": 1e-14, "gtol": 1e-9}
    other = minimize(
        drawn.loss, np.maximum(0.0, LEAST), jac=True, bounds=Bounds(LEAST, np.inf),
        method="L-BFGS-B", options=options,
    )  # fmt: skip
    assert drawn.loss(found)[0] <= other.fun + 1e-4
    np.testing.assert_allclose(found, other.x, atol=1e-3)


def test_what_is_the_likeliest_already_stays(drawn):
    found = drawn.fitted(np.zeros(KINDS), LEAST)
    np.testing.assert_allclose(drawn.fitted(found, LEAST), found, atol=1e-6)


def test_pairs_weigh_what_they_stand_for_beside_a_booked_one():
    is_booked, drawn = np.array([True, True, False, False]), np.array([0.5, 0.25, 1.0, 0.1])
    weight = weight_of_draws(is_booked, drawn)
    np.testing.assert_allclose(weight, [2 / 3, 4 / 3, 1 / 3, 10 / 3])
    assert weight[is_booked].sum() == pytest.approx(2.0)
    np.testing.assert_allclose(weight_of_draws(~is_booked & is_booked, drawn), 1.0 / drawn)
