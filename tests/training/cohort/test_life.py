import numpy as np
import pytest

from reco.db.arrays import micros
from reco.feed.scoring import Scored
from reco.model.link import STRAIGHT
from training.cohort.learning import published_us
from training.cohort.policies import Policy
from training.cohort.records import seats_left
from training.replay.past import UNLIMITED_PLACES

from .conftest import TINY, by_person

CREDIT_CENTS, CAP_CENTS = 50_000, 20_000


def test_the_same_seed_gives_the_same_lives(begun, ours):
    again = begun.lived("horizon@.98")
    assert len(ours.bookings())
    assert ours.bookings().equals(again.bookings())
    assert ours.worth().equals(again.worth())


def test_another_policy_leads_to_other_lives(begun, ours):
    assert not begun.lived("round-robin").bookings().equals(ours.bookings())


def test_credit_and_caps_are_never_overspent(keen_life):
    bookings = keen_life.bookings().to_pandas()
    spent = by_person(bookings.amount_cents, bookings.person)
    assert spent.max() <= CREDIT_CENTS
    # What is dear is looked at often enough for the limits to bite.
    assert spent.max() > CREDIT_CENTS - 2_000
    for cap in ("digital", "physical"):
        of_cap = bookings[bookings.cap == cap]
        assert by_person(of_cap.amount_cents, of_cap.person).max() <= CAP_CENTS


def test_nobody_books_an_item_twice(keen_life):
    bookings = keen_life.bookings().to_pandas()
    assert len(bookings) > 300
    assert not bookings.duplicated(["person", "item"]).any()


def test_no_more_seats_are_booked_than_there_are(keen_life):
    past = keen_life.record.past()
    left = seats_left(past, keen_life.at(keen_life.assumptions.weeks))
    limited = past.stocks.places < UNLIMITED_PLACES
    assert left[limited].min() >= 0


def test_what_is_booked_can_be_booked(keen_life):
    past, record = keen_life.world.past, keen_life.record
    for _, stock, _, _, at_us, *_ in record.booked:
        assert past.stocks.created_us[stock] <= at_us < past.stocks.limit_us[stock]
        assert at_us < past.stocks.starts_us[stock]
        assert past.offers.withdrawn_us[past.stocks.offer[stock]] > at_us


def test_a_booking_that_is_cancelled_gives_its_credit_back(begun):
    life = begun.life("relevance")
    past = life.world.past
    end_us = micros(life.at(2))
    stocks = np.flatnonzero(past.stocks.cancelled_us < end_us)
    stock, at_us = int(stocks[0]), micros(life.at(0))
    kept = np.flatnonzero(past.stocks.cancelled_us > end_us)[0]
    life.record.booked += [(0, stock, 1, 700, at_us, 0, 0), (1, int(kept), 1, 700, at_us, 0, 0)]
    assert life.record.bookings(life.at(2))["person"].to_pylist() == [1]
    assert 0 in life.record.cancelled(0, end_us)
    assert 1 not in life.record.cancelled(0, end_us)


def test_the_model_is_fitted_again_on_what_the_cohort_did(begun, ours):
    assert ours.model is not None
    assert ours.model.version != begun.model.version
    assert np.diff(ours.model.history_start)[ours.world.ordinary :].any()
    assert not np.diff(begun.model.history_start)[ours.world.ordinary :].any()


@pytest.fixture(scope="module")
def loved(begun):
    """Lives under a policy that reads the hidden tastes and shows what each loves most."""
    return begun.lived(_by(begun, "loved", np.negative))


@pytest.fixture(scope="module")
def at_random(begun):
    generator = np.random.default_rng(0)
    return begun.lived(_by(begun, "at_random", lambda chance: generator.random(len(chance))))


def test_who_is_shown_what_they_love_books_more_than_by_chance(loved, at_random):
    assert loved.bookings().num_rows > 1.5 * at_random.bookings().num_rows > 0


def test_nothing_is_regretted_where_tastes_are_known(loved, at_random):
    known, drawn = (life.worth().to_pandas() for life in (loved, at_random))
    assert len(known)
    np.testing.assert_allclose(known.bookings, known.best_bookings)
    assert (drawn.bookings <= drawn.best_bookings + 1e-12).all()
    assert drawn.bookings.sum() < 0.8 * drawn.best_bookings.sum()


def _by(begun, name, key):
    world = begun.world
    price = np.zeros(len(world.past.offers.item))
    price[world.past.stocks.offer] = world.past.stocks.price_cents / 100

    def shown(ranking, situation):
        candidates = ranking.sweep.everything().everything()
        items = ranking.sweep.catalogue.items.item_id[candidates.item] - 1
        chance = world.truth.booking_probability(
            np.full(len(items), situation.state.person.id - 1 - world.ordinary),
            items,
            price[candidates.offer_id - 1],
            np.nan_to_num(candidates.distance_m),
        )
        rows = np.argsort(key(chance), kind="stable")[: situation.query.n]
        unknown = np.full(len(candidates), np.nan)
        return Scored(candidates, unknown, unknown, STRAIGHT).take(rows)

    return Policy(name, needs_model=False, choose=shown)


def test_states_that_are_carried_on_are_those_told_from_the_record(keen_life):
    life, week = keen_life, keen_life.assumptions.weeks
    feeds = life.feeds(week)
    known = [state for state in life.states.states if state is not None]
    told = [feeds.biographer.state_at(state.person.id - 1, feeds.at) for state in known]
    assert any(len(state.bookings) > 3 for state in known)
    assert any(len(state.interactions) > 10 for state in known)
    assert known == told


def test_works_that_come_out_are_scored_as_works_that_are_like_them(begun, ours):
    model, week = begun.model, TINY.weeks - 1
    serving = ours.feeds(week).serving
    rows = model.item_rows(serving.catalogue.items.item_external_id)
    came_later = published_us(begun.world.past)[rows] > micros(ours.at(0))
    stand_in = model.content.stand_in[rows]
    assert came_later.sum() > 20
    assert (stand_in[came_later] != rows[came_later]).all()
    assert (stand_in >= 0).all()


def test_a_work_stands_for_itself_once_somebody_met_it(begun, ours):
    content, later = begun.model.content, ours.model.content
    is_new = content.stand_in != later.stand_in
    assert is_new.any()
    assert (later.stand_in[is_new] == np.flatnonzero(is_new)).all()
    met = np.unique(ours.model.history_item)
    assert (later.stand_in[met] == met).all()
