"""Paired tests and their correction."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.paired import compare, holm, paired_p
from training.report.verdict import Verdict, verdict_of


def test_the_p_is_that_of_all_permutations():
    difference = np.array([[0.5], [0.3], [-0.1], [0.4], [0.2], [0.6]])
    signs = np.array(list(itertools.product([-1, 1], repeat=6)))
    exact = np.mean(np.abs(signs @ difference) >= abs(difference.sum()) - 1e-12)
    assert paired_p(difference, seed=0)[0] == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e5, 1e12])
def test_what_is_as_far_as_observed_counts_whatever_its_unit(scale):
    generator = np.random.default_rng(3)
    difference = np.zeros((2_000, 50))
    # Far apart, so that the two ways to add them up take them in another order.
    difference[[0, 1, 1_000, 1_001]] = scale * (0.1 + generator.random((4, 50)))
    # Of four differences of one sign two of sixteen exchanges reach it: none is beyond chance.
    assert min(paired_p(difference, seed=0)) > 0.09


def test_no_difference_is_no_evidence():
    assert paired_p(np.zeros((20, 1)), seed=0) == [1.0]


def test_no_finite_number_of_permutations_makes_chance_impossible():
    assert paired_p(np.ones((60, 1)), seed=0) == [1 / 2_001]


@given(st.lists(st.floats(0.0, 1.0), max_size=8))
def test_corrected_values_keep_their_order_and_grow(p):
    corrected = holm(p)
    assert all(before <= after <= 1.0 for before, after in zip(p, corrected, strict=True))
    order = np.argsort(p, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)


def test_users_without_a_figure_are_left_out():
    base = {"a": np.array([1.0, np.nan, 3.0])}
    other = {"a": np.array([2.0, np.nan, 4.0])}
    first, second = compare([base, other], [True, True], seed=0)
    assert (first["a"].value, second["a"].value) == (2.0, 3.0)
    assert second["a"].change == pytest.approx(0.5)


def test_a_figure_is_over_those_for_whom_every_system_has_one():
    """Else each system would be judged on people of its own."""
    base, other = {"a": np.array([1.0, np.nan, 3.0])}, {"a": np.array([2.0, 90.0, 5.0])}
    first, second = compare([base, other], [True, True], seed=0)
    assert (first["a"].value, second["a"].value, second["a"].difference) == (2.0, 3.5, 1.5)
    assert second["a"].high <= 5.0


def test_what_was_not_chosen_is_neither_tested_nor_corrected_for():
    generator = np.random.default_rng(5)
    base, tried, chosen = (
        {"a": found} for found in generator.normal([[0.0], [0.1], [0.2]], 1.0, (3, 100))
    )
    _, untested, tested = compare([base, tried, chosen], [True, False, True], seed=0)
    (_, alone) = compare([base, chosen], [True, True], seed=0)
    assert untested["a"].p is None
    assert tested["a"].p == alone["a"].p < 1.0


def test_more_is_more_below_nought_too():
    base, other = {"a": np.array([-2.0, -4.0, -3.0])}, {"a": np.array([-1.0, -3.0, -2.0])}
    _, second = compare([base, other], [True, True], seed=0)
    assert second["a"].change == pytest.approx(1 / 3)
    assert second["a"].change_low <= second["a"].change <= second["a"].change_high


def test_a_difference_from_nothing_is_tested_though_it_is_no_share_of_it():
    generator = np.random.default_rng(0)
    found = generator.random(200) < 0.3
    base, other = {"a": np.zeros(200)}, {"a": found.astype(float)}
    _, second = compare([base, other], [True, True], seed=0)
    a = second["a"]
    assert a.change is None
    assert a.p < 0.01
    assert a.difference == pytest.approx(found.mean())
    assert 0.2 < a.difference_low < a.difference < a.difference_high < 0.4
    assert verdict_of(a) is Verdict.HIGHER
