"""Pages of a feed are one slate: no repeat, each gain on top of all pages before, nothing gone."""

import math
from collections import Counter
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import GRENOBLE, NOW, TAXONOMY, book, small_world

from features.horizon import POINTS, unmet_after, values_of
from reco.catalogue.build import build_catalogue
from reco.errors import CursorExpired, InvalidInput
from reco.feed.cursor import read_cursor
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.feed.shown import continued

SECRET = "a secret of at least thirty-two bytes"
PAGES, LENGTH = 10, 20
ITEMS = 260
NAMES = [f"item {n}" for n in range(ITEMS)]
GENRES = ["-", "manga", "jazz", "jazz|manga", "opera|jazz|manga"]
USER = "free"


@pytest.fixture(scope="module")
def town(new_world):
    """The small world with many more items, each with one offer of the same name."""
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        small_world(connection)
        connection.execute(
            "insert into core.item (external_id, category_id)"
            " select unnest(%s::text[]), (select min(id) from core.category)",
            (NAMES,),
        )
        connection.execute(
            "insert into core.offer (external_id, item_id)"
            " select external_id, id from core.item where external_id like 'item %'"
        )
        connection.execute(
            "insert into core.stock (external_id, offer_id, price_cents, quantity)"
            " select external_id, id, 0, 1000 from core.offer where external_id like 'item %'"
        )
        yield connection


def arrange(connection, chance):
    """Deal attributes and histories anew."""
    connection.execute("delete from core.booking")
    connection.execute("update core.offer set withdrawn_at = null")
    connection.execute("update core.stock set quantity = 1000 where external_id like 'item %'")
    kinds = [*TAXONOMY][:: int(chance.choice([1, 2]))]
    places = ["", "", "bookshop", "cinema", "theatre"]
    connection.execute(
        "update core.item i set subcategory_id = s.id, category_id = s.category_id,"
        " genres = string_to_array(replace(new.genres, '-', ''), '|')"
        " from unnest(%s::text[], %s::text[], %s::text[]) new (item, kind, genres)"
        " join core.subcategory s on s.name = new.kind where new.item = i.external_id",
        (NAMES, chance.choice(kinds, ITEMS).tolist(), chance.choice(GENRES, ITEMS).tolist()),
    )
    connection.execute(
        "update core.offer o set venue_id = v.id"
        " from unnest(%s::text[], %s::text[]) new (offer, venue)"
        " left join core.venue v on v.external_id = new.venue where new.offer = o.external_id",
        (NAMES, chance.choice(places, ITEMS).tolist()),
    )
    names = chance.choice(NAMES, 40, replace=False).tolist()
    for name in names[:3]:
        book(connection, USER, name, NOW - timedelta(days=9))
    for name in names[3:]:
        book(connection, "late", name, NOW - timedelta(days=int(chance.integers(1, 60))))


def values(connection, offer):
    category, subcategory, venue, venue_type, genres = connection.execute(
        "select c.name, s.name, v.external_id, v.venue_type, i.genres from core.offer o"
        " join core.item i on i.id = o.item_id join core.category c on c.id = i.category_id"
        " left join core.subcategory s on s.id = i.subcategory_id"
        " left join core.venue v on v.id = o.venue_id where o.external_id = %s",
        (offer,),
    ).fetchone()
    return values_of(
        category=category,
        subcategory=subcategory,
        venue=venue,
        venue_type=venue_type,
        genres=genres,
    )


def met(connection):
    booked = connection.execute(
        "select s.external_id from core.booking b join core.stock s on s.id = b.stock_id"
        " join core.beneficiary u on u.id = b.user_id"
        " where u.external_id = %s and b.cancelled_at is null",
        (USER,),
    ).fetchall()
    return frozenset().union(*(values(connection, stock) for (stock,) in booked))


def expected_points(offered, met):
    """G(S | H) as METRICS.md writes it: a sum over the values not met."""
    every = frozenset().union(*(found for found, _ in offered)) - met
    return sum(
        POINTS[kind] * (1 - math.prod(1 - p for found, p in offered if (kind, value) in found))
        for kind, value in every
    )


def page(connection, serving, cursor, *, later=timedelta(), user_id=USER, **asked):
    query = feed_query(
        now=NOW + later,
        default_radius_m=5e4,
        user_id=user_id,
        lat=GRENOBLE[1],
        lon=GRENOBLE[0],
        n=LENGTH,
        **asked,
    )
    shown = read_cursor(cursor, query, SECRET) if cursor else {}
    query = continued(connection, serving.catalogue.cards, query, shown)
    return feed(connection, serving, query, SECRET).answer


def happens(connection, chance, shown, kind):
    """Something between two pages."""
    of_these = shown if kind.endswith("shown") else sorted({*NAMES} - {*shown})
    name = of_these[int(chance.integers(len(of_these)))]
    if kind.startswith("book"):
        book(connection, USER, name, NOW - timedelta(microseconds=len(shown)))
    elif kind.startswith("sell out"):
        connection.execute("update core.stock set quantity = 0 where external_id = %s", (name,))
    elif kind.startswith("withdraw"):
        connection.execute(
            "update core.offer set withdrawn_at = %s where external_id = %s", (NOW, name)
        )
    elif kind == "cancel":
        connection.execute("update core.booking set cancelled_at = %s", (NOW,))


def gone(connection):
    """Return what is sold out, withdrawn or booked by now."""
    rows = connection.execute(
        "select s.external_id from core.stock s join core.offer o on o.id = s.offer_id"
        " where s.quantity = 0 or o.withdrawn_at is not null or exists ("
        "   select from core.booking b join core.beneficiary u on u.id = b.user_id"
        "   where b.stock_id = s.id and u.external_id = %s and b.cancelled_at is null)",
        (USER,),
    )
    return {name for (name,) in rows}


events = st.sampled_from(
    [
        "nothing",
        "book shown",
        "book unseen",
        "sell out shown",
        "sell out unseen",
        "withdraw shown",
        "withdraw unseen",
        "cancel",
    ]
)


@given(st.integers(0, 2**32), st.lists(events, min_size=PAGES, max_size=PAGES))
@settings(max_examples=12)
def test_ten_pages_are_one_slate(town, seed, between):
    chance = np.random.default_rng(seed)
    arrange(town, chance)
    serving = generation(build_catalogue(town, NOW), None)
    cursor, offered, shown = None, [], []
    for event in between:
        answer = page(town, serving, cursor)
        now_met = met(town)
        assert len(answer.items) == LENGTH
        for item in answer.items:
            before = expected_points(offered, now_met)
            offered.append((values(town, item.offer_id), item.probability))
            gain = expected_points(offered, now_met) - before
            assert item.gain == pytest.approx(gain, rel=1e-5, abs=1e-9)
        shown += [item.offer_id for item in answer.items]
        assert len({*shown}) == len(shown)
        assert not gone(town) & {item.offer_id for item in answer.items}
        cursor = answer.next_cursor
        assert len(cursor) <= 4_000
        happens(town, chance, shown, event)


def test_the_second_page_of_one_kind_gains_less(town):
    arrange(town, np.random.default_rng(1))
    town.execute(
        "update core.item set subcategory_id = null, genres = '{}',"
        " category_id = (select id from core.category where name = 'CINEMA')"
        " where external_id like 'item %'"
    )
    town.execute(
        "delete from core.booking where user_id = "
        "(select id from core.beneficiary where external_id = 'free')"
    )
    serving = generation(build_catalogue(town, NOW), None)
    first = page(town, serving, None, categories=["CINEMA"])
    second = page(town, serving, first.next_cursor, categories=["CINEMA"])
    alone = [25.0 * item.probability for item in second.items if item.venue is None]
    gains = [item.gain for item in second.items if item.venue is None]
    assert gains
    assert all(gain < without for gain, without in zip(gains, alone, strict=True))


def test_an_empty_page_after_others_is_their_end(town):
    arrange(town, np.random.default_rng(3))
    serving = generation(build_catalogue(town, NOW), None)
    first = page(town, serving, None)
    town.execute("update core.offer set withdrawn_at = %s", (NOW,))
    empty = generation(build_catalogue(town, NOW), None)
    last = page(town, empty, first.next_cursor)
    assert (last.items, last.next_cursor) == ((), None)
    assert "nothing_found" not in last.notes
    assert "nothing_found" in page(town, empty, None).notes


def test_what_is_asked_of_categories_holds_though_most_is_digital(town):
    arrange(town, np.random.default_rng(5))
    town.execute("update core.offer set venue_id = null where external_id like 'item %'")
    serving = generation(build_catalogue(town, NOW), None)
    (kinds,) = town.execute(
        "select count(distinct category_id) from core.item where external_id like 'item %'"
    ).fetchone()
    most = -(-LENGTH // kinds)
    few = page(town, serving, None, floor=1.0, max_per_category=most)
    by_category = Counter(item.category for item in few.items)
    assert len(few.items) == LENGTH
    assert max(by_category.values()) <= most


def test_ranks_count_what_the_pages_before_have_shown(town):
    arrange(town, np.random.default_rng(4))
    serving = generation(build_catalogue(town, NOW), None)
    books = {"categories": ["LIVRE"]}
    every, cursor = [], None
    while not every or cursor:
        answer = page(town, serving, cursor, floor=1.0, **books)
        every += [item.probability for item in answer.items]
        cursor = answer.next_cursor
    first = page(town, serving, None, **books)
    second = page(town, serving, first.next_cursor, **books)
    for item in (*first.items, *second.items):
        # Of equals, which a cursor tells in single precision, any may come first.
        likelier = sum(chance > item.probability * (1 + 1e-6) for chance in every)
        as_likely = sum(chance >= item.probability * (1 - 1e-6) for chance in every)
        assert likelier < item.rank <= as_likely
    assert min(item.rank for item in second.items) > 1


def test_an_old_cursor_and_one_of_somebody_else_are_told_apart(town):
    arrange(town, np.random.default_rng(2))
    serving = generation(build_catalogue(town, NOW), None)
    cursor = page(town, serving, None).next_cursor
    page(town, serving, cursor, later=timedelta(minutes=30))
    with pytest.raises(CursorExpired):
        page(town, serving, cursor, later=timedelta(minutes=31))
    with pytest.raises(InvalidInput, match="another question"):
        page(town, serving, cursor, user_id="late")
    with pytest.raises(InvalidInput, match="another question"):
        page(town, serving, cursor, later=timedelta(minutes=31), categories=["LIVRE"])
    with pytest.raises(InvalidInput, match="changed"):
        page(town, serving, cursor.swapcase(), later=timedelta(minutes=31))


def test_what_was_shown_counts_as_it_is_now(town):
    arrange(town, np.random.default_rng(3))
    serving = generation(build_catalogue(town, NOW), None)
    shown = {"item 1": 0.5, "item 2": 0.25}
    ids = dict(town.execute("select external_id, id from core.offer").fetchall())
    told = {ids[name]: probability for name, probability in shown.items()}
    query = feed_query(now=NOW, default_radius_m=5e4, user_id=USER)
    town.execute("update core.item set genres = array['new'] where external_id = 'item 1'")
    after = continued(town, serving.catalogue.cards, query, told)
    offered = [values(town, name) for name in shown]
    assert ("genre", "new") in after.unmet
    assert after.unmet == unmet_after(offered, list(shown.values()))
    assert after.shown_items == {
        row[0]
        for row in town.execute("select item_id from core.offer where id = any(%s)", ([*told],))
    }
