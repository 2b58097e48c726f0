"""A user's factor of iALS: the minimum of the loss that training minimises, for short and long."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from reco.model.history import History
from training.models.ials import IalsParameters, fit_ials
from training.models.known_items import KnownItems

ITEMS = 90
SETTINGS = IalsParameters(
    factors=24, unobserved_weight=0.2, regularisation=0.02, nu=0.7, iterations=4,
    observed_balance=0.3, unobserved_balance=0.4,
)  # fmt: skip


@pytest.fixture(scope="module")
def matrix():
    generator = np.random.default_rng(3)
    dense = generator.choice([0.0, 0.1, 1.0], size=(70, ITEMS), p=[0.75, 0.1, 0.15])
    dense[:3] = generator.choice([0.0, 1.0], size=(3, ITEMS), p=[0.3, 0.7])
    dense[:, 0], dense[:, -1] = 1.0, 0.0
    return csr_array(dense.astype(np.float32))


@pytest.fixture(scope="module")
def fitted(matrix):
    return fit_ials(matrix, SETTINGS, lambda: None)


def unobserved(matrix):
    """Return what an unobserved pair of each item counts, as the settings say it."""
    popularity = np.asarray(matrix.sum(axis=0), dtype=float)
    met = popularity > 0
    raised = np.where(met, popularity, 1.0) ** SETTINGS.unobserved_balance * met
    return SETTINGS.unobserved_weight * raised / raised[met].mean()


def full_solve(scorer, history, unobserved_weight):
    """Solve the whole (F, F) system of the loss over all items."""
    y = scorer.item_factors.astype(float)
    weight = np.zeros(len(y))
    weight[history.rows] = history.weights.astype(float) * scorer.observed_weight[history.rows]
    mass = weight.sum() + unobserved_weight.sum()
    ridge = SETTINGS.regularisation * mass**SETTINGS.nu
    left = y.T @ (y * (weight + unobserved_weight)[:, None]) + ridge * np.eye(y.shape[1])
    return np.linalg.solve(left, y.T @ weight)


@pytest.mark.parametrize("most", [1, 5, ITEMS])
@pytest.mark.parametrize("user", range(8), ids=lambda user: f"u{user}")
def test_a_fold_in_is_the_full_solve(matrix, fitted, user, most):
    row = matrix[[user]]
    history = History(row.indices[:most].astype(np.int32), row.data[:most])
    found = fitted.scorer.user_factor(history)
    expected = full_solve(fitted.scorer, history, unobserved(matrix))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_short_and_long_histories_are_both_among_them(matrix):
    lengths = np.diff(matrix.indptr)[:8]
    assert lengths.min() < SETTINGS.factors < lengths.max()


def test_training_gives_the_scores_of_serving(matrix, fitted):
    rows = np.arange(ITEMS, dtype=np.int32)
    together = fitted.score_users(np.arange(8, dtype=np.int32))
    for user in range(8):
        row = matrix[[user]]
        alone = fitted.scorer.scores(History(row.indices.astype(np.int32), row.data), rows)
        np.testing.assert_allclose(together[user], alone, rtol=0, atol=1e-5)


def test_what_many_have_met_counts_less_by_its_balance_and_all_of_it_as_much(matrix, fitted):
    popularity = np.asarray(matrix.sum(axis=0), dtype=float)[:-1]
    expected = popularity**-SETTINGS.observed_balance
    expected *= popularity.sum() / (expected @ popularity)
    np.testing.assert_allclose(fitted.scorer.observed_weight[:-1], expected, rtol=1e-5)


def test_in_the_end_items_solve_the_equations_of_the_loss_as_people_do(matrix):
    settings = replace(SETTINGS, factors=4, iterations=100)
    scorer = fit_ials(matrix, settings, lambda: None).scorer
    rows = (matrix[[user]] for user in range(70))
    x = np.stack(
        [scorer.user_factor(History(row.indices.astype(np.int32), row.data)) for row in rows]
    )
    weights = matrix.toarray().astype(float) * scorer.observed_weight
    for item, of_none in enumerate(unobserved(matrix)[:-1]):
        weight = weights[:, item]
        ridge = settings.regularisation * (weight.sum() + 70 * of_none) ** settings.nu
        left = x.T @ (x * (weight + of_none)[:, None]) + ridge * np.eye(4)
        expected = np.linalg.solve(left, x.T @ weight)
        np.testing.assert_allclose(scorer.item_factors[item], expected, atol=1e-3)


def test_what_is_popular_is_held_down_by_the_balance(matrix):
    plain = fit_ials(matrix, IalsParameters(factors=8), lambda: None)
    balanced = fit_ials(matrix, IalsParameters(factors=8, unobserved_balance=1.0), lambda: None)
    popular = np.argsort(-np.asarray(matrix.sum(axis=0)))[:5]
    users = np.arange(70, dtype=np.int32)

    def share(fitted):
        scores = fitted.score_users(users)
        return scores[:, popular].mean() / np.nanmean(scores)

    assert share(balanced) < share(plain)


def test_a_rare_category_is_held_up_by_the_balance(matrix):
    category = np.where(np.arange(ITEMS) < 75, 0, 1).astype(np.int32)
    users = np.arange(70, dtype=np.int32)

    def share(balance):
        settings = IalsParameters(factors=8, category_balance=balance)
        fitted = fit_ials(matrix, settings, lambda: None, KnownItems(category=category))
        scores = fitted.score_users(users)
        return np.nanmean(scores[:, 75:]) / np.nanmean(scores)

    assert share(0.5) > share(0.0)


def test_one_category_leaves_nothing_to_balance(matrix):
    one, settings = np.zeros(ITEMS, dtype=np.int32), IalsParameters(factors=8, category_balance=0.5)
    users = np.arange(70, dtype=np.int32)
    balanced = fit_ials(matrix, settings, lambda: None, KnownItems(category=one)).score_users(users)
    plain = fit_ials(matrix, IalsParameters(factors=8), lambda: None).score_users(users)
    np.testing.assert_allclose(balanced, plain, rtol=1e-4, atol=1e-5)


def test_what_is_wanted_now_is_not_held_against_those_who_have_not_met_it_yet(matrix):
    users, popularity = np.arange(70, dtype=np.int32), np.asarray(matrix.sum(axis=0), float)
    settings = IalsParameters(factors=8, recency_balance=2.0)

    def share(recent):
        fitted = fit_ials(matrix, settings, lambda: None, KnownItems(recent=recent))
        scores = fitted.score_users(users)
        return np.nanmean(scores[:, 75:]) / np.nanmean(scores)

    late = np.where(np.arange(ITEMS) < 75, 0.1, 0.9) * popularity
    plain = share(None)
    assert share(late) > plain > share(popularity - late)
    # Nothing of late, or the same share of all: nothing is told apart.
    assert share(np.zeros(ITEMS)) == plain
    assert share(0.3 * popularity) == pytest.approx(plain, rel=1e-4)
    # What was done at no known time is wanted now as all is: here three tenths.
    unknown = np.where(np.arange(ITEMS) % 2 == 0, np.nan, 0.3 * popularity)
    assert share(unknown) == pytest.approx(plain, rel=1e-4)


def test_what_has_faded_to_almost_nothing_harms_nobody(matrix):
    faded = matrix.copy()
    faded.data = np.where(np.arange(faded.nnz) % 3 == 0, faded.data, np.float32(1e-40))
    # One item has faded for all of its people.
    faded.data[faded.indices == 5] = 0.0
    fitted = fit_ials(faded, SETTINGS, lambda: None)
    scores = fitted.score_users(np.arange(70, dtype=np.int32))
    assert np.isfinite(scores[:, :-1]).all()
