"""Bootstrap intervals over users."""

import numpy as np
import pytest

from training import intervals
from training.intervals import mean_intervals


def test_the_interval_is_that_of_the_normal_approximation_for_many_users():
    figures = np.random.default_rng(1).normal(3.0, 2.0, size=(4_000, 1))
    (estimate,) = mean_intervals(figures)
    half = 1.96 * figures.std() / np.sqrt(len(figures))
    assert estimate.value == pytest.approx(figures.mean())
    assert estimate.low == pytest.approx(estimate.value - half, abs=half / 8)
    assert estimate.high == pytest.approx(estimate.value + half, abs=half / 8)


def test_the_seed_decides():
    figures = np.random.default_rng(2).random((50, 2))
    assert mean_intervals(figures, seed=4) == mean_intervals(figures, seed=4)
    assert mean_intervals(figures, seed=4) != mean_intervals(figures, seed=5)


def test_a_paired_difference_is_tighter_than_its_parts():
    generator = np.random.default_rng(3)
    user = generator.normal(size=500)
    better, worse = user + 0.1, user + generator.normal(scale=0.1, size=500)
    one, other, difference = mean_intervals(np.stack([better, worse, better - worse], axis=1))
    assert one.low < other.high
    assert difference.low > 0
    assert difference.value == pytest.approx(one.value - other.value)


def test_a_single_user_has_no_spread():
    (estimate,) = mean_intervals(np.array([[0.25]]))
    assert (estimate.low, estimate.value, estimate.high) == (0.25, 0.25, 0.25)


def test_who_has_no_figure_counts_in_neither_the_mean_nor_the_interval():
    of_half = np.where(np.arange(60) % 2 == 0, 1.0, np.nan)
    everybody, some = mean_intervals(np.stack([np.full(60, 3.0), of_half], axis=1))
    assert (everybody.low, everybody.value, everybody.high) == (3.0, 3.0, 3.0)
    assert (some.low, some.value, some.high) == (1.0, 1.0, 1.0)


def test_resamples_that_come_one_at_a_time_are_the_same(monkeypatch):
    figures = np.random.default_rng(5).random((40, 3))
    together = mean_intervals(figures, seed=6)
    monkeypatch.setattr(intervals, "_MOST_COUNTS", 40)
    assert [len(counts) for _, counts in intervals.times_drawn(40, 6, 3)] == [1, 1, 1]
    for one, other in zip(mean_intervals(figures, seed=6), together, strict=True):
        assert vars(one) == pytest.approx(vars(other), rel=1e-12)
