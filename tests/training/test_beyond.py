"""Figures beyond relevance, against plain definitions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from features.horizon import POINTS, expected_gains, points, value_table
from training.beyond import (
    Found,
    as_matrix,
    calibration_kl,
    expected_gain,
    gini,
    ginis,
    horizon_recall,
    ild,
    median_distance_m,
    novel_recall,
    novelty,
    slate_horizon,
    slate_points,
    venue_exposures,
    volume,
)

ITEMS, K = 6, 3
values = st.frozensets(
    st.tuples(st.sampled_from(sorted(POINTS)), st.sampled_from("abc")), max_size=5
)
rankings = st.permutations(range(ITEMS)).flatmap(
    lambda order: st.integers(0, K).map(lambda size: [*order[:size], *[-1] * (K - size)])
)
worlds = st.tuples(
    st.lists(values, min_size=ITEMS, max_size=ITEMS),
    st.lists(st.tuples(rankings, values), min_size=1, max_size=3),
    st.data(),
)


def table_and_met(offers, users):
    everything = [*offers, *(met for _, met in users)]
    table = value_table(everything)
    met = as_matrix(table.take(np.arange(len(offers), len(everything))))
    return table.take(np.arange(len(offers))), met, np.array([row for row, _ in users], np.int32)


def found_of(data, users):
    pairs = st.sets(st.tuples(st.integers(0, ITEMS - 1), st.integers(0, ITEMS - 1)), max_size=5)
    rows = [
        (user, item, offer) for user in range(users) for item, offer in sorted(data.draw(pairs))
    ]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return rows, Found(columns[:, 0], columns[:, 1], columns[:, 2])


@given(worlds, st.lists(st.sampled_from([0.0, 0.01, 0.3, 1.0]), min_size=3 * K, max_size=3 * K))
def test_the_expected_gain_of_a_list_is_what_its_offers_add_up_to(world, chances):
    offers, users, _ = world
    table, met, ranked = table_and_met(offers, users)
    chance = np.reshape(chances, (3, K))[: len(users)]
    figures = expected_gain(ranked, chance, table, met)
    for user, (listed, known) in enumerate(users):
        shown = [place for place, item in enumerate(listed) if item >= 0]
        added = expected_gains(
            [offers[listed[place]] for place in shown], chance[user, shown].tolist(), known
        )
        assert figures[user] == pytest.approx(sum(added), abs=1e-9)


@given(worlds)
def test_horizon_recall_is_the_share_of_points_that_were_shown(world):
    offers, users, data = world
    table, met, ranked = table_and_met(offers, users)
    rows, found = found_of(data, len(users))
    figures = horizon_recall(ranked, found, table, met)
    for user, (listed, known) in enumerate(users):
        booked = [(item, offers[offer]) for who, item, offer in rows if who == user]
        possible = points([offer for _, offer in booked], known)
        if possible:
            reached = points([offer for item, offer in booked if item in listed], known)
            assert figures[user] == pytest.approx(reached / possible)
        else:
            assert math.isnan(figures[user])


@given(worlds)
def test_novel_recall_is_recall_among_new_categories(world):
    offers, users, data = world
    table, met, ranked = table_and_met(offers, users)
    rows, found = found_of(data, len(users))
    figures = novel_recall(ranked, found, table, met)
    for user, (listed, known) in enumerate(users):
        wanted = {
            item
            for who, item, offer in rows
            if who == user
            and any(value[0] == "category" and value not in known for value in offers[offer])
        }
        if wanted:
            share = len(wanted & set(listed)) / min(K, len(wanted))
            assert figures[user] == pytest.approx(share)
        else:
            assert math.isnan(figures[user])


def test_of_more_new_items_than_a_list_has_places_it_can_find_as_many_as_places():
    table = value_table([frozenset({("category", name)}) for name in "abc"])
    met = as_matrix(table.take(np.array([0], dtype=np.int64))) * 0.0
    every = np.arange(3)
    found = Found(np.zeros(3, dtype=np.int64), every, every)
    assert novel_recall(np.array([[2, 0]], np.int32), found, table, met).tolist() == [1.0]
    # Two offers of one item are one to be found.
    twice = Found(np.zeros(3, dtype=np.int64), np.array([0, 0, 1]), every)
    assert novel_recall(np.array([[0, 2, -1]], np.int32), twice, table, met).tolist() == [0.5]


def test_a_place_of_a_slate_can_earn_all_the_genres_of_one_offer():
    genres = frozenset({("genre", "jazz"), ("genre", "rock")})
    table = value_table([genres, frozenset({("genre", "folk")})])
    met = as_matrix(table.take(np.array([0], dtype=np.int64))) * 0.0
    # Of three genres one place can show two: 10 points of 10.
    assert slate_horizon(np.array([[0]], np.int32), table, met).tolist() == [1.0]
    assert slate_horizon(np.array([[1]], np.int32), table, met).tolist() == [0.5]


@given(worlds)
def test_points_of_a_slate_over_the_most_there_could_be(world):
    offers, users, _ = world
    table, met, ranked = table_and_met(offers, users)
    earned, share = slate_points(ranked, table, met), slate_horizon(ranked, table, met)
    for user, (listed, known) in enumerate(users):
        shown = [offers[item] for item in listed if item >= 0]
        assert earned[user] == pytest.approx(points(shown, known))
        most = 0.0
        for attribute, weight in POINTS.items():
            of_offers = [{v for v in offer if v[0] == attribute} for offer in offers]
            widest = max(len(found) for found in of_offers)
            new = len(set().union(*of_offers) - known)
            most += weight * min(K * widest, new)
        if most:
            assert share[user] == pytest.approx(points(shown, known) / most)
        else:
            assert math.isnan(share[user])


@given(st.lists(rankings, min_size=1, max_size=3), st.integers(0, 1_000))
def test_unlikeness_is_the_mean_over_pairs(lists, seed):
    vectors = np.random.default_rng(seed).integers(0, 2, (ITEMS, 4)).astype(float)
    ranked = np.array(lists, dtype=np.int32)
    figures = ild(ranked, csr_array(vectors))
    spread = volume(ranked, vectors)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1.0)
    for row, listed in enumerate(lists):
        shown = [item for item in listed if item >= 0]
        pairs = [1 - unit[a] @ unit[b] for a, b in itertools.combinations(shown, 2)]
        if pairs:
            assert figures[row] == pytest.approx(np.mean(pairs))
        else:
            assert math.isnan(figures[row])
        gram = np.linalg.det(unit[shown] @ unit[shown].T) if shown else 1.0
        assert spread[row] == pytest.approx(math.sqrt(max(0.0, gram)), abs=1e-7)


def test_volumes_of_many_lists_are_those_of_each_alone():
    """Lists of any length, more than are worked out at once; one of items that are alike."""
    generator = np.random.default_rng(7)
    vectors = generator.normal(size=(50, 9))
    vectors[3] = 0.0
    ranked = np.array([generator.permutation(50)[:8] for _ in range(1_500)], dtype=np.int32)
    ranked[np.arange(8) >= generator.integers(0, 9, 1_500)[:, np.newaxis]] = -1
    ranked[0] = [1, 1, *[-1] * 6]
    found = volume(ranked, vectors)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)
    for listed, figure in zip(ranked, found, strict=True):
        rows = unit[listed[listed >= 0]]
        assert figure == pytest.approx(np.sqrt(max(0.0, np.linalg.det(rows @ rows.T))), abs=1e-7)
    assert found[0] == pytest.approx(0.0, abs=1e-7)
    assert volume(np.full((2, 3), -1, dtype=np.int32), np.zeros((0, 4))).tolist() == [1.0, 1.0]


def test_novelty_is_the_surprise_of_what_is_shown():
    ranked = np.array([[0, 1, -1], [2, -1, -1]], dtype=np.int32)
    figures = novelty(ranked, np.array([0.5, 0.125, 0.0]))
    assert figures[0] == pytest.approx((1 + 3) / 2)
    assert math.isnan(figures[1])  # Nobody knows it: its surprise has no number.


def test_calibration_compares_the_categories_of_history_and_list():
    categories = csr_array(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    history = csr_array(np.array([[3.0, 1.0], [3.0, 1.0], [0.0, 0.0], [3.0, 1.0]]))
    ranked = np.array([[0, 2], [1, 1], [0, 1], [-1, -1]], dtype=np.int32)
    figures = calibration_kl(ranked[:, :2], categories, history)
    assert figures[0] == pytest.approx(0.0, abs=1e-9)
    wrong = 0.75 * math.log(0.75 / 0.0075) + 0.25 * math.log(0.25 / (0.99 + 0.0025))
    assert figures[1] == pytest.approx(wrong)
    assert np.isnan(figures[2:]).all()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8))
def test_gini_is_the_mean_difference_over_twice_the_mean(counts):
    exposure = np.array(counts, dtype=float)
    apart = np.mean(np.abs(exposure[:, None] - exposure[None, :]))
    expected = apart / (2 * exposure.mean()) if exposure.any() else 0.0
    assert gini(exposure) == pytest.approx(expected, abs=1e-12)
    assert gini(np.array(counts)) == pytest.approx(expected, abs=1e-12)
    unshown = np.append(exposure, np.zeros(3))
    assert gini(np.array(counts), len(unshown)) == pytest.approx(gini(unshown), abs=1e-12)


@pytest.mark.parametrize("kind", [np.int64, np.float64])
@pytest.mark.parametrize("count", [0, 2, 9])
def test_gini_of_each_row_is_that_of_the_row(kind, count):
    exposure = np.random.default_rng(0).integers(0, 4, (6, 7)).astype(kind)
    exposure[2] = 0
    expected = [gini(row, count) for row in exposure]
    assert ginis(exposure, count).tolist() == pytest.approx(expected, abs=1e-12)
    assert ginis(exposure[:0], count).tolist() == []


def test_exposures_of_venues():
    venue, place = np.array([0, 1, 1, -1, 0]), np.array([0, 1, 0, 1, 2])
    second, third = 1 / math.log2(3), 1 / math.log2(4)
    shown = venue_exposures(venue, place)
    assert shown.tolist() == pytest.approx([1 + third, second + 1])
    assert venue_exposures(venue, place, 3).tolist() == [*shown.tolist(), 0.0]


def test_how_far_it_is_in_the_median():
    ranked = np.array([[0, 1], [1, -1], [-1, -1]], dtype=np.int32)
    distance_m = np.array([[100.0, 300.0], [np.nan, 5.0], [1.0, 1.0]])
    far = median_distance_m(ranked, distance_m)
    assert far[0] == 200.0
    assert np.isnan(far[1:]).all()
