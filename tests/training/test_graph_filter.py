"""The graph filter is the formula that it stands for."""

from dataclasses import replace
from math import factorial

import numpy as np
import pytest
from scipy.sparse import csr_array

from training.models.graph_filter import GraphFilterParameters, fit_graph_filter
from training.models.hybrid import HybridParameters, fit_hybrid
from training.models.ials import IalsParameters, fit_ials
from training.models.known_items import KnownItems
from training.models.nearness import nearness
from training.models.spectrum import right_spectrum

USERS, ITEMS = 50, 30
SETTINGS = GraphFilterParameters(
    factors=10, low_pass=0.4, sharpening=0.7, user_power=0.4, item_power=0.6, side_power=0.3,
    output_power=0.2, neighbours=ITEMS,
)  # fmt: skip

NEAR = KnownItems(np.full((ITEMS, 2), (2.35, 48.85)))
"""All items at one place."""


@pytest.fixture(scope="module")
def matrix():
    generator = np.random.default_rng(0)
    groups = generator.random((USERS, 5)) @ generator.random((5, ITEMS))
    met = groups > np.quantile(groups, 0.7)
    met[:, 0], met[0] = True, True
    return csr_array(np.where(met, generator.choice([0.5, 1.0], met.shape), 0).astype(np.float32))


def nothing():
    return None


def scores(fitted):
    return fitted.score_users(np.arange(USERS, dtype=np.int32))


def test_the_spectrum_is_that_of_the_singular_value_decomposition(matrix):
    _, singular, vectors = np.linalg.svd(matrix.toarray(), full_matrices=False)
    values, axes = right_spectrum(matrix, 6, seed=1)
    np.testing.assert_allclose(values, singular[:6] ** 2, rtol=1e-4)
    np.testing.assert_allclose(np.abs((vectors[:6] * axes.T).sum(axis=1)), 1.0, rtol=1e-3)


def test_there_are_no_more_components_than_the_matrix_has():
    narrow = csr_array(np.array([[1, 1, 0], [1, 1, 0]], dtype=np.float32))
    values, axes = right_spectrum(narrow, 8, seed=0)
    assert values.tolist() == pytest.approx([4.0])
    assert axes.shape == (3, 1)


def test_a_filter_that_keeps_all_neighbours_is_its_formula(matrix):
    history = matrix.toarray().astype(float)
    users, items = history.sum(axis=1), history.sum(axis=0)
    normal = users[:, None] ** -0.4 * history * items**-0.6
    step = normal.T @ normal
    values, axes = np.linalg.eigh(step)
    values, axes = values[-10:], axes[:, -10:]
    sharp = step + axes * (values * np.exp(-0.7 * values) - values) @ axes.T
    low = 0.4 * items[:, None] ** -0.3 * (axes @ axes.T) * items**0.3
    expected = history @ (sharp + low) * items**0.2
    found = scores(fit_graph_filter(matrix, SETTINGS, nothing))
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-3)


def test_early_merge_sharpens_step_and_low_pass(matrix):
    """With all components kept, nothing is left to be approximated."""
    history, items = matrix.toarray().astype(float), matrix.toarray().sum(axis=0)
    settings = replace(
        SETTINGS, factors=ITEMS, sharpening=0.0, user_power=0.5, item_power=0.5, output_power=0.0,
        merged_sharpening=2.5,
    )  # fmt: skip
    normal = history.sum(axis=1)[:, None] ** -0.5 * history * items**-0.5
    step = normal.T @ normal
    # Not the identity: some items have the very same people.
    span = np.linalg.pinv(step, rcond=1e-8, hermitian=True) @ step
    merged = step + 0.4 * items[:, None] ** -0.3 * span * items**0.3
    slope = [merged]
    # The four slopes of one step of Runge and Kutta, as they are written.
    for share in (0.5, 0.5, 1.0):
        slope.append(merged - share * 2.5 * slope[-1] @ step)
    total = slope[0] + 2 * slope[1] + 2 * slope[2] + slope[3]
    expected = history @ (merged - 2.5 / 6 * total @ step)
    found = scores(fit_graph_filter(matrix, settings, nothing))
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)


def test_what_the_kept_components_leave_is_sharpened_like_the_last_of_them(matrix):
    settings = replace(SETTINGS, low_pass=0.0, sharpening=0.0, output_power=0.0)
    plain = fit_graph_filter(matrix, settings, nothing).scorer
    merged = fit_graph_filter(matrix, replace(settings, merged_sharpening=1.5), nothing).scorer
    normal = matrix.toarray().sum(axis=1)[:, None] ** -0.4 * matrix.toarray()
    normal *= matrix.toarray().sum(axis=0) ** -0.6
    last = np.linalg.svd(normal, compute_uv=False)[9] ** 2
    left = sum((-1.5 * last) ** n / factorial(n) for n in range(5))
    ratio = merged.neighbour_similarity / plain.neighbour_similarity
    np.testing.assert_allclose(ratio, left, rtol=1e-3)


def test_without_a_low_pass_only_what_is_sharpened_takes_columns(matrix):
    without = fit_graph_filter(matrix, replace(SETTINGS, low_pass=0.0), nothing)
    faint = fit_graph_filter(matrix, replace(SETTINGS, low_pass=1e-9), nothing)
    assert without.scorer.input_factors.shape == without.scorer.output_factors.shape == (ITEMS, 10)
    assert faint.scorer.input_factors.shape == (ITEMS, 20)
    np.testing.assert_allclose(scores(without), scores(faint), rtol=1e-4, atol=1e-5)


def test_only_so_many_neighbours_are_kept(matrix):
    whole = fit_graph_filter(matrix, SETTINGS, nothing).scorer
    few = fit_graph_filter(matrix, replace(SETTINGS, neighbours=4), nothing).scorer
    assert np.all(np.diff(few.neighbour_start) == 4)
    for item in (0, 7, 29):
        span = slice(*whole.neighbour_start[item : item + 2])
        # Before items are weighed as outputs, which is the last thing that is done.
        before = whole.neighbour_similarity[span] / (
            matrix.sum(axis=0)[whole.neighbour_item[span]] ** 0.2
        )
        largest = whole.neighbour_item[span][np.argsort(-before)[:4]]
        kept = few.neighbour_item[4 * item : 4 * item + 4]
        assert sorted(kept) == sorted(largest)


def test_the_step_fades_with_distance_and_only_where_both_places_are_known(matrix):
    lonlat = np.full((ITEMS, 2), (2.35, 48.85))
    lonlat[1] = (2.35, 49.85)
    lonlat[2] = np.nan
    settings = replace(SETTINGS, factors=1, low_pass=0.0, sharpening=0.0, output_power=0.0)
    faded = replace(settings, distance_scale_m=1_000.0, distance_power=1.0)
    everywhere = fit_graph_filter(matrix, settings, nothing, lonlat).scorer.similar
    around = fit_graph_filter(matrix, faded, nothing, lonlat).scorer.similar
    rows = np.arange(ITEMS, dtype=np.int32)
    ratio = around(0, rows) / everywhere(0, rows)
    # A degree of latitude is 111.2 km on the ball.
    assert ratio[1] == pytest.approx(1 / 112.2, rel=1e-3)
    np.testing.assert_allclose(np.delete(ratio, 1), 1.0, rtol=1e-5)


def test_items_near_each_other_add_to_each_other(matrix):
    lonlat = np.full((ITEMS, 2), np.nan)
    # 100, 300 and some 100,000 metres to the north.
    lonlat[:4] = [(2.35, 48.85 + north_m / 111_195.0) for north_m in (0, 100, 300, 100_000)]
    settings = replace(SETTINGS, output_power=0.0)
    near = replace(settings, near_weight=0.5, near_scale_m=200.0)
    blind = scores(fit_graph_filter(matrix, near, nothing))
    np.testing.assert_array_equal(blind, scores(fit_graph_filter(matrix, settings, nothing)))
    heeding = fit_graph_filter(matrix, near, nothing, lonlat)
    weight = matrix.toarray()
    kernel = np.zeros((4, 4))
    for one, other, apart_m in ((0, 1, 100), (0, 2, 300), (1, 2, 200)):
        kernel[one, other] = kernel[other, one] = np.exp(-apart_m / 200)
    crowding = (1 + kernel.sum(axis=1)) ** 0.25
    added = 0.5 * weight[:, :4] @ (kernel / np.outer(crowding, crowding))
    np.testing.assert_allclose(scores(heeding)[:, :4] - blind[:, :4], added, rtol=1e-4, atol=2e-6)
    np.testing.assert_array_equal(scores(heeding)[:, 4:], blind[:, 4:])


def test_only_so_many_items_are_near():
    generator = np.random.default_rng(0)
    ball = np.column_stack([generator.uniform(0, 200, (40, 2)), np.zeros(40)])
    found = nearness(ball, np.ones(40, bool), 100.0, most=5)
    assert np.all(np.diff(found.indptr) == 5)
    apart = np.linalg.norm(ball[:, np.newaxis] - ball, axis=2)
    for item in range(40):
        nearest = np.argsort(apart[item])[1:6]
        assert set(found.indices[5 * item : 5 * item + 5]) == set(nearest)


@pytest.mark.parametrize("placed", [0, 1])
def test_nothing_is_near_where_places_are_not_known(placed):
    ball = np.full((3, 3), np.nan)
    ball[:placed] = 0.0
    assert nearness(ball, np.ones(3, bool), 100.0, most=5).nnz == 0


def test_items_of_one_place_are_as_near_as_can_be():
    found = nearness(np.zeros((12, 3)), np.ones(12, bool), 100.0, most=20).toarray()
    np.testing.assert_allclose(found, (1 - np.eye(12)) / np.sqrt(12), rtol=1e-6)
    few = nearness(np.zeros((12, 3)), np.ones(12, bool), 100.0, most=5)
    assert np.all(np.diff(few.indptr) <= 5)


def test_items_that_nobody_met_are_near_nothing():
    is_met = np.array([True, False, True])
    found = nearness(np.zeros((3, 3)), is_met, 100.0, most=5).toarray()
    np.testing.assert_allclose(found, np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]]) / np.sqrt(2))


def test_a_hybrid_is_the_sum_of_its_parts(matrix):
    settings = HybridParameters(factors=8, components=5, filter_weight=0.25, iterations=3)
    first = scores(fit_ials(matrix, IalsParameters(factors=8, iterations=3), nothing))
    graph = GraphFilterParameters(factors=5, low_pass=0.3)
    second = scores(fit_graph_filter(matrix, graph, nothing))
    found = scores(fit_hybrid(matrix, settings, nothing))
    np.testing.assert_allclose(found, first + 0.25 * second, rtol=1e-4, atol=1e-5)
    near = scores(fit_graph_filter(matrix, replace(graph, near_weight=0.5), nothing, NEAR.lonlat))
    found = scores(fit_hybrid(matrix, replace(settings, near_weight=0.5), nothing, NEAR))
    assert not np.allclose(near, second, rtol=1e-4)
    np.testing.assert_allclose(found, first + 0.25 * near, rtol=1e-4, atol=1e-5)
