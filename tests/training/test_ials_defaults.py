"""What iALS leaves to the data: settings that neither drown a sparse matrix nor depend on units."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array, diags_array
from tastes import two_tastes

from reco.model.history import History
from training.evaluate import task_of
from training.models.ials import REGULARISATION_SHARE, IalsParameters, fit_ials, scaled_to
from training.models.vanishing import vanishing_regularisation
from training.split import inner_cutoff, time_split
from training.tune import rehearse

SMALL = IalsParameters(factors=8, iterations=20)


@pytest.fixture(scope="module")
def matrix():
    generator = np.random.default_rng(5)
    chance = np.outer(generator.uniform(0.2, 1, 120), generator.uniform(0.01, 0.3, 80))
    return csr_array((generator.random((120, 80)) < chance).astype(np.float32))


def test_it_is_the_largest_singular_value_of_the_scaled_matrix(matrix):
    generator = np.random.default_rng(6)
    user, item = generator.uniform(1, 9, 120), generator.uniform(1, 9, 80)
    scaled = diags_array(user**-0.5) @ matrix @ diags_array(item**-0.5)
    expected = np.linalg.svd(scaled.toarray(), compute_uv=False)[0]
    assert vanishing_regularisation(matrix, user, item) == pytest.approx(expected, rel=1e-3)
    nothing = csr_array(matrix.shape, dtype=np.float32)
    assert vanishing_regularisation(nothing, user, item) == 0.0


@pytest.mark.parametrize(("times", "is_gone"), [(1.1, True), (0.8, False)])
def test_factors_vanish_beyond_it_and_not_before(matrix, times, is_gone):
    vanishing = scaled_to(matrix, SMALL).regularisation / REGULARISATION_SHARE
    settings = replace(SMALL, regularisation=times * vanishing, iterations=200)
    factors = fit_ials(matrix, settings, lambda: None).scorer.item_factors
    assert (np.abs(factors).max() < 1e-3) == is_gone


def test_weights_in_another_unit_give_the_same_scores(matrix):
    users = np.arange(matrix.shape[0], dtype=np.int32)
    tenth = csr_array((matrix * np.float32(0.1)).astype(np.float32))
    one, other = (fit_ials(weights, SMALL, lambda: None) for weights in (matrix, tenth))
    np.testing.assert_allclose(one.score_users(users), other.score_users(users), atol=1e-3)


@pytest.mark.parametrize("others", [60, 100_000])
def test_tastes_are_told_apart_however_many_people_did_nothing(others):
    events = two_tastes(users=others)
    events = events.take(events.user < 60)
    part = time_split(events, inner_cutoff(events))
    task, found = task_of(part), rehearse(part, SMALL, lambda: None)
    scores = found.fitted.score_users(task.users)
    is_own = (task.users[:, np.newaxis] + np.arange(scores.shape[1])) % 2 == 0
    known = ~np.isnan(scores)
    assert scores[is_own & known].mean() > 3.0 * scores[~is_own & known].mean()


def test_of_a_matrix_without_events_nothing_can_be_said_whoever_asks():
    scorer = fit_ials(csr_array((5, 4), dtype=np.float32), SMALL, lambda: None).scorer
    somebody = History.of(np.array([0]), np.ones(1, dtype=np.float32))
    assert np.isnan(scorer.scores(somebody, np.arange(4, dtype=np.int32))).all()


def test_what_was_fitted_is_said_in_numbers(matrix):
    numbers = scaled_to(matrix, SMALL)
    assert numbers.unobserved_weight > 0.0
    assert scaled_to(matrix, numbers) == numbers
    scorer = fit_ials(matrix, SMALL, lambda: None).scorer
    assert scorer.regularisation == numbers.regularisation
