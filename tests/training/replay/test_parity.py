"""What a ranker is told of a visit when it learns is what it is told of it when it serves."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from catalogues import swept
from odd_rankers import ODD_WEEK
from worlds import NOW, book

from reco.catalogue.build import build_catalogue
from reco.db.arrays import micros
from reco.feed.generation import generation
from reco.feed.query import feed_query
from reco.feed.ranking import Ranking, new_families_of
from reco.feed.scoring import taste_of
from reco.feed.situation import read_situation
from reco.frames.exporting import export_frames
from reco.model.link import LinkFacts
from reco.model.loaded import load_model
from reco.model.ranker import AffinityFacts, Ranker, RankerFacts
from training.extract import events_from_database, events_from_frames
from training.fits import PARAMETERS
from training.markets import market_of_folder, market_of_world
from training.ranked import learn_from_visits
from training.ranker import Learned
from training.replays import Visits, replay
from training.split import known_at, naive_utc, time_split
from training.tune import rehearse

pytestmark = pytest.mark.usefixtures("far_clocks")

RADIUS_M = 50_000.0
RANKER = Ranker.of(
    RankerFacts(
        distance_knots_per_m=1e-4,
        price_knots_per_cent=2e-3,
        wait_knots_per_day=0.3,
        rarity_knots_per_log=1.0,
        online=0.4,
        credit=0.7,
        crowding=0.6,
        popular_intercept=-1.5,
        popular_slope=0.3,
        affinity=AffinityFacts(prior_bookings=20.0, lift=1.3, met=-0.2),
        week=ODD_WEEK,
        link=LinkFacts(told=(-100.0, -8.0, 100.0), meant=(-150.0, -7.5, 80.0)),
    ),
    {
        "cost_distance": np.array([0.0, 1.0, 4.0, 4.1]),
        "cost_price": np.array([0.0, 3.0, 4.0]),
        "cost_wait": np.array([0.0, 0.7]),
        "cost_rarity": np.array([0.0, 0.1, 5.0]),
    },
)


@pytest.fixture(autouse=True)
def told_later(lived):
    """What was booked lately and is over will be shown again: now no catalogue knows of that."""
    with psycopg.connect(lived.conninfo, autocommit=True) as connection:
        connection.execute(
            "insert into core.stock (external_id, offer_id, price_cents, starts_at, created_at)"
            " select 'classic-again', id, 700, %s, %s from core.offer"
            " where external_id = 'classic-past'",
            (NOW + timedelta(days=3), NOW + timedelta(hours=1)),
        )


@pytest.fixture(autouse=True)
def booked_elsewhere(lived):
    """Two bookings are told as interactions, one of them without a time."""
    with psycopg.connect(lived.conninfo, autocommit=True) as connection:
        connection.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, 'booking', t.at from core.beneficiary u, core.offer o,"
            " (values ('novel-shop', %s::timestamptz), ('play-friday', null)) t (offer, at)"
            " where u.external_id = 'late' and o.external_id = t.offer",
            (NOW - timedelta(days=2),),
        )


@pytest.fixture(autouse=True)
def thought_better_of(lived):
    """Two works are wanted again after they were dismissed, another no more."""
    told = (("manga-shop", "dismiss", 80), ("manga-shop", "favourite", 20),
            ("classic-soon", "favourite", 80), ("classic-soon", "dismiss", 20),
            ("play-friday", "dismiss", 80), ("play-friday", "restore", 20))  # fmt: skip
    with psycopg.connect(lived.conninfo, autocommit=True) as connection:
        for offer, kind, hours in told:
            connection.execute(
                "insert into core.interaction (user_id, offer_id, kind, at)"
                " select u.id, o.id, %s, %s from core.beneficiary u, core.offer o"
                " where u.external_id in ('reader', 'free') and o.external_id = %s",
                (kind, NOW - timedelta(hours=hours), offer),
            )


@pytest.fixture
def served(lived, model):
    # What stands in for items that nobody met is not replayed, nor are seats.
    loaded = replace(load_model(model.folder, model.digest), ranker=RANKER, content=None)
    with psycopg.connect(lived.conninfo, autocommit=True) as connection:
        connection.execute("update core.stock set quantity = null")
        yield connection, generation(build_catalogue(connection, NOW, NOW), loaded)


@pytest.fixture
def market(lived, tmp_path):
    export_frames(lived, tmp_path / "frames", "csv", lambda *_: None)
    folder = tmp_path / "frames"
    return market_of_folder(folder, events_from_frames(folder))


def learned_from(market, model, user):
    """Return the log-odds of all that could be booked at a visit now, as they are learned from."""
    row = market.events.users.tolist().index(user.encode())
    now_us = micros(NOW)
    visit = Visits(
        np.array([row], dtype=np.int32), np.array([now_us]), np.array([now_us + 1]),
        np.zeros(1, dtype=bool), np.ones(1),
    )  # fmt: skip
    pairs = replay(
        market, visit, model.scorer, half_life_days=model.half_life_days, radius_m=RADIUS_M,
        generator=np.random.default_rng(0), drawn=1_000_000,
    )  # fmt: skip
    return pairs, Learned(RANKER, model.calibration).log_odds(pairs)


@pytest.mark.parametrize("user", ["reader", "free", "villager"])
def test_a_visit_is_learned_from_as_it_is_served(served, market, user):
    connection, serving = served
    query = feed_query(now=NOW, default_radius_m=RADIUS_M, user_id=user)
    here = read_situation(connection, serving, query)
    sweep = swept(serving, here)
    ranking = Ranking(
        sweep, taste_of(serving, sweep, here), new_families_of(serving.catalogue, here.state.met)
    )
    found = ranking.everything.likeliest(1_000)
    pairs, told = learned_from(market, serving.model, user)
    assert len(found) == len(pairs) > 1
    served_odds = np.sort(np.log(found.probability / (1.0 - found.probability)))
    np.testing.assert_allclose(served_odds, np.sort(told), atol=1e-5)
    has_booked = bool(here.state.bookings)
    assert pairs.affinity.any() == has_booked


def test_a_world_and_its_frames_are_one_market(lived, market):
    read = market_of_world(lived.conninfo, events_from_database(lived.conninfo))
    of_stocks = ("created_us", "stock_offer", "week_hour")
    assert len(np.unique(market.week_hour)) > 2
    for name in ("booked_at_us", "booked_offer", "offer_item", *of_stocks):
        np.testing.assert_array_equal(getattr(read, name), getattr(market, name))


def test_who_joins_after_a_cutoff_is_not_of_its_people(lived, model):
    with psycopg.connect(lived.conninfo, autocommit=True) as connection:
        connection.execute(
            "update core.beneficiary set created_at = %s where external_id = 'nowhere'",
            (NOW + timedelta(hours=1),),
        )
    events, loaded = events_from_database(lived.conninfo), load_model(model.folder, model.digest)
    for cutoff, people in ((None, 6), (NOW, 5)):
        market = market_of_world(lived.conninfo, events, cutoff)
        pairs, _ = learned_from(market, loaded, "reader")
        assert pairs.users == people


def test_no_slate_is_judged_by_a_booking_that_is_dated_in_the_future(lived):
    asked = []
    with psycopg.connect(lived.conninfo, autocommit=True) as connection:
        book(connection, "free", "play-friday", NOW + timedelta(days=365))
    events = known_at(events_from_database(lived.conninfo), NOW)
    market = market_of_world(lived.conninfo, events)
    part = time_split(events, naive_utc(NOW - timedelta(days=5)))
    rehearsal = rehearse(part, PARAMETERS["popularity"](), lambda: None)
    learn_from_visits(market, rehearsal, read=lambda *between: asked.append(between[1:]))
    assert asked == [(NOW - timedelta(days=5), NOW - timedelta(days=2))]


def test_a_deposit_that_is_over_pays_for_nothing(market):
    user = market.events.users.tolist().index(b"late")
    assert market.left_cents(user, int(market.expires_us[user]) - 1).all()
    assert not market.left_cents(user, int(market.expires_us[user])).any()
