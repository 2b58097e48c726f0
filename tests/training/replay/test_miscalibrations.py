"""Calibration errors of two systems beside each other, where the truth is known."""

import itertools

import numpy as np
import pytest
from forecasting import TRUTHS, K, drawn, said, true_errors

from training.replay.forecasts import Forecasts
from training.replay.miscalibration import ERRORS, LEAST_BOOKED, Gaps, gaps_of
from training.replay.miscalibrations import apart_p, errors_apart, errors_of


def forecasts_of(people, truth, generator, chance=None):
    return Forecasts(*drawn(people, truth, generator, chance), people)


def pair(people, truths, generator):
    """Return two systems that show the same people half of their offers in common.

    What is said of these is the same, and what came of them, where the truths are.
    """
    both = [said(people, generator) for _ in truths]
    both[1][:, : K // 2] = both[0][:, : K // 2]
    first, second = (
        forecasts_of(people, truth, generator, chance)
        for truth, chance in zip(truths, both, strict=True)
    )
    if truths[0] == truths[1]:
        shared = np.tile(np.arange(K) < K // 2, people)
        second.outcome[shared] = first.outcome[shared]
    return first, second


def test_what_is_found_is_told_beside_what_chance_leaves_of_it():
    first, second = pair(3_000, ("exact", "too low"), np.random.default_rng(1))
    told = errors_of([first, second])
    for one, made in zip(told, (first, second), strict=True):
        for name in ERRORS:
            figure = one.compared[name]
            assert figure.value == vars(made.reliability)[name]
            left = one.without_chance[name]
            assert (figure.low, figure.high) == (left.low, left.high)
    for place, name in enumerate(ERRORS):
        base, found = (one.compared[name] for one in told)
        assert (base.change, base.change_low, base.change_high, base.p) == (0.0, 0.0, 0.0, None)
        assert 0.0 < found.change_low < found.change < found.change_high
        truth = true_errors("too low")[place] / base.value
        assert found.change_low < truth < found.change_high
        assert found.p < 0.01


def test_systems_that_show_the_same_do_not_differ():
    made = forecasts_of(400, "too steep", np.random.default_rng(2))
    for name in ERRORS:
        found = errors_of([made, made])[1].compared[name]
        assert (found.change, found.change_low, found.change_high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_p_is_corrected_for_the_number_of_systems():
    generator = np.random.default_rng(3)
    first, second = pair(600, ("exact", "too low"), generator)
    third = forecasts_of(600, "exact", generator)
    alone, among = errors_of([first, second]), errors_of([first, second, third])
    for name in ERRORS:
        assert among[1].compared[name].p >= alone[1].compared[name].p
        assert among[1].compared[name].change == alone[1].compared[name].change
        assert among[2].compared[name].p is not None


def test_p_is_that_of_all_exchanges():
    generator = np.random.default_rng(4)
    first, second = (Gaps(generator.normal(0.1, 1.0, (8, 3)) * size) for size in (1.0, 1.6))
    apart = []
    for swapped in itertools.product([False, True], repeat=8):
        swap = np.array(swapped)[:, np.newaxis]
        one, other = (
            np.where(swap, b, a).sum(axis=0)
            for a, b in ((first.added, second.added), (second.added, first.added))
        )
        apart.append(np.abs(other).sum() - np.abs(one).sum())
    exact = np.mean(np.abs(apart) >= abs(apart[0]) - 1e-12)
    assert apart_p(first, second, seed=0) == pytest.approx(exact, abs=0.03)


def test_of_few_bookings_the_value_alone_is_told():
    first, second = pair(400, ("exact", "exact"), np.random.default_rng(5))
    second.outcome[np.flatnonzero(second.outcome)[LEAST_BOOKED - 1 :]] = False
    told = errors_of([first, second])
    found = told[1].compared["ece"]
    assert found.value > 0.0
    assert (found.low, found.change_low, found.p) == (None, None, None)
    assert told[1].without_chance == {}
    second.outcome[:] = False
    assert errors_of([first, second])[1].compared["ece"].value is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("truths", "people"),
    [
        (("exact", "exact"), 600),
        (("exact", "too low"), 600),
        (("exact", "too low"), 2_000),
        (("too low", "too low"), 600),
        (("too high", "too low"), 600),
        (("too steep", "exact"), 2_000),
        (("wrong at the top", "too steep"), 600),
    ],
)
def test_intervals_of_differences_hold_the_truth(truths, people):
    assert set(truths) <= set(TRUTHS)
    first, second = (np.array(true_errors(truth)) for truth in truths)
    held = np.zeros((100, 2))
    for place, row in enumerate(held):
        gaps = [gaps_of(one) for one in pair(people, truths, np.random.default_rng([6, place]))]
        for at, name in enumerate(ERRORS):
            found = errors_apart(*(one[name] for one in gaps), place)
            row[at] = found.low <= (second - first)[at] <= found.high
    # The least of them have a true 93 %: 100 repetitions of it are 85 % or less once in 250 times.
    assert np.all(held.mean(axis=0) > 0.85), held.mean(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("truth", ["exact", "too low"])
def test_errors_of_one_size_are_rarely_told_apart(truth):
    rejected = np.zeros((100, 2))
    for place, row in enumerate(rejected):
        made = pair(600, (truth, truth), np.random.default_rng([7, place]))
        first, second = (gaps_of(one) for one in made)
        row[:] = [apart_p(first[name], second[name], place) < 0.05 for name in ERRORS]
    # 100 repetitions of a true 5 % are more than 12 once in 1,000 times.
    assert np.all(rejected.sum(axis=0) <= 12), rejected.mean(axis=0)
