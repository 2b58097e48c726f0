"""Works without a subcategory: a category that only they have is looked for far down, too."""

from collections import Counter
from dataclasses import replace

import numpy as np
import psycopg
import pytest
from catalogues import swept
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import GRENOBLE, NOW

from reco.catalogue.build import build_catalogue
from reco.feed.choosing import Chooser
from reco.feed.generation import generation
from reco.feed.query import feed_query
from reco.feed.ranking import OF_EACH, Ranking, new_families_of
from reco.feed.scoring import taste_of
from reco.feed.shortlist import Shortlist
from reco.feed.situation import read_situation
from reco.feed.slate import choose, quotas
from reco.feed.state import Booked

TAXONOMY = {"A": ["A1", "A2", None], "B": ["B1"], "C": [None]}
KINDS = [(category, sub) for category, subs in TAXONOMY.items() for sub in subs]
VALUES = sorted({("category", category) for category in TAXONOMY}) + [
    ("subcategory", sub) for _, sub in KINDS if sub
]


@pytest.fixture(scope="module")
def connection_to(new_world):
    """Forty works, each at a venue of its own, the nearest one first; of C the four farthest."""
    chance = np.random.default_rng(3)
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        connection.execute("insert into core.beneficiary (external_id) values ('somebody')")
        for category, subcategories in TAXONOMY.items():
            connection.execute("insert into core.category (name) values (%s)", (category,))
            for name in filter(None, subcategories):
                connection.execute(
                    "insert into core.subcategory (category_id, name)"
                    " select id, %s from core.category where name = %s",
                    (name, category),
                )
        for number in range(40):
            kind = KINDS[chance.integers(len(KINDS) - 1)] if number < 36 else ("C", None)
            _add(connection, f"i{number:02}", *kind, number)
        yield connection


def _add(connection, name, category, subcategory, away):
    connection.execute(
        "insert into core.venue (external_id, location)"
        " values (%s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
        (name, GRENOBLE[0], GRENOBLE[1] + 0.01 * away),
    )
    connection.execute(
        "insert into core.item (external_id, category_id, subcategory_id)"
        " select %s, c.id, s.id from core.category c"
        " left join core.subcategory s on s.name = %s where c.name = %s",
        (name, subcategory, category),
    )
    connection.execute(
        "insert into core.offer (external_id, item_id, venue_id) select %s, i.id, v.id"
        " from core.item i join core.venue v using (external_id) where external_id = %s",
        (name, name),
    )
    connection.execute(
        "insert into core.stock (external_id, offer_id, price_cents)"
        " select external_id, id, 0 from core.offer where external_id = %s",
        (name,),
    )


@pytest.fixture(scope="module")
def serving(connection_to):
    return generation(build_catalogue(connection_to, NOW), None)


@pytest.fixture(scope="module")
def kind_of(connection_to):
    """Category and subcategory by id of the item."""
    return {
        item: (category, subcategory)
        for item, category, subcategory in connection_to.execute(
            "select i.id, c.name, s.name from core.item i join core.category c"
            " on c.id = i.category_id left join core.subcategory s on s.id = i.subcategory_id"
        )
    }


def situation_of(connection, serving, n, **asked):
    lon, lat = GRENOBLE
    query = feed_query(
        now=NOW, default_radius_m=5e4, user_id=None, lon=lon, lat=lat, n=n, radius_km=50.0, **asked
    )
    return read_situation(connection, serving, query)


def ranking(serving, here, met, most):
    sweep = swept(serving, here)
    families = new_families_of(serving.catalogue, met)
    return Ranking(sweep, taste_of(serving, sweep, here), families, most=most)


@given(st.sets(st.sampled_from(VALUES)), st.sampled_from([1, 5, 30]))
@settings(max_examples=40)
def test_the_likeliest_of_what_is_new_are_found_with_a_subcategory_or_without(
    connection_to, serving, kind_of, met, most
):
    found = ranking(serving, situation_of(connection_to, serving, 5), met, most)
    item_id = serving.catalogue.items.item_id
    expected, seen = [], []
    for row in found.everything.likeliest(100).candidates.item.tolist():
        category, subcategory = kind = kind_of[int(item_id[row])]
        brings = ("category", category) not in met
        brings |= subcategory is not None and ("subcategory", subcategory) not in met
        # Of one family are works of one subcategory, or without one of one category.
        if brings and seen.count(kind) < OF_EACH:
            expected.append(row)
        seen.append(kind)
    assert len(seen) == 40
    assert found.of_new.candidates.item.tolist() == expected


def booked(category, subcategory):
    return Booked(
        item_id=0, item="", at=None, amount_cents=0, cap="none", category=category,
        subcategory=subcategory, venue=None, venue_type=None, genres=[], title=None,
    )  # fmt: skip


def test_a_new_category_is_had_from_far_down_where_it_is_demanded(connection_to, serving, kind_of):
    here = situation_of(connection_to, serving, 3, min_new_categories=1)
    bookings = tuple(booked(*kind) for kind in KINDS if kind != ("C", None))
    here = replace(here, state=replace(here.state, bookings=bookings))
    few = ranking(serving, here, here.state.met, 3)
    chosen = Chooser(few, here).choose(frozenset())
    ids = serving.catalogue.items.item_id[chosen.pool.candidates.item]
    shown = [kind_of[int(item)][0] for item in ids[chosen.widened.chosen]]
    assert "C" in shown
    likelier = serving.catalogue.items.item_id[few.everything.likeliest(36).candidates.item]
    assert "C" not in {kind_of[int(item)][0] for item in likelier}


@pytest.mark.parametrize("n", [4, 12, 30])
@pytest.mark.parametrize("most", [2, 9])
def test_a_quota_of_categories_holds_with_a_subcategory_or_without(
    connection_to, serving, kind_of, n, most
):
    """Of all in order, however few are put in order first; the farthest come where they must."""
    quota = n // 3
    here = situation_of(connection_to, serving, n, floor=1.0, max_per_category=quota)
    chosen = Chooser(ranking(serving, here, frozenset(), most), here).choose(frozenset())
    everything = ranking(serving, here, frozenset(), most).everything.likeliest(100).candidates
    limits = quotas(serving.catalogue, everything, n, quota)
    rows = choose(np.arange(len(everything)), limits, n)
    shown = chosen.pool.candidates.item[chosen.widened.chosen]
    assert sorted(shown.tolist()) == sorted(everything.item[rows].tolist())
    ids = serving.catalogue.items.item_id[shown].tolist()
    count = Counter(kind_of[item][0] for item in ids)
    # Of C there are four works, the farthest of all: where twelve are shown, and nowhere else,
    # the quota can be kept to the end.
    assert (count == {"A": 4, "B": 4, "C": 4}) == (n == 12)


def test_a_list_that_has_everything_is_not_grown_for_a_quota_that_is_given_up(
    connection_to, serving, monkeypatch
):
    found, calls = Ranking.likeliest, []

    def likeliest(ranked, most, full):
        calls.append(most)
        return found(ranked, most, full)

    monkeypatch.setattr(Ranking, "likeliest", likeliest)
    here = situation_of(connection_to, serving, 60)
    short = Shortlist(ranking(serving, here, frozenset(), 9), 60)
    assert len(short.choose(60)) == 40
    assert calls == [9 + 9, 9 * 8 + 18, 9 * 64 + 40]
