"""Intervals of off-policy estimates."""

import tracemalloc

import numpy as np
import pytest

from training.intervals import resampled_means
from training.offpolicy.estimators import Terms, grouped, ips, snips
from training.offpolicy.intervals import (
    normal_intervals,
    percentile_intervals,
    resampled,
    studentised_intervals,
    told,
)

METHODS = [normal_intervals, percentile_intervals, studentised_intervals]


def light(rows=1_500):
    generator = np.random.default_rng(1)
    return generator.uniform(0.5, 1.5, rows), generator.normal(2.0, 1.0, rows)


@pytest.mark.parametrize("intervals", METHODS)
def test_with_light_weights_all_are_that_of_the_normal_approximation(intervals):
    weight, reward = light()
    found = resampled([ips(weight, reward), snips(weight, reward)], seed=2, resamples=500)
    mean, ratio = intervals(found)
    spread = 1.96 * (weight * reward).std() / np.sqrt(len(weight))
    assert mean.value == pytest.approx((weight * reward).mean())
    assert mean.high - mean.low == pytest.approx(2 * spread, rel=0.12)
    value = (weight @ reward) / weight.sum()
    spread = 1.96 * (weight * (reward - value)).std() / weight.mean() / np.sqrt(len(weight))
    assert ratio.value == pytest.approx(value)
    assert ratio.high - ratio.low == pytest.approx(2 * spread, rel=0.12)


def test_a_long_tail_lies_above():
    generator = np.random.default_rng(3)
    weight = generator.lognormal(sigma=1.5, size=400)
    (found,) = studentised_intervals(resampled([ips(weight, np.ones(400))], seed=4))
    assert found.high - found.value > 1.3 * (found.value - found.low)
    (normal,) = normal_intervals(resampled([ips(weight, np.ones(400))], seed=4))
    assert found.high > normal.high


def test_the_seed_decides():
    terms = [ips(*light(200))]
    assert studentised_intervals(resampled(terms, 5)) == studentised_intervals(resampled(terms, 5))
    assert studentised_intervals(resampled(terms, 5)) != studentised_intervals(resampled(terms, 6))


def test_rows_are_summed_as_if_all_their_moments_were_held():
    terms = [ips(*light(20_000)), snips(*light(20_000))]
    found = resampled(terms, seed=3, resamples=60)
    moments = np.stack(
        [[t.above, t.below, t.above**2, t.above * t.below, t.below**2] for t in terms]
    )
    drawn = resampled_means(moments.reshape(10, -1).T, seed=3, resamples=60).reshape(60, 2, 5)
    for (above, below, squares, products, below_squares), values, errors in (
        (np.moveaxis(moments.mean(axis=2), -1, 0), found.value, found.error),
        (np.moveaxis(drawn, -1, 0), found.values, found.errors),
    ):
        assert values == pytest.approx(above / below, rel=1e-12)
        variance = squares - 2 * values * products + values**2 * below_squares
        assert errors == pytest.approx(np.sqrt(variance / 20_000) / below, rel=1e-9)


def test_resampling_holds_little_of_each_row():
    terms = [ips(*light(200_000)), snips(*light(200_000))]
    tracemalloc.start()
    try:
        resampled(terms, seed=3, resamples=3)
        assert tracemalloc.get_traced_memory()[1] < 60 * 200_000
    finally:
        tracemalloc.stop()


def test_estimates_on_the_same_rows_do_not_disturb_each_other():
    terms = [ips(*light(200)), snips(*light(200))]
    both = studentised_intervals(resampled(terms, 7))
    assert both[1].low == pytest.approx(studentised_intervals(resampled(terms[1:], 7))[0].low)


def test_without_a_reward_the_interval_is_a_point_and_with_few_it_may_have_no_end():
    (nothing,) = studentised_intervals(resampled([ips(np.ones(50), np.zeros(50))], 8))
    assert (nothing.low, nothing.value, nothing.high) == (0.0, 0.0, 0.0)
    once = np.zeros(50)
    once[0] = 1.0
    (found,) = studentised_intervals(resampled([ips(np.ones(50), once)], 8))
    assert found.high == np.inf
    assert found.low < found.value


def test_terms_without_weight_are_no_number():
    found = resampled([Terms(np.zeros(5), np.zeros(5), np.zeros((5, 1)), np.ones(5))], 9)
    assert np.isnan(found.value).all()


def test_no_number_is_shown_of_too_few_effective_samples():
    rows = 100
    reward = np.tile([0.0, 1.0], rows)
    enough, few = told(
        [
            ips(np.repeat([2.0, 0.0], rows), reward),
            ips(np.repeat([2.0, 0.0], [rows - 1, rows + 1]), reward),
        ],
        seed=1,
    )
    assert enough.weighing.effective == pytest.approx(rows)
    assert enough.estimate is not None
    assert enough.estimate.value == pytest.approx(0.5)
    assert few.weighing.effective == pytest.approx(rows - 1)
    assert few.estimate is None


def test_no_number_is_shown_where_its_interval_has_no_end():
    reward = np.zeros(500)
    reward[0] = 1.0
    (once,) = told([ips(np.ones(500), reward)], seed=1)
    assert once.weighing.effective == pytest.approx(500)
    assert once.estimate is None


def test_no_number_is_shown_where_nothing_was_ever_earned():
    (nothing,) = told([ips(np.ones(4_000), np.zeros(4_000))], seed=1)
    assert nothing.weighing.effective == pytest.approx(4_000)
    assert nothing.estimate is None
    # Nor where rounding alone makes rows differ.
    for seed in range(8):
        weight = np.random.default_rng(seed).uniform(0.5, 1.5, 500)
        (constant,) = told([snips(weight, np.full(500, 0.3))], seed=1)
        assert constant.estimate is None


def test_no_number_is_shown_of_the_slates_of_one_person():
    reward = np.tile([1.0, *[0.0] * 19], 10)
    slates = ips(np.ones(200), reward)
    of_one, of_all = told([grouped(slates, np.zeros(200, dtype=np.int64))], 1), told([slates], 1)
    assert of_one[0].weighing.effective == pytest.approx(1.0)
    assert of_one[0].estimate is None
    assert of_all[0].estimate is not None
