"""How far a score falls without one item of the history, against models asked without it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.model.factors import Factors
from reco.model.history import History
from reco.model.hybrid import Hybrid
from reco.model.item_item import ItemItem
from reco.model.leaving_out import falls
from reco.model.linear_filter import LinearFilter
from reco.model.weighted_factors import WeightedFactors

ITEMS, FACTORS = 30, 6


def factors_of(generator):
    values = generator.normal(size=(ITEMS, FACTORS)).astype(np.float32)
    wide = values.astype(np.float64)
    return Factors(values, wide.T @ wide, alpha=7.0, regularisation=0.3)


def weighted_of(generator, nu):
    return WeightedFactors(
        item_factors=generator.normal(size=(ITEMS, FACTORS)).astype(np.float32),
        observed_weight=generator.uniform(0.5, 2.0, ITEMS).astype(np.float32),
        unobserved_axes=generator.uniform(0.1, 1.0, FACTORS),
        unobserved_mass=np.array([5.0]),
        regularisation=0.2,
        nu=nu,
    )


def neighbours_of(generator):
    similarity = np.triu(generator.random((ITEMS, ITEMS)) < 0.4, 1)
    found = [
        np.flatnonzero(row | column) for row, column in zip(similarity, similarity.T, strict=True)
    ]
    return {
        "neighbour_start": np.append(0, np.cumsum([len(row) for row in found])),
        "neighbour_item": np.concatenate(found).astype(np.int32),
        "neighbour_similarity": generator.random(sum(map(len, found))).astype(np.float32),
    }


def filter_of(generator):
    return LinearFilter(
        **neighbours_of(generator),
        input_factors=generator.normal(size=(ITEMS, 3)).astype(np.float32),
        output_factors=generator.normal(size=(ITEMS, 3)).astype(np.float32),
        item_bias=generator.normal(size=ITEMS).astype(np.float32),
        is_met=np.ones(ITEMS, dtype=bool),
        history_power=0.5,
    )


MODELS = {
    "als": factors_of,
    "ials": lambda generator: weighted_of(generator, 0.0),
    "itemknn": lambda generator: ItemItem(**neighbours_of(generator)),
    "filter": filter_of,
    "hybrid": lambda generator: Hybrid(weighted_of(generator, 0.0), filter_of(generator)),
}


@st.composite
def histories(draw):
    rows = draw(st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=12, unique=True))
    weights = draw(
        st.lists(st.sampled_from([0.02, 0.1, 0.5, 1.0]), min_size=len(rows), max_size=len(rows))
    )
    return History(np.sort(rows).astype(np.int32), np.array(weights, dtype=np.float32))


def without(history, place):
    keep = np.arange(len(history)) != place
    return History(history.rows[keep], history.weights[keep])


@pytest.mark.parametrize("kind", MODELS)
@given(history=histories(), seed=st.integers(0, 5))
def test_a_score_falls_so_far_when_the_item_is_taken_out_of_the_history(kind, history, seed):
    scorer = MODELS[kind](np.random.default_rng(seed))
    rows, places = np.arange(-1, ITEMS, dtype=np.int32), np.arange(len(history))
    found = falls(scorer, history, places, rows)
    whole = scorer.scores(history, rows)
    assert found.shape == (len(history), len(rows))
    np.testing.assert_array_equal(np.isnan(found), np.tile(np.isnan(whole), (len(history), 1)))
    for place in places:
        rest = np.nan_to_num(scorer.scores(without(history, place), rows))
        np.testing.assert_allclose(whole - found[place], rest + 0.0 * whole, rtol=1e-5, atol=1e-6)


@given(history=histories(), seed=st.integers(0, 5))
def test_of_a_weighted_sum_of_squares_one_term_is_left_out(history, seed):
    scorer = weighted_of(np.random.default_rng(seed), nu=1.0)
    factors = scorer.item_factors.astype(float)
    weight = history.weights.astype(float) * scorer.observed_weight[history.rows]
    ridge = scorer.unobserved_axes + 0.2 * (weight.sum() + 5.0)
    found = falls(scorer, history, np.arange(len(history)), np.arange(ITEMS, dtype=np.int32))
    for place in range(len(history)):
        kept = np.arange(len(history)) != place
        # The sum of squares, its ridge as rows of its own, as a problem of least squares.
        terms = np.sqrt(weight[kept])[:, None] * factors[history.rows[kept]]
        wanted = np.append(np.sqrt(weight[kept]), np.zeros(FACTORS))
        user = np.linalg.lstsq(np.vstack([terms, np.diag(np.sqrt(ridge))]), wanted)[0]
        expected = factors @ scorer.user_factor(history) - factors @ user
        np.testing.assert_allclose(found[place], expected, rtol=1e-5, atol=1e-6)


def test_some_items_of_the_history_can_be_asked_for():
    scorer = factors_of(np.random.default_rng(1))
    history = History(np.array([2, 5, 9], dtype=np.int32), np.ones(3, dtype=np.float32))
    rows = np.array([4, 7], dtype=np.int32)
    every = falls(scorer, history, np.arange(3), rows)
    np.testing.assert_allclose(falls(scorer, history, np.array([2, 0]), rows), every[[2, 0]])
