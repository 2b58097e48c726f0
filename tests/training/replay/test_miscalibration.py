"""The calibration error without what chance makes of it, where the truth is known."""

import numpy as np
import pytest

from training.reliability import reliability
from training.replay.miscalibration import LEAST_BOOKED, LEAST_PEOPLE, calibration_errors

K, RATE, SPREAD = 20, 0.02, 0.8
TRUTHS = {
    "exact": lambda said: said,
    "too low": lambda said: said * 1.25,
    "too high": lambda said: said * 0.8,
    "wrong at the top": lambda said: np.where(said > 2.5 * RATE, said * 1.4, said),
    "too steep": lambda said: RATE * (said / RATE) ** 0.7,
}


def said(people, generator):
    size = (people, K)
    return np.minimum(RATE * np.exp(SPREAD * generator.standard_normal(size) - SPREAD**2 / 2), 0.9)


def drawn(people, truth, generator):
    """Return what was said, what came true, and whose each is; some people book oftener."""
    chance = said(people, generator)
    keen = np.exp(0.5 * generator.standard_normal((people, 1)) - 0.125)
    came = generator.random(chance.shape) < np.minimum(TRUTHS[truth](chance) * keen, 1.0)
    return chance.ravel(), came.ravel(), np.repeat(np.arange(people), K)


def true_errors(truth):
    """Return the error over 15 bins of all that may be said, and over the base rate."""
    chance = np.sort(said(50_000, np.random.default_rng(0)).ravel())
    right = TRUTHS[truth](chance)
    gaps = [part.sum() for part in np.array_split(chance - right, 15)]
    error = np.abs(gaps).sum() / len(chance)
    return error, error / right.mean()


def test_exact_probabilities_have_an_error_that_may_be_nought():
    for people in (300, 2_000):
        made = drawn(people, "exact", np.random.default_rng(people))
        raw = reliability(*made[:2])
        for found, plain in zip(calibration_errors(*made), (raw.ece, raw.ece_rel), strict=True):
            assert found.low == 0.0
            assert 0.0 <= found.value < plain / 2
            assert found.high < 1.5 * plain


def test_a_plain_error_of_many_is_found():
    made = drawn(20_000, "too low", np.random.default_rng(1))
    for found, truth in zip(calibration_errors(*made), true_errors("too low"), strict=True):
        assert truth / 2 < found.low < truth < found.high < 2 * truth
        assert found.value == pytest.approx(truth, rel=0.25)


def test_it_does_not_matter_how_people_are_numbered():
    chance, came, person = drawn(400, "too low", np.random.default_rng(2))
    again = calibration_errors(chance, came, 7 * person[::-1].max() - 7 * person)
    for found, other in zip(calibration_errors(chance, came, person), again, strict=True):
        assert vars(other) == pytest.approx(vars(found), rel=1e-6)


def test_of_few_people_or_bookings_nothing_is_said():
    chance, came, person = drawn(LEAST_PEOPLE - 1, "too low", np.random.default_rng(3))
    assert calibration_errors(chance, came, person) == (None, None)
    chance, came, person = drawn(400, "too low", np.random.default_rng(3))
    came[np.flatnonzero(came)[LEAST_BOOKED - 1 :]] = False
    assert calibration_errors(chance, came, person) == (None, None)


def test_what_came_exactly_as_it_was_said_leaves_nothing_to_chance():
    said = np.tile([1.0, 0.0], 300)
    for found in calibration_errors(said, said > 0, np.repeat(np.arange(300), 2)):
        assert vars(found) == {"value": 0.0, "low": 0.0, "high": 0.0}


@pytest.mark.slow
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("people", [600, 2_000])
def test_intervals_hold_the_truth(truth, people):
    expected = true_errors(truth)
    held = np.zeros((400, 2))
    for place, row in enumerate(held):
        found = calibration_errors(*drawn(people, truth, np.random.default_rng([4, place])), place)
        row[:] = [one.low <= true <= one.high for one, true in zip(found, expected, strict=True)]
    # The least of them have a true 93 %: 400 repetitions of it are 90 % or less once in 80 times.
    assert np.all(held.mean(axis=0) > 0.9), held.mean(axis=0)
