"""What the sums of a ranker's log-odds mean: found where they bend, and strictly rising."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from reco.model.link import STRAIGHT, Link, LinkFacts
from training.link import learn_link
from training.reliability import reliability

DRAWN = 0.1


def shown(seed, meant, count=200_000):
    """Return sums, and pairs that were booked as `meant` says, with a tenth of the others."""
    chance = np.random.default_rng(seed)
    told = chance.normal(-6.0, 2.0, count)
    booked = chance.random(count) < expit(meant(told))
    kept = booked | (chance.random(count) < DRAWN)
    drawn = np.where(booked[kept], 1.0, DRAWN)
    return told[kept], SimpleNamespace(is_booked=booked[kept], drawn=drawn)


def too_sure(told):
    """Half as steep from -4 on."""
    return np.where(told < -4.0, told, -4.0 + 0.5 * (told + 4.0))


def test_a_sum_that_is_too_sure_at_its_end_is_put_right_on_others():
    told, pairs = shown(0, too_sure)
    link = Link.of(learn_link(told, pairs))
    others, found = shown(1, too_sure)
    before, after = (
        reliability(chance, found.is_booked, 1.0 / found.drawn)
        for chance in (expit(others), link.probability(others))
    )
    assert after.ece_rel < 0.5 * before.ece_rel
    assert after.log_loss < before.log_loss
    rise = np.diff(link.log_odds(np.array([-8.0, -7.0, 0.0, 1.0])))
    assert rise[0] == pytest.approx(1.0, abs=0.2)
    assert rise[2] == pytest.approx(0.5, abs=0.15)


def test_where_sums_say_what_they_mean_they_are_left_as_they_are():
    told, pairs = shown(2, lambda told: told)
    link = Link.of(learn_link(told, pairs))
    assert link.log_odds(np.array([-8.0, -5.0, -2.0])) == pytest.approx([-8, -5, -2], abs=0.25)


@given(st.floats(-3.0, 3.0), st.integers(0, 5))
def test_it_rises_strictly_whatever_came(slope, seed):
    told, pairs = shown(seed, lambda told: -3.0 + slope * (told + 6.0), count=3_000)
    ends = np.array([-40.0, -12.0, -6.0, -1.0, 20.0])
    assert np.all(np.diff(Link.of(learn_link(told, pairs)).log_odds(ends)) > 0.0)


def test_bookings_of_one_sum_alone_teach_a_link_too():
    _, pairs = shown(3, lambda told: told)
    alike = -6.0 + 1e-15 * (np.arange(len(pairs.is_booked)) % 7)
    link = Link.of(learn_link(alike, pairs))
    rate = pairs.is_booked.sum() / (1.0 / pairs.drawn).sum()
    assert link.probability(alike[:1])[0] == pytest.approx(rate, rel=1e-3)


def test_a_ranker_without_a_link_means_what_it_says():
    told = np.array([-30.0, -3.0, 0.0, 2.0])
    assert Link.of(None) is STRAIGHT
    np.testing.assert_allclose(STRAIGHT.probability(told), expit(told))
    far = STRAIGHT.probability(np.array([-1e4, 1e4]))
    assert 0.0 < far[0] < 1e-300
    assert far[1] == 1.0
    same = replace(STRAIGHT)
    np.testing.assert_allclose(same.log_odds(told), told, atol=1e-12)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ((-1.0, 1.0), (0.0, 0.0)),
        ((1.0, 1.0), (0.0, 1.0)),
        ((0.0,), (0.0,)),
        ((0.0, 1.0), (0.0, 1.0, 2.0)),
        ((0.0, float("nan")), (0.0, 1.0)),
        ((0.0, 1.0), (0.0, float("inf"))),
    ],
)
def test_what_does_not_rise_strictly_is_refused(told, meant):
    with pytest.raises(ValueError, match="link does not rise strictly"):
        Link.of(LinkFacts(told=told, meant=meant))
