"""From scores to log-odds, on what was held out."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from tastes import START, events_of, two_tastes

from training import calibration as calibrating
from training.calibration import fit_calibration
from training.evaluate import task_of, users_among
from training.split import time_split

DAY = np.timedelta64(1, "D")


def simulated(users=400, items=300, seed=0, mean=-4.0):
    """Return a task whose bookings were drawn from known log-odds, and these (users, items)."""
    generator = np.random.default_rng(seed)
    log_odds = generator.normal(mean, 1.5, size=(users, items))
    met = generator.random((users, items)) < 1 / (1 + np.exp(-log_odds))
    user, item = np.nonzero(met)
    everybody = np.arange(users)
    past = events_of(everybody, everybody * 0 + items, 0 * everybody)
    both = events_of(
        np.concatenate([past.user, user]),
        np.concatenate([past.item, item]),
        np.concatenate([0 * everybody, 0 * user + 2]),
        users=users,
        items=items + 1,
    )
    padded = np.concatenate([log_odds, np.full((users, 1), np.nan)], axis=1)
    return task_of(time_split(both, START + DAY)), padded


def test_probabilities_match_what_happened_in_every_tenth():
    task, log_odds = simulated()
    # Any increasing scale will do; the calibration has to find the way back.
    scores = 1_000 * np.sinh((log_odds + 6.0) / 4.0)
    active = np.arange(len(scores), dtype=np.int32)
    calibration = fit_calibration(lambda users: scores[users], task, active)
    found = 1 / (1 + np.exp(-calibration.log_odds(scores[task.users][:, :-1])))
    met = task.targets.toarray()[:, :-1]
    order = np.argsort(found, axis=None)
    for piece in np.array_split(order, 10):
        expected, happened = found.ravel()[piece].mean(), met.ravel()[piece].mean()
        assert expected == pytest.approx(happened, rel=0.25, abs=0.002)


def test_one_booking_in_fifty_thousand_is_enough_to_learn_from():
    """In a large catalogue hardly any pair of a person and a work becomes a booking."""
    task, log_odds = simulated(400, 20_000, mean=-12.0)
    active = np.arange(len(log_odds), dtype=np.int32)
    scores = np.sinh((log_odds + 14.0) / 4.0)
    calibration = fit_calibration(lambda users: scores[users], task, active)
    found = calibration.log_odds(scores[:100, :-1])
    assert task.targets.nnz < 400
    assert np.abs(found - log_odds[:100, :-1]).mean() < 0.5


def test_what_was_met_or_is_closed_and_who_did_nothing_say_nothing():
    """Whatever their scores: none of these pairs could have become a booking that counts."""
    task, log_odds = simulated(100, 200)
    open_items = np.arange(201) != 7
    targets = csr_array(task.targets.toarray() & open_items)
    task = replace(task, targets=targets, closed=~open_items)
    active = np.arange(0, 100, 2, dtype=np.int32)
    known = fit_calibration(lambda users: log_odds[users], task, active)
    # The last item is what everybody had met.
    for rows, columns in ((slice(None), [7, -1]), (slice(1, None, 2), slice(None))):
        misled = log_odds.copy()
        misled[rows, columns] = 30.0
        assert fit_calibration(lambda users, s=misled: s[users], task, active) == known
    without = users_among(task, np.isin(np.arange(100), active))
    assert fit_calibration(lambda users: log_odds[users], without, active) == known


def test_of_many_users_some_are_asked(monkeypatch):
    monkeypatch.setattr(calibrating, "MAX_USERS", 25)
    task, log_odds = simulated(100, 200)
    asked = set()

    def score_users(users):
        asked.update(users.tolist())
        return log_odds[users]

    fit_calibration(score_users, task, np.arange(100, dtype=np.int32))
    assert len(asked) == 25
    assert max(asked) > 50


def test_the_order_of_the_scores_is_kept():
    task, log_odds = simulated(60, 50)
    active = np.arange(60, dtype=np.int32)
    for scores in (log_odds, -log_odds, np.zeros_like(log_odds)):
        calibration = fit_calibration(lambda users, s=scores: s[users], task, active)
        rising = calibration.log_odds(np.array([-1e3, -1.0, -1e-3, 0.0, 1e-3, 1.0, 1e3]))
        assert np.all(np.diff(rising) > 0)
        assert np.all(np.isfinite(rising))


def test_scores_that_say_nothing_give_the_base_rate():
    task, log_odds = simulated()
    scores = np.ones_like(log_odds)
    active = np.arange(len(scores), dtype=np.int32)
    calibration = fit_calibration(lambda users: scores[users], task, active)
    rate = task.targets.nnz / log_odds[:, :-1].size
    found = 1 / (1 + np.exp(-calibration.log_odds(np.ones(1))))
    assert found == pytest.approx(rate, rel=0.1)


def test_nothing_met_gives_a_small_finite_probability():
    events = two_tastes()
    task = task_of(time_split(events, events.at.max() + DAY))
    scores = np.random.default_rng(0).random((60, 40))
    calibration = fit_calibration(lambda users: scores[users], task, np.arange(60, dtype=np.int32))
    assert task.targets.nnz == 0
    # Half an observation of all pairs that were not met before.
    left = 60 * 40 - task.seen.nnz
    assert calibration.log_odds(np.ones(1))[0] == pytest.approx(np.log(0.5 / left), abs=0.1)


def test_of_nobody_there_is_no_probability():
    task, log_odds = simulated(60, 50)
    with pytest.raises(ValueError, match="Nobody has a history"):
        fit_calibration(lambda users: log_odds[users], task, np.empty(0, dtype=np.int32))


def test_the_seed_decides():
    task, log_odds = simulated(60, 400)
    active = np.arange(60, dtype=np.int32)
    one, again, other = (
        fit_calibration(lambda users: log_odds[users], task, active, seed) for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other
