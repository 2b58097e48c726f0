"""Replaying live requests from their record gives the slates that were recorded."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import psycopg
import pytest
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
    {"starts_from": NOW + timedelta(days=1), "starts_before": NOW + timedelta(days=6)},
    {"lat": GRENOBLE[1] + 0.3, "lon": GRENOBLE[0]},
    {"lat": GRENOBLE[1] + 0.3, "lon": GRENOBLE[0], "radius_km": 40.0},
    {"n": 4, "plan": True, "floor": 0.7},
    {"n": 12, "plan": True, "max_price_eur": 11.0},
    {"n": 12, "max_price_eur": 11.0},
)
PAGES = (
    {"n": 3},
    {"n": 4, "floor": 0.5, "intensity": 20.0, "exploration": 1.0},
    {"n": 3, "plan": True},
)


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
        system = System("recorded", models[version], query.floor, query.intensity)
        situation = situation_of(moment, request)
        (made,) = replay(moment, serving[version], situation, [system])
        yield request, made


def test_the_recorded_slates_come_again(live, variant):
    told = dict.fromkeys(("offers", "widened", "explored", "new", "onward", "late", "other"), 0)
    plans, free = {}, {}
    for request, made in replayed(live):
        query, here = request.query, (request.query.user_id, request.query.n)
        assert made.choice.offer_ids == request.offers.tolist(), query
        kept = made.choice.widened.relevance_kept
        assert kept == pytest.approx(request.relevance_kept, rel=1e-6)
        chosen = made.choice.pool.take(made.choice.widened.chosen)
        np.testing.assert_allclose(chosen.probability, request.probabilities, rtol=1e-6)
        told["offers"] += len(request.offers)
        told["widened"] += made.situation.around.radius_m > query.radius_m
        told["explored"] += bool(np.any(request.propensities < 0.5))
        told["new"] += query.min_new_categories > 0 and len(request.offers) > 0
        told["onward"] += bool(query.shown_offers)
        told["late"] += len(query.shown_offers) >= 8
        is_other = query.exposure is not None and query.exposure.variant == "other"
        assert (request.model_version == variant) == is_other == (query.intensity == 30.0)
        told["other"] += is_other
        if query.filters.max_price_cents == 1_100:
            (plans if query.plan else free)[here] = request.offers.tolist()
    assert told["offers"] > 400
    assert min(told.values()) >= 4, told
    assert sum(plans[here] != free[here] for here in plans) >= 2
    onward = [
        slate["query"]["shown_before"] for slate in export_person(live, "reader", NOW)["slates"]
    ]
    assert any(onward)
    assert all(isinstance(offer, str) and not offer.isdigit() for page in onward for offer in page)
