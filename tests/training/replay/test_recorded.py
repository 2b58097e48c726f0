"""Replaying live requests from their record gives the slates that were recorded."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import psycopg
import pytest
from replays import model_of
from worlds import GRENOBLE, NOW

from reco.feed.query import feed_query
from reco.geo.points import Point
from reco.settings import Settings
from reco.worker import Worker
from training.replay.recorded import past_from_database
from training.replay.slates import Moment, System, replay

SECRET = "a secret of at least thirty-two bytes"
REQUESTS = (
    {},
    {"floor": 1.0},
    {"floor": 0.8, "intensity": 10.0},
    {"n": 3},
    {"n": 2, "floor": 0.1},
    {"n": 1, "floor": 0.01},
    {"n": 2, "floor": 0.2, "intensity": 1.0},
    {"radius_km": 1.5},
    {"categories": ["SPECTACLE"]},
    {"max_price_eur": 7.5},
    {"min_new_categories": 2},
    {"starts_from": NOW + timedelta(days=1), "starts_before": NOW + timedelta(days=6)},
    {"lat": GRENOBLE[1] + 0.3, "lon": GRENOBLE[0]},
)
_RECORD = """
select u.external_id, s.model_version, s.query, s.seed, s.relevance_kept, s.radius_m,
  st_x(s.location::geometry), st_y(s.location::geometry), s.probabilities, s.propensities,
  array(select o.external_id from unnest(s.offers) with ordinality w (id, place)
        join core.offer o on o.id = w.id order by w.place)
from reco.slate s left join core.beneficiary u on u.id = s.user_id
"""


@pytest.fixture
def recorded(lived, model):
    """Slates that a worker showed, with the queries that it was asked; some explore."""
    settings = Settings(home=lived.folder)
    with Worker(settings, lived, SECRET, lambda: NOW) as worker:
        for user in ("reader", "broke", "free", "villager", "nowhere"):
            for seed, asked in enumerate(REQUESTS):
                query = feed_query(now=NOW, default_radius_m=5e4, user_id=user, **asked)
                exploration = 1.0 if "n" in asked else 0.0
                worker.feed(replace(query, seed=seed, exploration=exploration))
    with psycopg.connect(lived.conninfo) as connection:
        rows = connection.execute(_RECORD).fetchall()
    assert len(rows) == 5 * len(REQUESTS)
    return rows


def query_of(user, kept, seed, at):
    """Return the query of a record."""
    times = {
        name: datetime.fromisoformat(kept[key]) if kept[key] else None
        for name, key in (("starts_from", "from"), ("starts_before", "to"))
    }
    price = kept["max_price_cents"]
    query = feed_query(
        now=NOW,
        as_of=NOW,
        default_radius_m=5e4,
        user_id=user,
        n=kept["n"],
        floor=kept["floor"],
        intensity=kept["intensity"],
        min_new_categories=kept["min_new_categories"],
        categories=kept["categories"],
        max_price_eur=None if price is None else price / 100,
        **times,
    )
    return replace(query, location=at, seed=seed, exploration=kept["exploration"])


def test_the_recorded_slates_come_again(recorded, lived):
    past = past_from_database(lived.conninfo)
    moment = Moment(past, NOW, radius_m=5e4, n=20)
    model = model_of(lived)
    serving = moment.serving(model)
    shown_any, explored = 0, 0
    for (
        user,
        version,
        kept,
        seed,
        relevance,
        radius_m,
        lon,
        lat,
        chances,
        shares,
        offers,
    ) in recorded:
        assert version == model.version
        row = past.people.names.index(user)
        here = None if lon is None else Point(lon, lat)
        query = query_of(user, kept, seed, here)
        # On record is the radius that was used, which may have been widened.
        query = replace(query, radius_m=radius_m, widest_m=radius_m)
        situation = moment.situation_of(query, moment.biographer.state_at(row, NOW))
        system = System("recorded", model, query.floor, query.intensity)
        (made,) = replay(moment, serving, situation, [system])
        names = [past.names.offer_id[offer - 1].as_py() for offer in made.choice.offer_ids]
        assert names == offers, (user, kept)
        assert made.choice.widened.relevance_kept == pytest.approx(relevance, rel=1e-6)
        chosen = made.choice.pool.take(made.choice.widened.chosen)
        np.testing.assert_allclose(chosen.probability, chances, rtol=1e-6)
        shown_any += len(names)
        explored += sum(share < 0.5 for share in shares)
    assert shown_any > 80
    assert explored >= 2
