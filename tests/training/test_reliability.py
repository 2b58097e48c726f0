"""How far probabilities can be believed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from training.reliability import curve_of, distinct_share, mean_distinct_share, reliability


def test_the_true_probability_is_calibrated_and_twice_of_it_is_not():
    generator = np.random.default_rng(0)
    chance = generator.beta(1.0, 20.0, 60_000)
    outcome = generator.random(len(chance)) < chance
    true, doubled = reliability(chance, outcome), reliability(np.minimum(1, 2 * chance), outcome)
    assert true.ece_rel < 0.06
    assert doubled.ece == pytest.approx(chance.mean(), rel=0.1)
    assert true.log_loss < true.log_loss_base
    assert true.log_loss < doubled.log_loss
    assert true.brier == pytest.approx(np.mean((chance - outcome) ** 2))
    assert true.auc == pytest.approx(doubled.auc, abs=1e-3)


told = st.tuples(st.floats(1e-6, 1.0 - 1e-6), st.booleans(), st.integers(1, 4))


@given(st.lists(told, max_size=12))
def test_log_losses_are_those_of_their_definition(some):
    """Equal, as all figures are, also where each stands for several."""
    rows = [(0.3, True, 1), (0.3, False, 2), *some]
    chance, outcome, weight = (np.array(column) for column in zip(*rows, strict=True))
    found = reliability(chance, outcome, weight.astype(float))
    every = [(p, hit) for p, hit, times in rows for _ in range(times)]
    rate = sum(hit for _, hit in every) / len(every)
    loss = [-math.log(p if hit else 1.0 - p) for p, hit in every]
    base = [-math.log(rate if hit else 1.0 - rate) for _, hit in every]
    assert found.log_loss == pytest.approx(sum(loss) / len(loss))
    assert found.log_loss_base == pytest.approx(sum(base) / len(base))
    each = reliability(*(np.array(column) for column in zip(*every, strict=True)))
    assert vars(found) == pytest.approx(vars(each))


@given(st.permutations(range(60)))
def test_equal_probabilities_are_one_bin_whatever_their_order(order):
    probability = np.repeat([0.1, 0.2, 0.6], 20)[list(order)]
    outcome = np.tile(np.arange(20) < 6, 3)[list(order)]
    told = reliability(probability, outcome)
    # Of each 20 six are true: 2, 4 and 12 were said.
    assert told.ece == pytest.approx((4 + 2 + 6) / 60)


def test_one_probability_that_is_the_rate_is_calibrated():
    assert reliability(np.full(1500, 0.1), np.arange(1500) < 150).ece == pytest.approx(0.0)


def test_log_losses_by_hand():
    found = reliability(np.array([0.5, 0.25, 0.75, 0.2]), np.array([True, False, True, False]))
    expected = -(math.log(0.5) + math.log(0.75) + math.log(0.75) + math.log(0.8)) / 4
    assert found.log_loss == pytest.approx(expected)
    assert found.log_loss_base == pytest.approx(math.log(2.0))
    # What was certain and wrong costs much, and no infinity.
    wrong = reliability(np.array([0.0, 1.0]), np.array([True, False]))
    assert wrong.log_loss == pytest.approx(-math.log(1e-15), abs=1e-3)
    alone = reliability(np.array([0.9, 0.1, 0.1, 0.1]), np.array([True, False, False, False]))
    assert alone.log_loss_base == pytest.approx(math.log(4.0) - 0.75 * math.log(3.0))


def test_a_flat_probability_is_told():
    assert distinct_share(np.full(10, 0.3)) == 0.1
    assert distinct_share(np.arange(10) / 10) == 1.0


def test_how_flat_probabilities_are_is_asked_of_the_likeliest_of_everybody():
    steep, flat = np.arange(600) / 1_000, np.full(100, 0.3)
    # Only the likeliest of the third differ: of 500, 250 have one value.
    mixed = np.append(np.full(400, 0.1), 0.2 + np.arange(250) / 1_000)
    start = np.cumsum([0, 600, 100, 0, 650])
    together = np.concatenate([steep, flat, mixed])
    assert mean_distinct_share(together, start) == pytest.approx((1.0 + 0.01 + 251 / 500) / 3)


def by_person(generator, people=1_500, offers=20):
    """Probabilities and outcomes of people whose offers come true together, and whose they are."""
    person = np.repeat(np.arange(people), offers)
    said = np.repeat(generator.random(people), offers)
    true = np.repeat(generator.beta(0.5, 4.5, people), offers)
    return said, generator.random(len(true)) < true, person


def test_intervals_of_bins_are_as_wide_as_people_differ():
    generator = np.random.default_rng(1)
    covered = []
    for _ in range(40):
        told = curve_of(*by_person(generator))
        covered += [low <= 0.1 <= high for low, high in zip(told.low, told.high, strict=True)]
    # As if offers were independent, 67 % would hold it.
    assert 0.92 <= np.mean(covered) <= 0.98


def test_what_a_person_says_twice_makes_a_bin_no_surer():
    generator = np.random.default_rng(2)
    said, came = np.sort(generator.random(150)), generator.random(150) < 0.3
    once = curve_of(said, came, np.arange(150))
    thrice = curve_of(np.repeat(said, 3), np.repeat(came, 3), np.repeat(np.arange(150), 3))
    assert [*thrice.low, *thrice.high] == pytest.approx([*once.low, *once.high])
    ends = [binomtest(sum(own), 10).proportion_ci(method="wilson") for own in came.reshape(15, 10)]
    assert list(once.low) == pytest.approx([one.low for one in ends], abs=1e-6)
    assert list(once.high) == pytest.approx([one.high for one in ends], abs=1e-6)


def test_what_people_say_in_turns_makes_a_bin_no_surer_than_if_each_were_alone():
    said, person = np.sort(np.random.default_rng(3).random(300)), np.repeat(np.arange(150), 2)
    came = np.tile([True, False], 150)
    # In each bin of 20 one person says yes twice.
    came[1::20] = True
    told = curve_of(said, came, person)
    alone = binomtest(11, 20).proportion_ci(method="wilson")
    assert list(told.low) == pytest.approx([alone.low] * 15, abs=1e-6)
    assert list(told.high) == pytest.approx([alone.high] * 15, abs=1e-6)
