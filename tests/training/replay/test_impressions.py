"""What was shown on record is told to a ranker as the feed saw it, with what came of it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import numpy as np
import psycopg
import pytest
from answering import SECRET
from worlds import NOW

from features.interactions import BOOKING
from reco.db.arrays import micros
from reco.feed.query import feed_query
from reco.model.link import LinkFacts
from reco.model.loaded import load_model
from reco.model.ranker import RANKER_LAYOUT, AffinityFacts, Ranker, RankerFacts
from reco.settings import Settings
from reco.worker import Worker
from training.extract import events_from_database
from training.fits import PARAMETERS
from training.impressions import HORIZON, read_impressions
from training.ranker import Learned
from training.replay.impressions import Answered, impressions_of
from training.replay.recorded import past_from_database
from training.replay.requests import Request, situation_of
from training.replay.slates import Moment, System, replay
from training.split import time_split
from training.tune import rehearse

USERS = ("reader", "broke", "free", "villager")
ASKED = ({}, {"radius_km": 3.0}, {"max_price_eur": 7.5}, {"starts_from": NOW + timedelta(days=1)})
DAY = timedelta(days=1)


def ranker():
    """Return one in which everything counts."""
    facts = RankerFacts(
        distance_knots_per_m=1e-4, price_knots_per_cent=2e-3, wait_knots_per_day=0.3,
        rarity_knots_per_log=1.0, online=0.4, credit=0.7, crowding=0.6, popular_intercept=-1.5,
        popular_slope=0.3, affinity=AffinityFacts(prior_bookings=20.0, lift=1.3, met=-0.2),
        link=LinkFacts(told=(-100.0, -8.0, 100.0), meant=(-150.0, -7.5, 80.0)),
    )  # fmt: skip
    return Ranker.of(facts, dict.fromkeys(RANKER_LAYOUT, np.array([0.0, 1.0, 4.0, 4.1])))


def asked_by(past, user, asked):
    """Return the request of a person, before it is answered."""
    query = feed_query(now=NOW, as_of=NOW, default_radius_m=5e3, user_id=user, **asked)
    row = list(past.people.names).index(user)
    home = Moment(past, NOW, 5e3, 20).biographer.person_at(row, NOW).home
    nothing = np.empty(0)
    return Request(
        uuid4(), row, replace(query, location=home), "model", f"{NOW:%Y%m%dT%H%M%SZ}",
        nothing.astype(np.int64), nothing, nothing, 1.0,
    )  # fmt: skip


@pytest.fixture
def past(eventful, model):
    return past_from_database(eventful.conninfo)


def test_an_offer_shown_is_told_as_it_was_served(past, model):
    served = replace(load_model(model.folder, model.digest), ranker=ranker(), content=None)
    moment = Moment(past, NOW, 5e3, 20)
    serving, learned = moment.serving(served), Learned(ranker(), served.calibration)
    slates, expected = [], []
    for user in USERS:
        for asked in ASKED:
            request = asked_by(past, user, asked)
            situation = situation_of(moment, request)
            (made,) = replay(moment, serving, situation, [System("one", served, 0.7, 3.0)])
            chosen = made.choice.pool.take(made.choice.widened.chosen)
            offers = chosen.candidates.offer_id
            slates.append(
                Answered(
                    replace(request, offers=offers, propensities=np.full(len(offers), 0.9)),
                    offers == offers[0] if len(offers) else np.empty(0, bool),
                )
            )
            expected.append(np.log(chosen.probability / (1.0 - chosen.probability)))
    shown = impressions_of(past, slates, served)
    np.testing.assert_allclose(learned.log_odds(shown.pairs), np.concatenate(expected), atol=1e-5)
    assert shown.lost == 0
    assert len(shown) > 100
    assert shown.pairs.affinity.any()
    assert np.isnan(shown.pairs.distance_m).any()
    assert shown.pairs.is_booked.sum() == sum(len(one) > 0 for one in expected)
    assert shown.pairs.is_booked[shown.place == 0].all()


def test_what_the_catalogue_did_not_have_is_lost_and_counted(past, model):
    served = load_model(model.folder, model.digest)
    request = asked_by(past, "reader", {})
    gone = past.names.offer_id.to_pylist().index("classic-past") + 1
    there = past.names.offer_id.to_pylist().index("manga-shop") + 1
    request = replace(
        request, offers=np.array([gone, there, 0]), propensities=np.array([0.9, 0.01, 0.9])
    )
    shown = impressions_of(past, [Answered(request, np.array([True, False, False]))], served)
    assert (len(shown), shown.lost) == (1, 2)
    assert shown.place.tolist() == [1]
    assert shown.by_chance.tolist() == [True]
    only_gone = replace(request, offers=np.array([gone]), propensities=np.ones(1))
    assert impressions_of(past, [Answered(only_gone, np.ones(1, bool))], served) is None


@pytest.fixture
def answered(eventful, model):
    """A world that showed the same people slates on two days, and what they booked of them."""
    slates = {}
    for day in (0, 2):
        now = NOW + day * DAY
        with Worker(
            Settings(home=eventful.folder), eventful, SECRET, lambda now=now: now
        ) as worker:
            for user in ("reader", "villager", None):
                query = feed_query(now=now, default_radius_m=5e3, user_id=user, n=5)
                slates[user, day] = worker.feed(replace(query, exploration=1.0, seed=day))
            before = now - timedelta(hours=1) * day
            plan = feed_query(now=before, default_radius_m=5e3, user_id="reader", n=5, plan=True)
            worker.feed(plan)
    return eventful, slates


def book(world, user, item, at, slate_id=None, cancelled_at=None):
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute(
            "insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at,"
            " cancelled_at, slate_id) select u.id, s.id, 1, 0, %s, %s, %s"
            " from core.beneficiary u, core.stock s"
            " where u.external_id = %s and s.external_id = %s",
            (at, cancelled_at, slate_id, user, item.sessions[0].stock_id),
        )


def tell_booking(world, user, item, at):
    """Tell, as a server may, that an offer was booked elsewhere; `at` None: nobody knows when."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, 'booking', %s from core.beneficiary u, core.offer o"
            " where u.external_id = %s and o.external_id = %s",
            (at, user, item.offer_id),
        )


def rehearsed(world):
    cutoff = np.datetime64(NOW.replace(tzinfo=None), "us")
    part = time_split(events_from_database(world.conninfo), cutoff)
    return rehearse(part, PARAMETERS["itemknn"](), lambda: None)


def booked_of(shown):
    """Return how many offers were booked of each slate, by its moment."""
    slate = shown.pairs.visit[shown.pairs.is_booked]
    return sorted(shown.at_us[slate].tolist())


def test_a_booking_comes_of_the_slate_that_it_names_or_of_the_last_that_showed_it(answered):
    world, slates = answered
    first, second = slates["reader", 0], slates["reader", 2]
    both = {item.offer_id for item in first.items} & {item.offer_id for item in second.items}
    here = {item.offer_id: item for item in second.items}
    # On the first day the agenda is as new as the slate, and only a name tells them apart.
    named, unnamed, *_ = sorted(both)
    book(world, "reader", here[named], NOW + 3 * DAY, slate_id=first.slate_id)
    book(world, "reader", here[unnamed], NOW + 3 * DAY)
    others = slates["villager", 0].items
    book(world, "villager", others[0], NOW + HORIZON + 3 * DAY)
    book(world, "villager", others[1], NOW + DAY, cancelled_at=NOW + 2 * DAY)
    asked = (world.conninfo, rehearsed(world), NOW, NOW + 12 * DAY, 2)
    shown = read_impressions(*asked)
    assert booked_of(shown) == [micros(NOW), micros(NOW + 2 * DAY)]
    # At noon of the first day nobody knew that the villager would cancel on the second.
    known = read_impressions(*asked, cutoff=NOW + 1.5 * DAY)
    assert booked_of(known) == [micros(NOW), micros(NOW), micros(NOW + 2 * DAY)]
    # Neither the guest's nor the agenda.
    assert len(shown.at_us) == 4
    assert len(shown) + shown.lost == sum(
        len(slates[user, day].items) for user in ("reader", "villager") for day in (0, 2)
    )
    assert shown.by_chance.any()
    assert shown.lost < len(shown) / 10


def test_a_booking_that_a_server_told_comes_of_a_slate_like_any_other(answered):
    world, slates = answered
    tell_booking(world, "villager", slates["villager", 2].items[0], NOW + 3 * DAY)
    tell_booking(world, "reader", slates["reader", 2].items[0], None)
    shown = read_impressions(world.conninfo, rehearsed(world), NOW, NOW + 12 * DAY, 1)
    assert booked_of(shown) == [micros(NOW + 2 * DAY)]


def test_what_has_had_no_time_for_an_outcome_is_left_out(answered):
    world, slates = answered
    for day in (0, 2):
        book(
            world,
            "reader",
            slates["reader", day].items[0],
            NOW + day * DAY + HORIZON / 100,
            slates["reader", day].slate_id,
        )
    rehearsal = rehearsed(world)
    shown = read_impressions(world.conninfo, rehearsal, NOW, NOW + HORIZON + DAY, least_booked=1)
    assert set(shown.at_us.tolist()) == {micros(NOW)}
    assert booked_of(shown) == [micros(NOW)]
    assert read_impressions(world.conninfo, rehearsal, NOW, NOW + HORIZON + DAY) is None
    assert read_impressions(world.conninfo, rehearsal, NOW, NOW + HORIZON, 0) is None


@pytest.fixture
def read_of(monkeypatch):
    """Every past that impressions are told of, and of whom it was to be read."""
    found = []

    def read(conninfo, whose=None):
        found.append((past_from_database(conninfo, whose), whose))
        return found[-1][0]

    monkeypatch.setattr("training.impressions.past_from_database", read)
    return found


def doers(past):
    """Return the names of those who did more than book."""
    user = np.repeat(np.arange(len(past.people)), np.diff(past.deeds.start))
    return {past.people.names[row] for row in user[past.deeds.kind != BOOKING].tolist()}


def columns_of(shown):
    """Return all that is told of impressions, by name."""
    return {**vars(shown), **vars(shown.pairs), "pairs": None}


def test_of_who_was_shown_nothing_only_bookings_are_read_and_nothing_is_told_otherwise(
    answered, read_of, monkeypatch
):
    world, slates = answered
    for user in ("reader", "villager"):
        book(world, user, slates[user, 2].items[0], NOW + 3 * DAY)
    # What others booked makes an offer popular, and takes its places, whoever tells of it.
    book(world, "free", slates["reader", 0].items[1], NOW - DAY)
    tell_booking(world, "free", slates["reader", 0].items[2], NOW - DAY)
    asked = (world.conninfo, rehearsed(world), NOW, NOW + 12 * DAY, 1)
    shown = read_impressions(*asked)
    (past, whose), *_ = read_of
    assert len(whose) == 2
    assert doers(past) == {"reader"}
    assert {past.people.names[row] for row in past.people.deposits} == {"reader", "villager"}
    monkeypatch.setattr("training.impressions.past_from_database", lambda *_: whole)
    whole = past_from_database(world.conninfo)
    assert doers(whole) == {"reader", "free"}
    expected = columns_of(read_impressions(*asked))
    for name, column in columns_of(shown).items():
        np.testing.assert_array_equal(column, expected[name], name)
