"""Figures of probabilities by people: values by definition, and how they move with each person."""

import math

import numpy as np
import pytest
from forecasting import drawn

from training.paired import compare
from training.reliability import reliability
from training.replay.forecasts import FIGURES, Forecasts, pseudo_values


def forecasts_of(chance, came, person):
    return Forecasts(chance, came, person, int(person.max()) + 1)


@pytest.fixture(scope="module")
def made():
    """Few people, some of whom are shown more; probabilities that often tie."""
    generator = np.random.default_rng(1)
    person = np.sort(generator.integers(0, 25, 400))
    chance = generator.integers(1, 30, 400) / 40
    return forecasts_of(chance, generator.random(400) < chance**1.3, person)


def plain(chance, came):
    """Return the figures by loops."""
    pairs = list(zip(chance.tolist(), came.tolist(), strict=True))
    rate = sum(came) / len(pairs)
    won = [(p > q) + (p == q) / 2 for p, hit in pairs if hit for q, other in pairs if not other]
    log_loss = -sum(math.log(p if hit else 1 - p) for p, hit in pairs) / len(pairs)
    base = -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
    return {
        "log_loss": log_loss,
        "log_loss_base": base,
        "log_loss_less_base": log_loss - base,
        "brier": sum((p - hit) ** 2 for p, hit in pairs) / len(pairs),
        "auc": sum(won) / len(won),
    }


def test_the_mean_over_people_is_the_figure(made):
    expected = plain(made.probability, made.outcome)
    (found,) = pseudo_values([made])
    assert tuple(found) == FIGURES
    assert {name: column.mean() for name, column in found.items()} == pytest.approx(expected)


def test_a_pseudo_value_is_how_the_figure_moves_with_a_person(made):
    (found,) = pseudo_values([made])
    for person in (0, 7, 24):

        def figures(weight, person=person):
            stands_for = np.where(made.person == person, weight, 1.0)
            told = vars(reliability(made.probability, made.outcome, stands_for))
            return told | {"log_loss_less_base": told["log_loss"] - told["log_loss_base"]}

        less, more = figures(0.999), figures(1.001)
        for name, column in found.items():
            slope = (more[name] - less[name]) / 0.002
            moved = (column[person] - column.mean()) / made.people
            assert moved == pytest.approx(slope, rel=1e-3, abs=1e-9), name


def test_who_is_shown_nothing_moves_nothing(made):
    more = Forecasts(made.probability, made.outcome, made.person, made.people + 5)
    (found,) = pseudo_values([more])
    for column in found.values():
        assert column[-5:] == pytest.approx(np.full(5, column.mean()))


def test_nothing_is_told_where_nothing_was_booked(made):
    never = Forecasts(made.probability, np.zeros(400, dtype=bool), made.person, made.people)
    (found,) = pseudo_values([never])
    assert all(np.isnan(column).all() for column in found.values())
    assert len(found["auc"]) == made.people


def differing(people, place):
    """Return what two systems say of the same people, half of what they show in common."""
    generator = np.random.default_rng([9, place])
    chance, came, person = drawn(people, "exact", generator)
    other, then, _ = drawn(people, "too steep", generator)
    is_shared = np.tile(np.arange(len(chance) // people) % 2 == 0, people)
    other, then = np.where(is_shared, chance, other), np.where(is_shared, came, then)
    return [forecasts_of(chance, came, person), forecasts_of(other, then, person)]


@pytest.mark.slow
@pytest.mark.parametrize("people", [300, 1_000])
def test_intervals_hold_the_truth(people):
    many = pseudo_values(differing(100_000, 0))
    truth = [{name: column.mean() for name, column in one.items()} for one in many]
    held = np.zeros((200, len(FIGURES), 3))
    for place in range(200):
        told = compare(pseudo_values(differing(people, 1 + place)), [True] * 2, place)
        for at, name in enumerate(FIGURES):
            first, second = (one[name] for one in told)
            right = [one[name] for one in truth]
            apart = (right[1] - right[0]) / abs(first.value)
            held[place, at] = [
                first.low <= right[0] <= first.high,
                second.low <= right[1] <= second.high,
                second.change_low <= apart <= second.change_high,
            ]
    shares = held.mean(axis=0)
    # Of a true 94 %, 200 repetitions are 89 % or less once in 300 times.
    assert np.all(shares > 0.89), shares
