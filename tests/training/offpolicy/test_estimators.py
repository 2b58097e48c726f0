"""Off-policy estimators: exact expectations by enumeration, and what each one assumes."""

import itertools
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.errors import InvalidInput
from training.offpolicy.estimators import (
    Sample,
    Terms,
    Weights,
    cascade,
    doubly_robust,
    grouped,
    importance_weights,
    independent,
    ips,
    snips,
    whole_slate,
)
from training.offpolicy.rewards import cross_fitted_means

few = settings(max_examples=25)
seeds = st.integers(0, 1_000)
PAIRS = np.array(list(itertools.permutations(range(3), 2)))
"""All slates of two of three offers."""


def policies(seed, actions):
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.ones(actions), size=2)


def slates(seed):
    """Return for each pair its probabilities by position, given above and marginal, of both."""
    weight = np.random.default_rng(seed).uniform(0.2, 2.0, size=(2, 3))
    share = weight / weight.sum(axis=1, keepdims=True)
    first, second = share[:, PAIRS[:, 0]], share[:, PAIRS[:, 1]]
    given_above = np.stack([first, second / (1 - first)], axis=2)
    whole = given_above.prod(axis=2)
    is_there = PAIRS[:, :, np.newaxis] == np.arange(3)
    marginal = np.einsum("po,okm->pkm", whole, is_there)
    return given_above, whole, marginal[:, np.arange(2), PAIRS]


@few
@given(seeds)
def test_ips_is_unbiased_over_all_that_can_be_logged(seed):
    logging, target = policies(seed, 4)
    reward = np.random.default_rng(seed + 1).random(4)
    terms = ips(importance_weights(target, logging), reward)
    assert logging @ terms.above == pytest.approx(target @ reward)
    assert set(terms.below) == {1.0}


@few
@given(seeds)
def test_snips_of_all_that_can_be_logged_is_the_value(seed):
    logging, target = policies(seed, 4)
    reward = np.random.default_rng(seed + 1).random(4)
    terms = snips(importance_weights(target, logging), reward)
    assert logging @ terms.above / (logging @ terms.below) == pytest.approx(target @ reward)
    constant = snips(importance_weights(target, logging), np.full(4, 0.3))
    assert constant.value == pytest.approx(0.3)


@few
@given(seeds, st.booleans())
def test_doubly_robust_needs_but_one_of_both(seed, propensities_are_right):
    logging, target = policies(seed, 4)
    generator = np.random.default_rng(seed + 1)
    reward, wrong = generator.random(4), generator.random(4)
    told = logging if propensities_are_right else generator.dirichlet(np.ones(4) * 5)
    said = wrong if propensities_are_right else reward
    terms = doubly_robust(importance_weights(target, told), reward, said, np.full(4, target @ said))
    assert logging @ terms.above == pytest.approx(target @ reward)


@few
@given(seeds)
def test_a_slate_as_a_whole_is_unbiased_whatever_a_reward_depends_on(seed):
    (logging, target), (shown, wanted), _ = slates(seed)
    reward = np.random.default_rng(seed + 1).random((6, 2))
    terms = whole_slate(importance_weights(target, logging), reward)
    assert shown @ terms.above == pytest.approx(wanted @ reward.sum(axis=1))


@few
@given(seeds)
def test_cascade_is_unbiased_where_rewards_depend_on_what_is_above(seed):
    (logging, target), (shown, wanted), _ = slates(seed)
    generator = np.random.default_rng(seed + 1)
    first, second = generator.random(3)[PAIRS[:, 0]], generator.random(6)
    reward = np.stack([first, second], axis=1)
    terms = cascade(importance_weights(target, logging), reward)
    assert shown @ terms.above == pytest.approx(wanted @ reward.sum(axis=1))


@few
@given(seeds)
def test_iips_is_unbiased_where_rewards_depend_on_their_position_alone(seed):
    _, (shown, wanted), (logging, target) = slates(seed)
    of_offer = np.random.default_rng(seed + 1).random((2, 3))
    reward = of_offer[np.arange(2), PAIRS]
    terms = independent(importance_weights(target, logging), reward)
    assert shown @ terms.above == pytest.approx(wanted @ reward.sum(axis=1))


def test_iips_errs_where_they_do_not():
    _, (shown, wanted), (logging, target) = slates(5)
    reward = np.stack([np.zeros(6), np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])], axis=1)
    terms = independent(importance_weights(target, logging), reward)
    assert abs(shown @ terms.above - wanted @ reward.sum(axis=1)) > 0.02


@few
@given(seeds)
def test_a_position_that_may_be_unknown_leaves_the_estimate_unbiased(seed):
    """With some probability the log does not say how likely what it shows was."""
    generator = np.random.default_rng(seed)
    logging, target = policies(seed, 4)
    reward, unknown = generator.random(4), generator.random(4) * 0.9
    known = logging * (1 - unknown)
    probability = np.concatenate([known, logging * unknown])
    propensity = np.concatenate([known, np.zeros(4)])
    weight = importance_weights(np.tile(target, 2), propensity)
    terms = ips(weight, np.tile(reward, 2))
    assert probability @ terms.above == pytest.approx(target @ reward)


@given(st.integers(1, 50), st.floats(0.01, 100.0))
def test_equal_weights_are_as_many_samples_as_rows(rows, weight):
    for weights in (np.full(rows, weight), np.append(np.full(rows, weight), 0.0)):
        assert ips(weights, weights).weighing.effective == pytest.approx(rows)


def test_of_several_positions_the_least_is_told():
    weight = np.array([[1.0, 4.0], [1.0, 0.0], [1.0, 0.0]])
    assert independent(weight, np.zeros((3, 2))).weighing.effective == pytest.approx(1.0)
    assert cascade(weight, np.zeros((3, 2))).weighing.mean == pytest.approx(4 / 3)


def test_a_log_that_lacks_what_the_policy_shows_is_not_whole():
    ones = np.ones(200)
    assert ips(ones, ones).weighing.is_whole
    # As where three of four offers that are shown evenly are never logged.
    lacking = ips(ones / 4, ones).weighing
    assert lacking.effective == pytest.approx(200)
    assert lacking.mean == 0.25
    assert not lacking.is_whole
    # One position that lacks something is enough.
    assert not Weights.of(np.tile([1.0, 0.25], (200, 1)), ones).weighing.is_whole
    assert ips(np.random.default_rng(1).exponential(size=200), ones).weighing.is_whole


def test_what_is_effective_of_people_is_people():
    weight = np.array([1.0, 1.0, 1.0, 3.0, 0.0])
    of_slates = ips(weight, np.ones(5))
    alone = grouped(of_slates, np.arange(5)).weighing
    assert (alone.effective, alone.mean) == (of_slates.weighing.effective, 1.2)
    # Two people: the sums are 3 and 3.
    both = grouped(of_slates, np.array([0, 0, 0, 1, 1]))
    assert both.weighing.effective == pytest.approx(2.0)
    assert both.weighing.mean == pytest.approx(1.2)
    assert both.value == pytest.approx(of_slates.value)
    one = grouped(of_slates, np.zeros(5, dtype=np.int64))
    assert one.weighing.effective == pytest.approx(1.0)


def test_more_slates_of_some_do_not_look_like_chance():
    generator = np.random.default_rng(2)
    slates = generator.integers(1, 40, size=300)
    person = np.repeat(np.arange(300), slates)
    lacking = grouped(ips(np.full(len(person), 0.9), np.ones(len(person))), person)
    assert not lacking.weighing.is_whole
    # Of the same weight all over, only the share of each person in the slates lessens the people.
    shares = slates / slates.sum()
    assert lacking.weighing.effective == pytest.approx(1.0 / (shares @ shares))


def of_all_rows(terms):
    """Return what weights say, told by all of them."""
    mean = terms.weights.sum(axis=0) / terms.count.sum()
    apart = terms.weights - mean * terms.count[:, np.newaxis]
    error = np.sqrt((apart**2).sum(axis=0)) / terms.count.sum()
    effective = terms.weights.sum(axis=0) ** 2 / (terms.weights**2).sum(axis=0)
    away = np.abs(mean - 1.0)
    return effective.min(), mean[away.argmax()], np.all(away <= 0.05 + 4 * error)


@pytest.mark.parametrize("scale", [1.0, 0.9, 0.7])
def test_parts_of_a_log_of_which_sums_are_kept_say_what_all_its_rows_say(scale):
    generator = np.random.default_rng(3)
    weight = scale * generator.lognormal(-0.1, 0.45, size=(500, 4))
    person = np.sort(generator.integers(0, 90, 500))
    whole = grouped(independent(weight, np.ones((500, 4))), person)
    parts = [
        Sample.of(Terms(*(column[at] for column in vars(whole).values())))
        for at in (slice(20), slice(20, 21), slice(21, None))
    ]
    found = Sample.joined(parts)
    assert found.above.tolist() == whole.above.tolist()
    assert found.below.tolist() == whole.below.tolist()
    for weighing in (found.weighing, whole.weighing):
        assert astuple(weighing) == pytest.approx(of_all_rows(whole), rel=1e-12)


def test_without_any_weight_there_is_no_value():
    nothing = snips(np.zeros(3), np.ones(3))
    assert nothing.weighing.effective == 0.0
    assert np.isnan(nothing.value)


@pytest.mark.parametrize(
    ("target", "propensity", "field"),
    [(1.5, 0.5, "target"), (0.5, -0.1, "propensity"), (0.5, np.nan, "propensity")],
)
def test_what_is_no_probability_is_refused(target, propensity, field):
    with pytest.raises(InvalidInput, match=field):
        importance_weights(np.array([target]), np.array([propensity]))


def test_a_mean_never_knows_the_row_that_it_speaks_of():
    group = np.array([0, 0, 1, 1, 0, 2])
    reward = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    fold, means = cross_fitted_means(group, reward, 4)
    for row in range(len(reward)):
        changed = reward.copy()
        changed[row] = 1.0 - changed[row]
        other = cross_fitted_means(group, changed, 4)[1]
        assert other[fold[row]].tolist() == means[fold[row]].tolist()
    # Rows 1, 3 and 5 tell of row 0: two thirds are 0; of an offer in none of them, their mean.
    assert means[fold[0], 3] == pytest.approx(1 / 3)
    assert means[fold[0], 1] == pytest.approx((1.0 + 20 / 3) / 21)
