"""Replaying live requests from their record gives the slates that were recorded."""

from dataclasses import astuple, replace
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from champions import train_champion
from worlds import GRENOBLE, NOW

from reco.experiments.plan import Plan, Variant
from reco.experiments.records import create
from reco.feed.query import feed_query
from reco.model.registry import Act, version_named
from reco.model.serving import opened
from reco.people.export import export_person
from reco.settings import Settings
from reco.worker import Worker
from training.commands.train import train_world
from training.replay.recorded import past_from_database
from training.replay.requests import recorded_requests, situation_of
from training.replay.slates import Moment, System, replay

SECRET = "a secret of at least thirty-two bytes"
USERS = ("reader", "broke", "free", "villager", "nowhere")
DEFAULT_RADIUS_M = 5e3
REQUESTS = (
    {},
    {"floor": 1.0},
    {"floor": 0.8, "intensity": 10.0},
    {"n": 3, "exploration": 1.0},
    {"n": 2, "floor": 0.1, "exploration": 1.0},
    {"n": 1, "floor": 0.01, "exploration": 1.0},
    {"n": 2, "floor": 0.2, "intensity": 1.0, "exploration": 1.0},
    {"radius_km": 1.5},
    {"categories": ["SPECTACLE"]},
    {"max_price_eur": 7.5},
    {"n": 3, "floor": 1.0, "min_new_categories": 2},
    {"n": 2, "floor": 0.3, "min_new_categories": 2, "exploration": 1.0},
    {"n": 3, "floor": 0.9, "max_per_category": 1},
    {"n": 3, "floor": 0.1, "max_per_category": 2, "exploration": 1.0},
    {"starts_from": NOW + timedelta(days=1), "starts_before": NOW + timedelta(days=6)},
    {"lat": GRENOBLE[1] + 0.3, "lon": GRENOBLE[0]},
    {"lat": GRENOBLE[1] + 0.3, "lon": GRENOBLE[0], "radius_km": 40.0},
    {"n": 4, "plan": True, "floor": 0.7},
    {"n": 12, "plan": True, "max_price_eur": 11.0},
    {"n": 12, "max_price_eur": 11.0},
    {"n": 4, "points_a_booking": 90.0},
    {"n": 3, "floor": 0.4, "points_a_booking": 400.0, "intensity": 10.0},
)
PAGES = (
    {"n": 3},
    {"n": 4, "floor": 0.5, "intensity": 20.0, "exploration": 1.0},
    {"n": 3, "plan": True},
)


@pytest.fixture(params=["itemknn", "ials"])
def model(request, lived):
    """A model that knows the small world before its season."""
    return train_champion(lived, request.param, now=NOW)


@pytest.fixture
def variant(eventful, model):
    """A second model, which half of the people will be shown."""
    return train_world(eventful, "popularity", split="time", cutoff=None, now=NOW).version


def wanted(user, asked, seed):
    """Return the query of a person, with its chance drawn by `seed`."""
    exploration = asked.get("exploration", 0.0)
    others = {name: value for name, value in asked.items() if name != "exploration"}
    query = feed_query(now=NOW, default_radius_m=DEFAULT_RADIUS_M, user_id=user, **others)
    return replace(query, seed=seed, exploration=exploration)


def scroll(worker, query, pages):
    """Ask one page after the other, each drawn anew."""
    cursor = None
    for page in range(pages):
        cursor = worker.feed(replace(query, seed=query.seed + page), cursor).next_cursor
        if cursor is None:
            return


@pytest.fixture
def live(eventful, variant):
    """A world of which a worker was asked much, of some of it in an experiment."""
    with Worker(Settings(home=eventful.folder), eventful, SECRET, lambda: NOW) as worker:
        for user in (*USERS, None):
            for seed, asked in enumerate(REQUESTS):
                worker.feed(wanted(user, asked, seed))
            for seed, asked in enumerate(PAGES):
                scroll(worker, wanted(user, asked, 10 * seed), pages=4)
        variants = (Variant("control"), Variant("other", model=variant, floor=0.5, intensity=30.0))
        plan = Plan(
            "wider", "a salt", variants, "bookings", {}, timedelta(days=7), planned_users=100
        )
        create(eventful.conninfo, plan, Act(NOW, "a test"), NOW)
        worker.refresh()
        for user in USERS:
            scroll(worker, wanted(user, {"n": 4}, 1), pages=2)
    return eventful


def replayed(world):
    """Yield each request on record with the slate that replaying it makes."""
    past = past_from_database(world.conninfo)
    with psycopg.connect(world.conninfo) as connection:
        slates = connection.execute("select count(*) from reco.slate").fetchone()[0]
        found = recorded_requests(connection, past, NOW, NOW + timedelta(seconds=1))
    assert len(found) == slates
    moment = Moment(past, NOW, radius_m=DEFAULT_RADIUS_M, n=20)
    models = {
        version: opened(version_named(world.conninfo, version), world.models)
        for version in {request.model_version for request in found}
    }
    serving = {version: moment.serving(model) for version, model in models.items()}
    for request in found:
        version, query = request.model_version, request.query
        system = System("recorded", models[version], *astuple(query.dials))
        situation = situation_of(moment, request)
        (made,) = replay(moment, serving[version], situation, [system])
        yield request, made


KINDS = ("offers", "widened", "explored", "new", "onward", "late", "other", "priced")
LATER = NOW + timedelta(hours=1)
"""When all has changed."""
SHOWN = "select unnest(offers) from reco.slate"
CHANGES = (
    "insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at)"
    " select b.id, min(t.id), 1, 0, %(later)s from core.beneficiary b, core.stock t"
    f" where t.offer_id in ({SHOWN}) and b.external_id <> 'nowhere'"
    " group by b.id, t.offer_id having (b.id + t.offer_id) %% 3 = 0",
    "update core.booking set cancelled_at = %(later)s"
    " where booked_at < %(later)s and cancelled_at is null and id %% 2 = 0",
    "update core.stock set price_cents = 2 * price_cents + 130, quantity = 1 where id %% 2 = 0",
    "update core.stock set starts_at = starts_at + interval '9 days',"
    " ends_at = ends_at + interval '9 days' where id %% 5 = 0",
    "update core.stock set cancelled_at = %(later)s where id %% 7 = 0",
    f"update core.offer set withdrawn_at = %(later)s where id in ({SHOWN}) and id %% 3 = 0",
    "insert into core.interaction (user_id, offer_id, kind, at) select b.id, o.id, 'dismiss',"
    " %(later)s from core.beneficiary b, core.offer o where o.id %% 4 = 0",
    "insert into core.taste (user_id, kind, value, at) select id, 'category', 'SPECTACLE',"
    " %(later)s from core.beneficiary where external_id in ('reader', 'villager')",
    "insert into core.beneficiary (external_id, created_at) select 'later ' || n, %(later)s"
    " from generate_series(1, 40) n",
    "update core.change set at = %(later)s where id > %(before)s",
)


def change_all(world):
    """Book, cancel, reprice, move and withdraw what was shown, and more, an hour later."""
    with psycopg.connect(world.conninfo) as connection:
        before = connection.execute("select max(id) from core.change").fetchone()[0]
        for change in CHANGES:
            done = connection.execute(change, {"later": LATER, "before": before})
            assert done.rowcount > 0, change


def test_the_recorded_slates_come_again_whatever_has_changed_since(live, variant):
    told = come_again(live, variant)
    assert told["offers"] > 400
    assert min(told.values()) >= 4, told
    check_export(live)
    past = past_from_database(live.conninfo)
    change_all(live)
    since = past_from_database(live.conninfo)
    assert (since.stocks.price_cents != past.stocks.price_cents).any()
    assert len(since.bookings.stock) > len(past.bookings.stock)
    assert come_again(live, variant) == told


def come_again(live, variant):
    """Hold each replayed slate against the one on record, and count what they were like."""
    told = dict.fromkeys(KINDS, 0)
    plans, free = {}, {}
    for request, made in replayed(live):
        query, here = request.query, (request.query.user_id, request.query.n)
        assert made.choice.offer_ids == request.offers.tolist(), query
        kept = made.choice.widened.relevance_kept
        assert kept == pytest.approx(request.relevance_kept, rel=1e-6)
        chosen = made.choice.pool.take(made.choice.widened.chosen)
        np.testing.assert_allclose(chosen.probability, request.probabilities, rtol=1e-6, atol=1e-30)
        told["offers"] += len(request.offers)
        told["widened"] += made.situation.around.radius_m > query.radius_m
        told["explored"] += bool(np.any(request.propensities < 0.5))
        told["new"] += query.min_new_categories > 0 and len(request.offers) > 0
        told["onward"] += bool(query.shown_offers)
        told["late"] += len(query.shown_offers) >= 8
        told["priced"] += query.points_a_booking > 0.0 and len(request.offers) > 0
        is_other = query.exposure is not None and query.exposure.variant == "other"
        assert (request.model_version == variant) == is_other == (query.intensity == 30.0)
        told["other"] += is_other
        if query.filters.max_price_cents == 1_100:
            (plans if query.plan else free)[here] = request.offers.tolist()
    assert sum(plans[here] != free[here] for here in plans) >= 2
    return told


def check_export(live):
    """A person's export names the offers of the pages before by their ids outside."""
    onward = [
        slate["query"]["shown_before"] for slate in export_person(live, "reader", NOW)["slates"]
    ]
    assert any(onward)
    assert all(isinstance(offer, str) and not offer.isdigit() for page in onward for offer in page)
