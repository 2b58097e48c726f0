"""Pages go on: no repeat and no gap while offers come and go; cursors of this question alone."""

import base64
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import CENTRE, SECRET, random_country, sources_of
from worlds import NOW

from reco.catalogue.build import build_catalogue
from reco.catalogue.changes import amended, read_changes
from reco.errors import InvalidInput
from reco.feed.readback import read_live
from reco.sealing import sealed
from reco.search.cursor import MAX_SHOWN, Position, read_cursor, write_cursor
from reco.search.pipeline import Searcher
from reco.search.query import search_filters, search_query

PARIS = ZoneInfo("Europe/Paris")
PLACE = {"lon": CENTRE[0], "lat": CENTRE[1]}
SORTS = ["distance", "date", "price", "popularity"]


def asked(filters=None, *, now=NOW, zone=PARIS, **query):
    return search_query(
        now=now,
        zone=zone,
        default_radius_m=5e4,
        filters=search_filters(now=now, zone=zone, **(filters or {})),
        **PLACE | query,
    )


QUERY = asked()
POSITION = Position((3, 2**62, 5), np.array([5, 3, 2**40]), with_similar=False)


ids = st.lists(st.integers(1, 2**62), unique=True, max_size=100)
keys = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6).map(tuple)


@given(ids, keys, st.booleans())
def test_round_trip(shown, key, with_similar):
    position = Position(key, np.array(shown, dtype=np.int64), with_similar)
    read = read_cursor(write_cursor(position, QUERY, SECRET), QUERY, SECRET)
    assert (read.key, read.shown.tolist(), read.with_similar) == (key, sorted(shown), with_similar)


def test_the_longest_cursor_fits_into_an_address():
    chance = np.random.default_rng(1)
    shown = np.unique(chance.integers(1, 10_000_000, MAX_SHOWN + 100))
    cursor = write_cursor(Position((2**62,) * 6, shown, with_similar=True), QUERY, SECRET)
    assert len(cursor) < 8_000


def test_the_clock_goes_on_between_pages_and_their_length_may_change():
    today = {"when": "today"}
    cursor = write_cursor(POSITION, asked(today), SECRET)
    later = asked(today, now=NOW + timedelta(hours=2), n=50, with_facets=False)
    assert read_cursor(cursor, later, SECRET).key == POSITION.key


OTHERS = [
    {"lat": 45.1},
    {"lat": None, "lon": None},
    {"radius_km": 20.0},
    {"bbox": "5,45,6,46"},
    {"bbox": "5,45,6,47"},
    {"sort": "date"},
    {"sort": "price,date"},
    {"group": "offer"},
]
OTHER_FILTERS = [
    {"text": "silence"},
    {"categories": ["LIVRE"]},
    {"subcategories": ["LIVRE"]},
    {"when": "today"},
    {"when": "weekend"},
    {"starts_from": NOW},
    {"starts_before": NOW + timedelta(days=1)},
    {"with_undated": True},
    {"min_price_eur": 5},
    {"max_price_eur": 5},
    {"is_duo": True},
    {"is_duo": False},
    {"is_digital": False},
    {"open_now": True},
]


def test_every_question_has_cursors_of_its_own():
    queries = [
        *(QUERY, asked({"text": "silence"}, sort="date")),
        *(asked(**other) for other in OTHERS),
        asked(zone=ZoneInfo("Indian/Reunion")),
        *map(asked, OTHER_FILTERS),
    ]
    for number, query in enumerate(queries):
        cursor = write_cursor(POSITION, query, SECRET)
        assert read_cursor(cursor, query, SECRET).key == POSITION.key
        for other in queries[:number] + queries[number + 1 :]:
            with pytest.raises(InvalidInput, match="another question") as told:
                read_cursor(cursor, other, SECRET)
            assert told.value.field == "cursor"


@given(st.data())
def test_a_changed_bit_is_refused(data):
    cursor = write_cursor(POSITION, QUERY, SECRET)
    signed = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    at = data.draw(st.integers(0, 8 * len(signed) - 1))
    signed[at // 8] ^= 1 << at % 8
    with pytest.raises(InvalidInput, match="was changed"):
        read_cursor(base64.urlsafe_b64encode(signed).decode().rstrip("="), QUERY, SECRET)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é", "A" * 60, "\x00", "====", "A" * 100_000])
def test_nonsense_is_refused(text):
    with pytest.raises(InvalidInput, match="not made by this service"):
        read_cursor(text, QUERY, SECRET)


def test_a_cursor_of_another_secret_or_of_a_feed_is_refused():
    with pytest.raises(InvalidInput, match="not made by this service"):
        read_cursor(write_cursor(POSITION, QUERY, SECRET + "!"), QUERY, SECRET)
    with pytest.raises(InvalidInput, match="not made by this service"):
        read_cursor(sealed(b"whatever", "feed", SECRET), QUERY, SECRET)


@pytest.fixture(scope="module")
def connection(new_world):
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        random_country(connection, 4)
        for table in ("offer", "stock"):
            connection.execute(f"create temp table {table}_before as select * from core.{table}")
        yield connection


UNDO = """
delete from core.booking where amount_cents = 77;
delete from core.stock where id not in (select id from stock_before);
delete from core.offer where id not in (select id from offer_before);
delete from core.item where length(external_id) = 36;
update core.offer o set withdrawn_at = b.withdrawn_at from offer_before b
  where b.id = o.id and b.withdrawn_at is distinct from o.withdrawn_at;
update core.stock s set cancelled_at = b.cancelled_at, quantity = b.quantity from stock_before b
  where b.id = s.id and (b.cancelled_at, b.quantity) is distinct from (s.cancelled_at, s.quantity);
"""
GONE = """
select s.external_id from core.stock s join core.offer o on o.id = s.offer_id
where s.external_id = any(%s)
  and (s.cancelled_at is not null or s.quantity = 0 or o.withdrawn_at <= %s)
"""


@contextmanager
def undone(connection):
    """Take back what happens within."""
    try:
        yield
    finally:
        connection.execute(UNDO)


class Walk:
    """A walk over the pages of one question, while other things happen."""

    def __init__(self, connection, query):
        self.connection, self.query = connection, query
        self.searcher, self.sources = Searcher(SECRET), sources_of(connection)
        self.rebuild()
        self.cursor, self.items, self.pages, self.notes = None, [], 0, []

    @property
    def shown(self):
        name = f"{self.query.group}_id"
        return [getattr(item, name) for item in self.items]

    def look(self):
        """Let the catalogue follow what has changed."""
        self.catalogue = amended(self.catalogue, read_changes(self.connection, self.catalogue, NOW))

    def rebuild(self):
        self.catalogue = build_catalogue(self.connection, self.query.now)

    def wait(self):
        self.query = replace(self.query, now=self.query.now + timedelta(hours=12))

    def answer(self):
        return self.searcher.search(self.sources, self.catalogue, self.query, self.cursor)

    def turn(self):
        """Take the next page; return whether there is one more."""
        answer = self.answer()
        self.cursor, self.pages = answer.next_cursor, self.pages + 1
        self.items += answer.items
        self.notes.append(answer.notes)
        assert all(item.sessions for item in answer.items)
        stocks = [session.stock_id for item in answer.items for session in item.sessions]
        assert self.connection.execute(GONE, (stocks, NOW)).fetchall() == []
        return self.cursor is not None

    def finish(self):
        while not self.pages or self.cursor:
            self.turn()
        return self


def everything(connection, query):
    """Return all that matches now, as a walk over it shows it."""
    return Walk(connection, query).finish().shown


def offers(connection, query):
    """Return all offers that match now, each with its item."""
    walk = Walk(connection, replace(query, group="offer", n=100)).finish()
    return {(item.offer_id, item.item_id) for item in walk.items}


CHANGES = {
    "withdraw": "update core.offer set withdrawn_at = %(now)s where id %% 23 = %(n)s",
    "sell out": "update core.stock set quantity = 0 where id %% 19 = %(n)s",
    "book": "insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at)"
    " select u.id, s.id, 1, 77, %(now)s from core.stock s, core.beneficiary u"
    " where s.id %% 7 = %(n)s %% 7 on conflict do nothing",
    "cancel": "update core.stock set cancelled_at = %(now)s where id %% 29 = %(n)s",
    "insert": "with made as (insert into core.offer (external_id, item_id, venue_id, is_duo)"
    " select gen_random_uuid()::text, i.id, v.id, true from core.item i, core.venue v"
    " where i.id %% 13 = %(n)s %% 13 and v.id %% 11 = %(n)s %% 11 returning id)"
    " insert into core.stock (external_id, offer_id, price_cents)"
    " select gen_random_uuid()::text, id, 100 * %(n)s from made",
    "new item": "with thing as (insert into core.item (external_id, category_id) select"
    " gen_random_uuid()::text, min(id) from core.category returning id), made as (insert into"
    " core.offer (external_id, item_id) select gen_random_uuid()::text, id from thing returning id)"
    " insert into core.stock (external_id, offer_id, price_cents)"
    " select gen_random_uuid()::text, id, 100 * %(n)s from made",
}
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 18)),
        st.sampled_from(["look", "turn", "turn", "rebuild", "wait"]),
    ),
    max_size=14,
)
queries = st.builds(
    lambda sort, group, n, radius_km, filters: asked(
        filters, sort=",".join(sort) or None, group=group, n=n, radius_km=radius_km
    ),
    st.lists(st.sampled_from(SORTS), max_size=2),
    st.sampled_from(["item", "offer"]),
    st.sampled_from([1, 3, 10]),
    st.sampled_from([20.0, 200.0]),
    st.sampled_from([{}, {"max_price_eur": 15}, {"is_digital": False}]),
)


@given(queries, steps)
@settings(max_examples=20)
def test_nothing_repeats_and_nothing_that_stayed_is_left_out(connection, query, steps):
    with undone(connection):
        walk = Walk(connection, query)
        before, in_order = offers(connection, query), everything(connection, query)
        for step in steps:
            if step == "turn":
                if not walk.pages or walk.cursor:
                    walk.turn()
            elif isinstance(step, str):
                getattr(walk, step)()
            else:
                name, n = step
                connection.execute(CHANGES[name], {"n": n, "now": NOW})
        walk.finish()
        stayed = before & offers(connection, walk.query)
    assert len(set(walk.shown)) == len(walk.shown)
    assert {pair[query.group == "item"] for pair in stayed} <= set(walk.shown)
    if set(steps) <= {"look", "turn", "rebuild"}:
        assert walk.shown == in_order


@given(queries)
@settings(max_examples=20)
def test_pages_together_are_one_long_page(connection, query):
    walk = Walk(connection, replace(query, n=100))
    more = walk.turn()
    pages = everything(connection, query)
    assert walk.shown == (pages[:100] if more else pages)


@pytest.mark.parametrize("sort", SORTS)
def test_an_item_whose_best_offer_is_gone_comes_where_its_next_one_belongs(connection, sort):
    query = asked(sort=sort, n=100, radius_km=200)
    with undone(connection):
        walk = Walk(connection, query)
        best = [item.offer_id for item in walk.answer().items[:20]]
        connection.execute(
            "update core.offer set withdrawn_at = %s where external_id = any(%s)", (NOW, best)
        )
        # The catalogue does not know yet.
        shown = walk.answer().items
        walk.look()
        known = walk.answer().items
    if sort != "popularity":  # bookings of what is gone count no more
        assert shown == known
    assert {item.offer_id for item in shown}.isdisjoint(best)
    assert {item.offer_id for item in shown} == {item.offer_id for item in known}


def test_what_comes_before_the_last_row_after_it_was_shown_is_not_pushed_in(connection):
    query = asked(sort="price", n=1, group="offer", radius_km=200)
    with undone(connection):
        walk = Walk(connection, query)
        cheapest = 0
        while cheapest <= 100:
            walk.query = replace(walk.query, n=min(100, 2 * walk.query.n))
            assert walk.turn()
            cheapest = min(one.price_cents for one in walk.items[-1].sessions)
        # Among the rows of the last page.
        connection.execute(CHANGES["new item"], {"n": 1, "now": NOW})
        walk.look()
        walk.finish()
        now = everything(connection, query)
    new = set(now) - set(walk.shown)
    assert [len(name) for name in new] == [36]
    assert walk.shown == [name for name in now if name not in new]


def test_when_more_is_gone_than_is_read_beside_a_page_it_is_full_all_the_same(connection):
    query = asked(sort="price", n=5, group="offer", radius_km=200)
    with undone(connection):
        before = everything(connection, query)
        walk = Walk(connection, query)
        assert len(before) > 60
        connection.execute(
            "update core.offer set withdrawn_at = %s where external_id = any(%s)",
            (NOW, before[:50]),
        )
        walk.turn()
        assert walk.shown == before[50:55]


@pytest.mark.parametrize("group", ["item", "offer"])
def test_pages_that_too_much_is_gone_of_end_early_and_leave_nothing_out(
    connection, monkeypatch, group
):
    query = asked(sort="price", n=3, group=group, radius_km=20)
    with undone(connection):
        walk = Walk(connection, query)
        connection.execute("update core.offer set withdrawn_at = %s where id %% 4 = 0", (NOW,))
        monkeypatch.setattr("reco.search.pipeline._MOST_TURNS", 1)
        walk.finish()
        assert walk.shown == everything(connection, query)
    # Its last page alone may be the end; one that is short says why.
    assert () in walk.notes
    assert ("cut_short",) in walk.notes


def test_where_all_is_gone_a_search_ends_soon_and_says_so(connection, monkeypatch):
    read = Mock(wraps=read_live)
    monkeypatch.setattr("reco.search.pipeline.read_live", read)
    monkeypatch.setattr("reco.search.pipeline._MOST_TURNS", 2)
    query = asked(n=1, group="offer", radius_km=200)
    with undone(connection):
        walk = Walk(connection, query)
        assert len(everything(connection, query)) > 13
        read.reset_mock()
        connection.execute("update core.offer set withdrawn_at = %s", (NOW,))
        answer = walk.answer()
    assert [len(call.args[2]) for call in read.call_args_list] == [1, 12]
    assert (answer.items, answer.notes) == ((), ("cut_short",))
    assert answer.next_cursor


def test_a_search_ends_after_many_rows_and_says_so(connection, monkeypatch):
    monkeypatch.setattr("reco.search.present.MAX_SHOWN", 7)
    query = asked(n=5)
    walk = Walk(connection, query)
    assert walk.turn()
    answer = walk.answer()
    assert answer.next_cursor is None
    assert answer.notes == ("deeper_rows_are_not_shown",)
