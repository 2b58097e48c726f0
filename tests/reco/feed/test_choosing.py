"""What is said of a slate that was chosen: its bound, and how good it is when it was cut short."""

import itertools
import math
from datetime import timedelta

import psycopg
import pytest
from catalogues import swept
from worlds import GRENOBLE, NOW, small_world

from features.horizon import POINTS, expected_gains, values_of
from reco.catalogue.build import build_catalogue
from reco.catalogue.snapshot import MOST_GENRES
from reco.feed import pipeline
from reco.feed.attributes import most_points
from reco.feed.choosing import Chooser
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.feed.ranking import Ranking, new_families_of
from reco.feed.scoring import taste_of
from reco.feed.situation import read_situation

SECRET = "a secret of at least thirty-two bytes"
WORKS = {
    "concert": ("CONCERT", "hall", []),
    # Five of one family, which come before the sixth by their ids.
    **{f"play{number}": ("PLAY", "cellar", []) for number in range(5)},
    "opera": ("PLAY", "stage", ["buffa", "comic", "seria"]),
}
"""Category and venue, and genres; each category has one subcategory, `cellar` no type."""


@pytest.fixture(scope="module")
def scene(new_world):
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        for category in ("CONCERT", "PLAY"):
            connection.execute(
                "with made as (insert into core.category (name) values (%s) returning id)"
                " insert into core.subcategory (category_id, name) select id, %s from made",
                (category, f"a {category}"),
            )
        for venue, kind in (("hall", "hall"), ("cellar", None), ("stage", "stage")):
            connection.execute(
                "insert into core.venue (external_id, venue_type, location)"
                " values (%s, %s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
                (venue, kind, *GRENOBLE),
            )
        connection.execute("insert into core.beneficiary (external_id) values ('somebody')")
        for work, (category, venue, genres) in WORKS.items():
            _add(connection, work, category, venue, genres)
        yield connection


def _add(connection, name, category, venue, genres):
    connection.execute(
        "insert into core.item (external_id, category_id, subcategory_id, genres)"
        " select %s, category_id, id, %s from core.subcategory where name = %s",
        (name, genres, f"a {category}"),
    )
    connection.execute(
        "insert into core.offer (external_id, item_id, venue_id) select %s, i.id, v.id"
        " from core.item i, core.venue v where i.external_id = %s and v.external_id = %s",
        (name, name, venue),
    )
    connection.execute(
        "insert into core.stock (external_id, offer_id, price_cents)"
        " select %s, id, 0 from core.offer where external_id = %s",
        (name, name),
    )


def values_in_scene(work):
    category, venue, genres = WORKS[work]
    return values_of(
        category=category,
        subcategory=f"a {category}",
        venue=venue,
        venue_type=None if venue == "cellar" else venue,
        genres=genres,
    )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_slate_of_what_the_pool_leaves_out_gains_more_than_the_bound(scene, n):
    serving = generation(build_catalogue(scene, NOW), None)
    lon, lat = GRENOBLE
    query = feed_query(
        now=NOW, default_radius_m=5e3, user_id=None, lon=lon, lat=lat, n=n, intensity=1.0
    )
    here = read_situation(scene, serving, query)
    sweep = swept(serving, here)
    families = new_families_of(serving.catalogue, here.state.met)
    ranking = Ranking(sweep, taste_of(serving, sweep, here), families, most=1)
    choice = Chooser(ranking, here).choose(frozenset())
    every = ranking.everything.likeliest(100)
    ids = serving.catalogue.items.item_external_id[every.candidates.item].tolist()
    offers = [values_in_scene(work.decode()) for work in ids]
    assert len(offers) == len(WORKS)
    assert n > 1 or len(choice.pool) < len(WORKS)
    best = max(
        sum(
            expected_gains(
                [offers[at] for at in rows], [every.probability[at] for at in rows], frozenset()
            )
        )
        for rows in itertools.combinations(range(len(offers)), n)
    )
    assert choice.widened.gain <= best <= choice.widened.bound


def test_no_offer_earns_more_than_is_said(scene):
    catalogue = build_catalogue(scene, NOW)
    opera = values_in_scene("opera")
    assert most_points(catalogue, frozenset()) == sum(POINTS[of] for of, _ in opera) == 75.0
    everything = frozenset().union(*map(values_in_scene, WORKS))
    assert most_points(catalogue, everything) == POINTS["venue"]
    but = everything - {("genre", "seria"), ("genre", "buffa"), ("venue_type", "hall")}
    assert most_points(catalogue, but) == POINTS["venue"] + 2 * POINTS["genre"] + 20.0
    elsewhere = {("category", "FILM"), *((of, f"other {of}") for of in POINTS)}
    assert most_points(catalogue, elsewhere) == 75.0


@pytest.fixture
def town(connection):
    small_world(connection)
    return connection


def ask(town, **asked):
    serving = generation(build_catalogue(town, NOW), None)
    query = feed_query(now=NOW, default_radius_m=5e4, user_id="reader", n=5, language="en", **asked)
    return feed(town, serving, query, SECRET).answer


def relevance(items):
    return sum(item.probability / math.log2(place + 2) for place, item in enumerate(items))


def test_a_plan_that_is_cut_short_says_how_good_it_is(town, monkeypatch):
    """One evening for the film, the classic and the play: two of them are left out."""
    town.execute(
        "update core.stock set starts_at = %s where starts_at > %s", (NOW + timedelta(1), NOW)
    )
    monkeypatch.setattr(pipeline, "_MOST_PLANS", 0)
    whole, plan = ask(town, floor=1.0), ask(town, floor=0.98, plan=True)
    assert (len(whole.items), len(plan.items)) == (5, 3)
    kept = relevance(plan.items) / relevance(whole.items)
    assert plan.relevance_kept == pytest.approx(kept)
    assert kept < 0.98
    horizon = plan.horizon
    assert horizon.gain == pytest.approx(sum(item.gain for item in plan.items))
    added = sum(new.points * new.chance for new in horizon.additions)
    assert horizon.gain_at_intensity == pytest.approx(added)
    assert added <= horizon.bound < whole.horizon.bound
    told = plan.explanation[0]
    assert told.code == "relevance_kept"
    assert told.text.endswith(" of the relevance kept, no idea changed.")


def test_the_rank_in_a_plan_counts_what_it_has_no_time_for(town):
    town.execute(
        "update core.stock set starts_at = %s where starts_at > %s", (NOW + timedelta(1), NOW)
    )
    whole, plan = ask(town, floor=1.0), ask(town, floor=1.0, plan=True)
    rank = {item.offer_id: item.rank for item in whole.items}
    assert list(rank.values()) == [1, 2, 3, 4, 5]
    told = {item.offer_id: item.rank for item in plan.items}
    assert len(told) == 3
    assert told == {offer: rank[offer] for offer in told}
    assert max(told.values()) > 3


def test_of_a_work_with_many_genres_those_that_are_known_are_promised(town):
    genres = [f"genre {number}" for number in range(MOST_GENRES + 4)]
    town.execute("update core.item set genres = %s where external_id = 'play'", (genres[::-1],))
    answer = ask(town)
    (play,) = [item for item in answer.items if item.item_id == "play"]
    horizon = answer.horizon
    told = {new.value for new in horizon.additions if new.attribute == "genre"}
    assert told & set(genres) == set(sorted(genres)[:MOST_GENRES])
    # What the offers' own values give is what the slate was chosen for.
    added = sum(new.points * new.chance for new in horizon.additions)
    assert horizon.gain_at_intensity == pytest.approx(added)
    alone = sum(POINTS.values()) + (MOST_GENRES - 1) * POINTS["genre"]
    assert play.gain == pytest.approx(alone * play.probability, rel=0.02)


def has_little_left(answer):
    return "little_left_to_meet" in answer.notes


def test_who_has_met_nearly_all_is_told_so(town):
    assert not has_little_left(ask(town))
    for offer in ("film-tonight", "play-friday", "ebook-online"):
        town.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, 'booking', %s from core.beneficiary u, core.offer o"
            " where u.external_id = 'reader' and o.external_id = %s",
            (NOW - timedelta(days=1), offer),
        )
    # A manga and a classic are left, of genres of their own.
    answer = ask(town)
    assert {item.item_id for item in answer.items} == {"manga", "classic"}
    assert {new.attribute for new in answer.horizon.additions} == {"genre"}
    assert has_little_left(answer)
    # Of a category that was asked for little is left, of what is here nobody knows.
    assert not has_little_left(ask(town, categories=["LIVRE"]))
