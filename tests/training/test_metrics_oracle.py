"""Accuracy figures against ranx, which METRICS names as what they mean (extra `oracle`)."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array

from training.metrics import user_figures

USERS, ITEMS, LONGEST = 300, 60, 20
NAMES = {"ndcg": "ndcg", "mrr": "mrr", "map": "map", "hit": "hit_rate", "recall_full": "recall"}
"""Ours to ranx's."""


@pytest.fixture(scope="module")
def ranx():
    with warnings.catch_warnings():
        # Its own dependencies warn when they are imported.
        warnings.simplefilter("ignore")
        return pytest.importorskip("ranx", reason="needs ranx: pip install 'reco[oracle]'")


@pytest.fixture(scope="module")
def drawn():
    """Lists of any length but 0, and targets; some find nothing, some have more than the list."""
    generator = np.random.default_rng(5)
    lists = np.full((USERS, LONGEST), -1, dtype=np.int32)
    wanted = np.zeros((USERS, ITEMS), dtype=bool)
    for row in range(USERS):
        length = generator.integers(1, LONGEST + 1)
        lists[row, :length] = generator.permutation(ITEMS)[:length]
        wanted[row, generator.permutation(ITEMS)[: generator.integers(1, 2 * LONGEST)]] = True
    return lists, wanted


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unsafe cast")
def test_figures_of_each_person_are_those_of_ranx(ranx, drawn):
    lists, wanted = drawn
    truth = {
        f"u{row:03}": {f"i{item}": 1 for item in np.flatnonzero(wanted[row])}
        for row in range(USERS)
    }
    scored = {
        f"u{row:03}": {f"i{item}": LONGEST - place for place, item in enumerate(lists[row].tolist())
                       if item >= 0}
        for row in range(USERS)
    }  # fmt: skip
    cutoffs = (1, 5, 10, LONGEST)
    ours = user_figures(lists, csr_array(wanted), cutoffs)
    asked = {f"{mine}@{k}": f"{theirs}@{k}" for mine, theirs in NAMES.items() for k in cutoffs}
    run = ranx.Run(scored)
    ranx.evaluate(ranx.Qrels(truth), run, list(asked.values()), make_comparable=True)
    for mine, theirs in asked.items():
        of_users = run.scores[theirs]
        expected = [of_users[user] for user in sorted(truth)]
        np.testing.assert_allclose(ours[mine], expected, atol=1e-9, err_msg=mine)
        assert 0.0 < ours[mine].mean() < 1.0
