"""What a person did a moment ago counts as in training: the same solve, in no time."""

import time
from dataclasses import replace

import numpy as np
import pytest
from tastes import two_tastes
from threadpoolctl import threadpool_limits

from features.interactions import interaction_matrix
from reco.model.history import History
from training.fits import PARAMETERS, fit

TAKEN_MS = 0.2
"""What folding in may take of a request."""
ROWS = np.arange(40, dtype=np.int32)


@pytest.fixture(scope="module", params=["als", "ials", "itemknn"])
def fitted_of_many(request):
    """A model of 600 items, with 64 factors where it has any."""
    parameters = PARAMETERS[request.param]()
    if hasattr(parameters, "factors"):
        parameters = replace(parameters, factors=64)
    matrix = interaction_matrix(two_tastes(users=300, items=600, bookings=60))
    return request.param, fit(matrix, parameters, lambda: None)


def long_history(seed=0):
    """Return a history of 200 of 600 items: more than a model has factors."""
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.permutation(600)[:200]).astype(np.int32)
    return History(rows, generator.uniform(0.1, 1.0, 200).astype(np.float32))


def history_of(*weights):
    """Return a history of items 3, 5, 8 and so on, of these weights."""
    rows = np.array([3, 5, 8, 20, 22][: len(weights)], dtype=np.int32)
    return History(rows, np.array(weights, dtype=np.float32))


def solved(scorer, kind, history):
    """Solve training's whole equations for one person, in double precision: scores of all items."""
    y = scorer.item_factors.astype(np.float64)
    given = np.zeros(len(y))
    given[history.rows] = history.weights
    if kind == "als":
        # Hu et al. 2008, equation 4.
        left = y.T @ (y * (1.0 + scorer.alpha * given)[:, np.newaxis])
        right = y.T @ np.where(given > 0, 1.0 + scorer.alpha * given, 0.0)
        ridge = scorer.regularisation
    else:
        observed = given * scorer.observed_weight
        ridge = scorer.regularisation * (observed.sum() + scorer.unobserved_mass[0]) ** scorer.nu
        left = y.T @ (y * observed[:, np.newaxis]) + np.diag(scorer.unobserved_axes)
        right = y.T @ observed
    return y @ np.linalg.solve(left + ridge * np.eye(y.shape[1]), right)


def summed(scorer, history):
    """Add up an item-item matrix, written out in full."""
    items = len(scorer.neighbour_start) - 1
    dense = np.zeros((items, items))
    for item in range(items):
        span = slice(*scorer.neighbour_start[item : item + 2])
        dense[item, scorer.neighbour_item[span]] = scorer.neighbour_similarity[span]
    return history.weights.astype(np.float64) @ dense[history.rows]


@pytest.fixture(scope="module", params=["als", "ials", "itemknn"])
def fitted(request):
    matrix = interaction_matrix(two_tastes())
    return request.param, fit(matrix, PARAMETERS[request.param](), lambda: None)


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 0.5), (1.0, 0.5, 0.1, 0.2, 1.0)], ids=len)
def test_fresh_interactions_count_as_in_training(fitted, weights):
    assert_as_in_training(*fitted, history_of(*weights), ROWS)


def test_a_long_history_counts_as_in_training(fitted_of_many):
    assert_as_in_training(*fitted_of_many, long_history(), np.arange(600, dtype=np.int32))


def assert_as_in_training(kind, model, history, rows):
    expected = (summed if kind == "itemknn" else lambda s, h: solved(s, kind, h))(
        model.scorer, history
    )
    found = model.scorer.scores(history, rows)
    known = ~np.isnan(found)
    assert known.sum() > len(rows) / 2
    np.testing.assert_allclose(found[known], expected[known], rtol=1e-5, atol=1e-5)


def test_folding_in_takes_no_time(fitted):
    assert_quick(*fitted, lambda n, turn: history_of(1.0, 0.5, 0.1, 0.2, 0.01 * n + turn + 0.01))


@pytest.mark.slow
@pytest.mark.alone
def test_folding_in_200_items_takes_no_time_either(fitted_of_many):
    assert_quick(*fitted_of_many, lambda n, turn: long_history(100 * turn + n))


def assert_quick(kind, model, history):
    rounds_ms = []
    # One thread, and the quickest of many short rounds: what others do on the cores is not counted.
    with threadpool_limits(1):
        for turn in range(50):
            histories = [history(n, turn) for n in range(10)]
            began = time.thread_time()
            for known in histories:
                # Two items are scored: all that is left is the fold-in.
                model.scorer.scores(known, ROWS[:2])
            rounds_ms.append(1e3 * (time.thread_time() - began) / len(histories))
    assert min(rounds_ms) < TAKEN_MS, f"{kind}: {min(rounds_ms):.3f} ms"
