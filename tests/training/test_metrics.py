"""Accuracy figures, by hand and against a plain reference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from training.metrics import METRICS, user_figures

ITEMS = 12


def targets_of(sets):
    dense = np.zeros((len(sets), ITEMS), dtype=bool)
    for row, items in enumerate(sets):
        dense[row, list(items)] = True
    return csr_array(dense)


def lists_of(lists, k):
    return np.array([[*row, *[-1] * (k - len(row))] for row in lists], dtype=np.int32)


def reference(shown, wanted, k):
    """Return the figures of one user, place by place."""
    gains = [item in wanted for item in shown[:k]]
    found = sum(gains)
    first = next((place for place, hit in enumerate(gains, 1) if hit), None)
    precisions = [sum(gains[:place]) / place for place, hit in enumerate(gains, 1) if hit]
    best = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(wanted)) + 1))
    gained = sum(1 / math.log2(place + 1) for place, hit in enumerate(gains, 1) if hit)
    return {
        "recall": found / min(k, len(wanted)),
        "recall_full": found / len(wanted),
        "ndcg": gained / best,
        "mrr": 1 / first if first else 0.0,
        "map": sum(precisions) / len(wanted),
        "hit": float(found > 0),
    }


def test_figures_computed_by_hand():
    # Two users, lists of four; the first finds its targets at places 2 and 4, of three.
    ranked = lists_of([[5, 1, 6, 2], [0, 3, 4, 7]], 4)
    figures = user_figures(ranked, targets_of([{1, 2, 3}, {8}]), (2, 4))
    assert figures["recall@2"].tolist() == [1 / 2, 0]
    assert figures["recall@4"] == pytest.approx([2 / 3, 0])
    assert figures["recall_full@2"] == pytest.approx([1 / 3, 0])
    assert figures["mrr@4"].tolist() == [1 / 2, 0]
    assert figures["map@4"] == pytest.approx([(1 / 2 + 2 / 4) / 3, 0])
    assert figures["hit@2"].tolist() == [1, 0]
    at_2, at_4 = 1 / math.log2(3), 1 / math.log2(5)
    assert figures["ndcg@4"] == pytest.approx([(at_2 + at_4) / (1 + at_2 + 1 / 2), 0])


def test_a_short_list_is_not_read_beyond_its_end():
    figures = user_figures(lists_of([[1]], 5), targets_of([{1, ITEMS - 1}]), (5,))
    assert figures["recall@5"].tolist() == [0.5]
    assert figures["hit@5"].tolist() == [1]


a_user = st.tuples(
    st.lists(st.integers(0, ITEMS - 1), unique=True, max_size=ITEMS),
    st.sets(st.integers(0, ITEMS - 1), min_size=1),
)


@given(st.lists(a_user, min_size=1, max_size=6), st.integers(1, ITEMS))
def test_every_figure_is_that_of_the_plain_reference(users, k):
    lists, wanted = zip(*users, strict=True)
    figures = user_figures(lists_of(lists, ITEMS), targets_of(wanted), (k,))
    for row, (shown, targets) in enumerate(users):
        expected = reference(shown, targets, k)
        found = {name: figures[f"{name}@{k}"][row] for name in METRICS}
        assert found == pytest.approx(expected)


@given(st.lists(a_user, min_size=1, max_size=6), st.integers(1, ITEMS))
def test_figures_lie_between_zero_and_one_and_the_best_list_reaches_it(users, k):
    wanted = [targets for _, targets in users]
    lists = [shown for shown, _ in users]
    found = user_figures(lists_of(lists, ITEMS), targets_of(wanted), (k,))
    best = user_figures(lists_of([sorted(t) for t in wanted], ITEMS), targets_of(wanted), (k,))
    for name in METRICS:
        assert np.all((found[f"{name}@{k}"] >= 0) & (found[f"{name}@{k}"] <= 1 + 1e-12))
        assert np.all(found[f"{name}@{k}"] <= best[f"{name}@{k}"] + 1e-12)
    for name in ("recall", "ndcg", "mrr", "hit"):
        assert best[f"{name}@{k}"] == pytest.approx(np.ones(len(users)))
