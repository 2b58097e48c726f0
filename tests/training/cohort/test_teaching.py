"""What a cohort was shown teaches its ranker, told as the feed saw it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from reco.errors import InvalidInput
from training.cohort.attention import attention, seen
from training.cohort.teaching import telling_of, told
from training.impressions import LEAST_BOOKED
from training.ranker import Learned

from .conftest import TINY


@pytest.fixture(scope="module")
def shown(keen_life):
    return keen_life.lessons.impressions


def test_a_slate_is_told_as_the_model_saw_it(begun):
    """What a ranker learns from has the very probability that the slate was chosen by."""
    life = begun.with_ranker.life("horizon@.9")
    as_served, feeds = Learned(life.model.ranker, life.model.calibration), life.feeds(0)
    for person in range(5):
        ranking, situation, chosen = feeds.answer(person)
        offers = chosen.candidates.offer_id
        slate = told(telling_of(feeds.serving), person, ranking, situation, offers)
        assert slate.place.tolist() == list(range(TINY.n))
        life.lessons.add(slate, slate.offer.tolist())
        found = life.lessons.impressions
        np.testing.assert_allclose(
            as_served.log_odds(found.pairs)[-TINY.n :],
            chosen.log_odds,
            rtol=1e-5,
        )


def test_what_was_booked_of_a_slate_is_on_record_with_it(keen_life, shown):
    booked = {
        (person, int(keen_life.world.past.stocks.offer[stock]), at_us)
        for person, stock, _, _, at_us, *_ in keen_life.record.booked
    }
    pairs = shown.pairs
    told = zip(shown.user[pairs.visit], shown.offer, shown.at_us[pairs.visit], strict=True)
    assert [one in booked for one in told] == pairs.is_booked.tolist()
    assert LEAST_BOOKED < np.count_nonzero(pairs.is_booked) <= len(booked)


def test_a_ranker_is_corrected_to_the_rate_at_which_what_is_shown_is_booked(keen_life, shown):
    taught = keen_life.lessons.taught(keen_life.model)
    booked, stands_for = shown.pairs.is_booked, 1.0 / shown.pairs.drawn
    rate = stands_for[booked].sum() / stands_for.sum()
    before, after = (
        np.average(
            expit(Learned(one.ranker, one.calibration).log_odds(shown.pairs)), weights=stands_for
        )
        for one in (keen_life.model, taught)
    )
    assert after == pytest.approx(rate, rel=0.05)
    assert abs(before - rate) > 5 * abs(after - rate)
    assert taught.scorer is keen_life.model.scorer


def test_too_few_bookings_teach_nothing(begun):
    life = begun.with_ranker.lived("horizon@.98")
    assert 0 < sum(map(np.count_nonzero, life.lessons.booked)) < LEAST_BOOKED
    assert life.lessons.taught(life.model) is life.model
    assert life.model.calibration == begun.model.calibration


def test_so_many_slates_teach_as_are_wanted(begun):
    fit, people = range(TINY.weeks_between_fits), TINY.people
    for wanted in (20, 30):
        life = begun.with_ranker.life("relevance", replace(TINY, lesson_slates=wanted))
        told_of = np.array([life.lessons.of_week(week, people) for week in fit])
        assert np.isclose(told_of.sum() * seen(TINY), wanted, rtol=0.35)
        # Each in turn.
        assert np.ptp(told_of.sum(axis=0)) <= 1


@pytest.mark.parametrize("policy", ["popular", "nearest"])
def test_a_policy_without_a_model_is_taught_nothing(begun, policy):
    assert not begun.with_ranker.life(policy).lessons.of_week(0, TINY.people).any()


def test_none_are_wanted(begun):
    life = begun.with_ranker.life("relevance", replace(TINY, lesson_slates=0))
    assert not life.lessons.of_week(0, TINY.people).any()
    with pytest.raises(InvalidInput, match="lesson_slates"):
        replace(TINY, lesson_slates=-1)


def test_what_nobody_looked_at_is_stood_for(keen_life):
    chance = 1.0 - np.prod(1.0 - attention(TINY))
    assert seen(TINY) == pytest.approx(chance)
    assert 0.4 < chance < 0.5
    assert seen(keen_life.assumptions) == pytest.approx(1.0)
