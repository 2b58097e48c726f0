"""Item-item neighbours: the cosine among them, and of what has all but faded."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from reco.model.history import History
from training.models.itemknn import ItemKnnParameters, fit_itemknn

ROWS = np.arange(4, dtype=np.int32)


@pytest.mark.parametrize("faded", [1e-20, 1e-38, 1e-42])
@pytest.mark.parametrize("power", [0.5, 1.0])
def test_interest_that_has_all_but_faded_leaves_scores_finite(faded, power):
    # 1e-42 is what is left after 140 half-lives: eleven and a half years of a month each.
    met = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, faded, faded]], dtype=np.float32)
    parameters = ItemKnnParameters(user_power=power, item_power=power)
    scorer = fit_itemknn(csr_array(met), parameters, lambda: None).scorer
    assert all(np.isfinite(array).all() for array in scorer.arrays().values())
    history = History(np.array([0], dtype=np.int32), np.ones(1, dtype=np.float32))
    assert np.isfinite(scorer.scores(history, ROWS)[[1, 2]]).all()


def test_with_powers_of_none_and_a_half_it_is_the_cosine_and_nothing_is_near_itself():
    met = np.random.default_rng(0).random((30, 4)).round(1).astype(np.float32)
    parameters = ItemKnnParameters(neighbours=4, user_power=0.0, item_power=0.5)
    fitted = fit_itemknn(csr_array(met), parameters, lambda: None)
    unit = met / np.linalg.norm(met, axis=0)
    expected = unit.T @ unit
    np.fill_diagonal(expected, np.nan)
    similar = np.stack([fitted.scorer.similar(row, ROWS) for row in ROWS])
    np.testing.assert_allclose(similar, expected, rtol=1e-5)
    few = fit_itemknn(csr_array(met), ItemKnnParameters(neighbours=2), lambda: None).scorer
    assert np.diff(few.neighbour_start).tolist() == [2] * 4
