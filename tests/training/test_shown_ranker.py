"""Impressions correct a ranker: its level, what a place is worth, and no more than they know."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from features.clock import UNDATED
from reco.feed.exploring import UNKNOWN
from reco.model.link import LinkFacts
from training.ranked import figures_of_shown, taught_by
from training.ranker import Weights
from training.replay.impressions import Impressions
from training.replays import Pairs
from training.shown_ranker import corrected

N, FAR_M, SLATES = 20, 10_000.0, 600
LOOKED_AT, SCORE, AWAY = -1.5, 2.0, -1.0
"""Log-odds of an offer shown first, per unit of score, and per `FAR_M`."""


def slates_of(seed, slates, power=1.0, away=AWAY, level=LOOKED_AT, in_order=True):
    """Return slates of 20 offers, the likelier first but for some noise, and what was booked."""
    chance = np.random.default_rng(seed)
    shape = (slates, N)
    said, distance_m = chance.random(shape), 50_000 * chance.random(shape)
    true = level + SCORE * np.arcsinh(said / 0.5) + away * distance_m / FAR_M
    if in_order:
        order = np.argsort(-true - chance.normal(size=shape), axis=1)
        said, distance_m, true = (
            np.take_along_axis(column, order, axis=1) for column in (said, distance_m, true)
        )
    place = np.tile(np.arange(N), slates)
    true -= power * np.log(np.log2(np.arange(N) + 2.0))
    count = slates * N
    propensity = np.where(chance.random(count) < 0.05, 0.002, 0.98)
    propensity[:3] = UNKNOWN
    pairs = Pairs(
        visit=np.repeat(np.arange(slates), N),
        is_booked=chance.random(count) < expit(true.ravel()),
        drawn=np.ones(count),
        others_drawn=np.ones(count),
        said=said.ravel(),
        bookings_near=np.zeros(count, dtype=np.int64),
        bookings_anywhere=np.zeros(count, dtype=np.int64),
        affinity=np.zeros((count, 2)),
        is_online=np.zeros(count, dtype=bool),
        start=np.arange(count + 1),
        distance_m=distance_m.ravel(),
        price_cents=np.full(count, 500, dtype=np.int32),
        cap=np.zeros(count, dtype=np.int8),
        days=np.full(count, np.nan),
        week_hour=np.full(count, UNDATED, dtype=np.int16),
        offers=np.full((slates, 2), 300),
        bookings=np.full((slates, 2), 100),
        made=np.full((slates, 2), 1_000),
        visit_drawn=np.ones(slates),
        users=100,
        left_cents=np.full(slates, 50_000),
        fair_cents=np.full((slates, 3), np.inf),
    )
    return Impressions(
        pairs, place, propensity, np.arange(count), np.arange(slates), np.arange(slates), lost=0
    )


def weights_of(level, away=AWAY):
    """Return what is true of these slates at the first place, at a level."""
    knots_m = np.arange(17) ** 2 / 16**2 * 200_000
    others = np.full(12 + 8 + 8, 1e-3)
    of_items = [level, SCORE, level, 0.5, 0.0, 0.0, 0.0]
    week_and_online = np.zeros(24 + 7 + 1)
    columns = np.concatenate([of_items, -away * np.diff(knots_m) / FAR_M, others, week_and_online])
    return Weights(columns, scale=0.5, credit=0.0)


@pytest.fixture(scope="module")
def taught():
    """What visits teach at which an offer is booked one in e^3 as often as when it is shown."""
    return weights_of(LOOKED_AT - 3.0)


@pytest.fixture(scope="module")
def shown():
    return slates_of(1, SLATES)


@pytest.fixture(scope="module")
def found(taught, shown):
    return corrected(taught, shown)


def test_of_a_sum_that_impressions_have_changed_visits_do_not_say_what_it_means(
    taught, shown, found
):
    link = LinkFacts(told=(-100.0, -5.0, 100.0), meant=(-300.0, -4.0, 20.0))
    again = corrected(replace(taught, link=link), shown)
    assert again.weights.learned.ranker.facts.link is None
    np.testing.assert_array_equal(again.weights.of_columns, found.weights.of_columns)


def slope(weights):
    """Return what the score is worth, over what is true of it at this scale."""
    return weights.learned.calibration.slope / SCORE


def test_the_level_is_that_of_what_is_shown(taught, shown, found):
    assert expit(found.log_odds(shown)).sum() == pytest.approx(
        shown.pairs.is_booked.sum(), rel=0.01
    )
    others = slates_of(2, SLATES)
    came = others.pairs.is_booked.sum()
    assert expit(found.log_odds(others)).sum() == pytest.approx(came, rel=0.12)
    assert expit(taught.learned.log_odds(others.pairs)).sum() < 0.3 * came


def test_what_a_place_is_worth_is_learned_and_no_offer_keeps_it(shown, found):
    assert found.examination.power == pytest.approx(1.0, abs=0.2)
    assert np.exp(found.examination.log_share(np.arange(N))).mean() == pytest.approx(1.0, rel=1e-6)
    turned = replace(shown, place=shown.place[::-1])
    np.testing.assert_array_equal(
        found.weights.learned.log_odds(shown.pairs), found.weights.learned.log_odds(turned.pairs)
    )
    apart = found.log_odds(shown) - found.log_odds(turned)
    assert np.all(apart[:N:19] * [1, -1] > 1.0)


def test_likely_offers_do_not_gain_by_standing_first(taught, shown, found):
    blind = corrected(taught, replace(shown, place=np.zeros_like(shown.place)), pull=0.1)
    seeing = corrected(taught, shown, pull=0.1)
    assert blind.examination.power == 0.0
    assert abs(slope(seeing.weights) - 1.0) < abs(slope(blind.weights) - 1.0)
    assert slope(found.weights) == pytest.approx(1.0, abs=0.15)


def test_few_impressions_tell_how_much_it_counts_and_little_else(taught):
    few = corrected(taught, slates_of(4, 60)).weights
    distance = few.learned.ranker.costs.distance.cost
    scale = few.learned.calibration.slope / SCORE
    assert scale == pytest.approx(1.0, abs=0.35)
    np.testing.assert_allclose(
        distance, scale * taught.learned.ranker.costs.distance.cost, atol=0.8
    )
    assert few.of_columns[0] - taught.of_columns[0] > 1.5


def test_what_visits_took_for_tastes_counts_less(taught, shown):
    steep = replace(taught, of_columns=2.5 * taught.of_columns)
    scaled = corrected(steep, shown, pull=1e6).weights
    assert slope(scaled) == pytest.approx(1.0, abs=0.15)
    np.testing.assert_allclose(
        scaled.of_columns[7:], slope(scaled) * taught.of_columns[7:], rtol=0.02, atol=0.002
    )


def test_many_impressions_tell_what_visits_did_not_know(taught):
    nearer = corrected(taught, slates_of(5, SLATES, away=-0.3), pull=1.0)
    away = np.array([2_500.0, 42_500.0])
    before, after = (
        np.diff(one.learned.ranker.costs.distance(away))[0] for one in (taught, nearer.weights)
    )
    assert before == pytest.approx(4.0, rel=0.2)
    assert after < 2.0


def test_no_table_ever_falls_whatever_was_booked(taught):
    costs = corrected(taught, slates_of(6, SLATES, away=0.7), pull=0.1).weights.learned.ranker.costs
    assert np.all(np.diff(costs.distance.cost) > 0.0)
    assert np.all(np.diff(costs.price.cost) > 0.0)


def test_slates_drawn_by_chance_count_for_those_that_were_not(taught, shown, found):
    slate_booked = np.bincount(shown.pairs.visit, shown.pairs.is_booked) > 0
    chance = np.where(slate_booked, 1.0, 0.5)
    kept = slate_booked | (np.random.default_rng(7).random(SLATES) < 0.5)
    some = shown.of_slates(kept)
    drawn = replace(
        some,
        pairs=replace(some.pairs, drawn=chance[kept][some.pairs.visit], visit_drawn=chance[kept]),
    )
    others = slates_of(2, SLATES)
    of_all, of_some = (
        expit(one.log_odds(others)).sum() for one in (found, corrected(taught, drawn))
    )
    assert of_some == pytest.approx(of_all, rel=0.04)


def test_some_of_the_slates_are_those_slates():
    shown = slates_of(8, 30)
    is_wanted = np.arange(30) % 3 == 1
    some = shown.of_slates(is_wanted)
    kept = is_wanted[shown.pairs.visit]
    assert len(some) == kept.sum() == N * 10
    assert some.pairs.visit.tolist() == np.repeat(np.arange(10), N).tolist()
    assert some.at_us.tolist() == np.flatnonzero(is_wanted).tolist()
    for name in ("said", "is_booked", "distance_m"):
        np.testing.assert_array_equal(getattr(some.pairs, name), getattr(shown.pairs, name)[kept])
    np.testing.assert_array_equal(some.place, shown.place[kept])
    np.testing.assert_array_equal(np.diff(some.pairs.start), 1)


def test_what_chance_put_there_is_told_apart():
    shown = slates_of(9, 100)
    assert 0 < shown.by_chance.sum() < len(shown) / 10
    assert not shown.by_chance[:3].any()


def test_a_run_tells_what_taught_it_and_how_far_it_can_be_believed(shown, found):
    told = taught_by(shown, found)
    assert (told.slates, told.offers) == (SLATES, SLATES * N)
    assert told.bookings == shown.pairs.is_booked.sum()
    assert told.by_chance == shown.by_chance.sum()
    assert told.first_at == "1970-01-01T00:00:00+00:00"
    assert told.last_at == "1970-01-01T00:00:00.000599+00:00"
    later = replace(slates_of(2, SLATES), user=np.arange(SLATES) // 2)
    figures = figures_of_shown(found, later, shown.pairs)
    assert (figures.visits, figures.people) == (SLATES, SLATES // 2)
    assert figures.loss_a_visit.high < 0.0
    assert figures.reliability.ece_rel < 0.15


def test_few_slates_do_not_say_which_hours_cost_more(taught):
    few = slates_of(4, 300)
    hours = np.random.default_rng(4).integers(0, UNDATED, len(few)).astype(np.int16)
    dated = replace(few, pairs=replace(few.pairs, week_hour=hours))
    assert np.count_nonzero(few.pairs.is_booked) > 200
    assert corrected(taught, dated).weights.learned.ranker.costs.week.max() < 0.2
