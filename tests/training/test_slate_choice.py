"""What validation chooses, and how."""

import numpy as np
import pytest

from training.diversify.methods import Setting, floored
from training.intervals import Estimate
from training.slate_choice import best_of, best_widening, changes_of, choices, strongest_within


def changes(ndcg, widened, expected=None):
    expected = ndcg if expected is None else expected
    return {
        "ndcg@5": Estimate(ndcg, ndcg - 0.005, ndcg + 0.005),
        "horizon_recall@5": Estimate(widened, widened, widened),
        "expected_dcg@5": Estimate(expected, expected, expected),
    }


def figures(ndcg, widened):
    found = {"ndcg@5": np.array(ndcg), "horizon_recall@5": np.array(widened)}
    return found | {"expected_dcg@5": np.array(ndcg)}


def test_what_is_expected_decides_while_what_was_found_does_not_contradict():
    by_chance = [changes(0.0, 0.0), changes(-0.014, 0.2, expected=-0.01)]
    refuted = [changes(0.0, 0.0), changes(-0.016, 0.2, expected=-0.01)]
    unexpected = [changes(0.0, 0.0), changes(0.0, 0.2, expected=-0.011)]
    for choose in (best_of, strongest_within):
        assert [choose(tried, 5) for tried in (by_chance, refuted, unexpected)] == [1, 0, 0]


def test_most_horizon_wins_within_the_loss():
    assert best_of([changes(0.0, 0.0), changes(-0.01, 0.2), changes(-0.011, 0.9)], 5) == 1


def test_where_all_lose_more_the_least_loss_wins():
    assert best_of([changes(-0.5, 0.9), changes(-0.1, 0.1)], 5) == 1


def test_the_first_of_equals_wins():
    assert best_of([changes(0.0, 0.1), changes(0.005, 0.1)], 5) == 0


def test_changes_are_paired_relative_and_leave_out_what_is_undefined():
    base = figures([0.1, 0.3, 0.2], [0.5, np.nan, 0.5])
    (change,) = changes_of(base, [figures([0.2, 0.4, 0.3], [1.0, np.nan, 0.5])], seed=0)
    # Everybody gains the same, so that the interval of the difference is a point.
    assert vars(change["ndcg@5"]) == pytest.approx({"value": 0.5, "low": 0.5, "high": 0.5})
    assert change["horizon_recall@5"].value == pytest.approx(0.5)


def test_a_figure_that_is_nothing_for_everybody_does_not_change():
    base = figures([0.0, 0.0], [np.nan, np.nan])
    (change,) = changes_of(base, [base], seed=0)
    assert change == dict.fromkeys(base, Estimate(0.0, 0.0, 0.0))


TRIED = [Setting("relevance", ""), floored(0.9, 1.0), floored(0.5, 1.0), Setting("random", "")]
FOUND = [
    figures([0.2, 0.4], [0.1, 0.1]),
    figures([0.2, 0.4], [0.2, 0.1]),
    figures([0.1, 0.1], [0.9, 0.9]),
    figures([0.0, 0.1], [0.0, 0.1]),
]


def settings_of(found):
    return {method: choice.setting for method, choice in found.items()}


def test_each_method_has_its_own_choice():
    assert settings_of(choices(TRIED, FOUND, FOUND[0], 5, seed=0)) == {
        "relevance": TRIED[0], "horizon_floor": TRIED[1], "random": TRIED[3]
    }  # fmt: skip


def test_beside_an_order_that_finds_less_more_may_be_given_up():
    found = choices(TRIED, FOUND, figures([0.1, 0.1], [0.1, 0.1]), 5, seed=0)
    assert settings_of(found)["horizon_floor"] == TRIED[2]
    assert found["horizon_floor"].changes["horizon_recall@5"].value == pytest.approx(8.0)


def test_all_that_may_be_lost_is_spent():
    assert strongest_within([changes(0.0, 0.1), changes(-0.01, 0.0), changes(-0.02, 0.9)], 5) == 1
    assert strongest_within([changes(0.0, 0.1), changes(0.01, 0.2)], 5) == 1


def test_where_all_of_a_line_lose_more_the_gentlest_stays():
    assert strongest_within([changes(-0.02, 0.1), changes(-0.03, 0.2)], 5) == 0


def test_between_intensities_most_horizon_wins():
    settings = [floored(floor, m) for m in (1.0, 3.0) for floor in (0.99, 0.98, 0.97)]
    gentle = [changes(0.0, 0.5), changes(-0.01, 0.1), changes(-0.02, 0.9)]
    strong = [changes(0.0, 0.0), changes(-0.005, 0.2), changes(-0.008, 0.3)]
    assert best_widening(settings, gentle + strong, 5) == 5
    assert best_widening(settings, strong + gentle, 5) == 2
