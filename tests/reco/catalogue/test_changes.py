"""A catalogue amended by what changed is the catalogue built anew, whoever commits when."""

from datetime import timedelta

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import NOW, book, small_world

from reco.catalogue.build import build_catalogue
from reco.catalogue.changes import amended, read_changes
from reco.catalogue.shelf import rows_on

OPERATIONS = {
    "reprice": "update core.stock set price_cents = 100 * %(n)s where id = {stock}",
    "limit": "update core.stock set quantity = nullif(%(n)s %% 4, 3) where id = {stock}",
    "date": "update core.stock set starts_at = %(now)s::timestamptz + (%(n)s - 5)"
    " * interval '1 day' where id = {stock}",
    "cancel": "update core.stock set cancelled_at = %(now)s where id = {stock}",
    "restore": "update core.stock set cancelled_at = null where id = {stock}",
    "withdraw": "update core.offer set withdrawn_at = %(now)s where id = {offer}",
    "publish": "update core.offer set withdrawn_at = null, published_at = %(now)s"
    " where id = {offer}",
    "move": "update core.stock set offer_id = {offer} where id = {stock}",
    "move offer": "update core.offer set venue_id = {venue} where id = {offer}",
    "put online": "update core.offer set venue_id = null where id = {offer}",
    "move work": "update core.item set subcategory_id = other.id, category_id = other.category_id"
    " from core.subcategory other where core.item.id = {item} and other.id = 1 + %(n)s %% 4",
    "other genres": "update core.item set genres = ("
    " select coalesce(array_agg('genre ' || g), '{{}}') from generate_series(1, %(n)s) g"
    " where g %% 3 = {item} %% 3) where id = {item}",
    "other kind": "update core.venue set venue_type = nullif('kind ' || %(n)s %% 4, 'kind 0')"
    " where id = {venue}",
    "another clock": "update core.venue set timezone = ('{{Indian/Reunion,no zone}}'::text[])"
    "[%(n)s %% 3] where id = {venue}",
    "another id": "update core.venue set external_id = repeat('v', %(n)s + 5) where id = {venue}",
    "add venue": "insert into core.venue (external_id, venue_type, location)"
    " select gen_random_uuid()::text, 'kind ' || %(n)s, location from core.venue"
    " where id = {venue}",
    "rename venue": "update core.venue set name = %(n)s::text where id = {venue}",
    "add stock": "insert into core.stock (external_id, offer_id, price_cents, quantity)"
    " select gen_random_uuid()::text, {offer}, 100, 2",
    "add offer": "with made as (insert into core.offer (external_id, item_id, venue_id)"
    " select gen_random_uuid()::text, {item}, {venue} returning id)"
    " insert into core.stock (external_id, offer_id, price_cents)"
    " select gen_random_uuid()::text, id, 100 * %(n)s from made",
    "add item": "with thing as (insert into core.item (external_id, category_id, subcategory_id)"
    " select gen_random_uuid()::text, category_id, subcategory_id from core.item"
    " where id = {item} returning id), made as (insert into core.offer (external_id, item_id)"
    " select gen_random_uuid()::text, id from thing returning id)"
    " insert into core.stock (external_id, offer_id, price_cents)"
    " select gen_random_uuid()::text, id, 100 * %(n)s from made",
    "delete stock": "with gone as (delete from core.booking where stock_id = {stock})"
    " delete from core.stock where id = {stock}",
    "delete offer": "with gone as (delete from core.stock where offer_id = {offer}"
    " and not exists (select from core.booking where stock_id = core.stock.id))"
    " delete from core.offer where id = {offer}"
    " and not exists (select from core.stock where offer_id = core.offer.id)",
    "book": "insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at)"
    " select min(id), {stock}, 1, 0, %(now)s::timestamptz - random() * interval '20 days'"
    " from core.beneficiary",
    "cancel booking": "update core.booking set cancelled_at = %(now)s where id = {booking}",
    "move booking": "update core.booking set stock_id = {stock} where id = {booking}",
    "forget booking": "delete from core.booking where id = {booking}",
}
PICK = (
    "(select id from core.{table} order by id"
    " offset %(row)s %% greatest(1, (select count(*) from core.{table})) limit 1)"
)
TABLES = ("stock", "offer", "venue", "item", "booking")

operations = st.tuples(
    st.sampled_from(sorted(OPERATIONS)),
    st.booleans(),
    st.integers(0, 40),
    st.integers(0, 12),
)
steps = st.lists(
    st.one_of(operations, st.sampled_from(["look", "commit", "roll back"])), max_size=25
)


def apply(connection, name, row, n):
    """Change something; what somebody else holds locked, or refers to, is left as it is."""
    picks = {table: PICK.format(table=table) for table in TABLES}
    try:
        with connection.transaction():
            asked = {"row": row, "n": n, "now": NOW}
            connection.execute(OPERATIONS[name].format(**picks), asked)
    except (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.IntegrityError,
        psycopg.errors.DeadlockDetected,
    ):
        pass


def caught_up(connection, catalogue):
    changes = read_changes(connection, catalogue, NOW)
    return catalogue if changes is None else amended(catalogue, changes)


def shown(catalogue):
    """Return every stock that the catalogue shows, item and offer spelled out."""
    base = rows_on(catalogue.base)
    struck = catalogue.base.offer_id[catalogue.replaced]
    rows = base.take(~np.isin(base.offer, struck)).merged(rows_on(catalogue.fresh))
    items = catalogue.items
    return {
        int(stock): (
            *(int(getattr(rows, name)[place]) for name in ("venue", "offer", "price_cents", "cap")),
            *(
                int(getattr(rows, name)[place])
                for name in ("starts", "opens", "closes", "week_hour")
            ),
            items.item_external_id[rows.item[place]],
            int(items.item_id[rows.item[place]]),
            catalogue.categories[int(items.item_category[rows.item[place]])],
            bool(items.item_is_digital[rows.item[place]]),
            names(catalogue.genres, items.item_genres[rows.item[place]]),
        )
        for place, stock in enumerate(rows.stock)
    }


def names(vocabulary, codes):
    """Return what codes name, 0 nothing."""
    return sorted(vocabulary[code - 1] for code in codes.tolist() if code)


def venues_shown(catalogue):
    """Return external id and type of every venue that is there, by id, each found by both."""
    venues = catalogue.venues
    there = np.flatnonzero(~np.isnan(venues.venue_lon))
    external_ids = [name.decode() for name in venues.venue_external_id[there].tolist()]
    assert venues.rows_of_external(external_ids).tolist() == there.tolist()
    assert venues.rows(venues.venue_id[there]).tolist() == there.tolist()
    assert venues.rows_of_external(["nobody", "x" * 99]).tolist() == [-1, -1]
    return {
        int(venues.venue_id[row]): (name, names(catalogue.venue_types, venues.venue_type[[row]]))
        for row, name in zip(there.tolist(), external_ids, strict=True)
    }


def decks(catalogue):
    return catalogue.cards.items, catalogue.cards.venues


@pytest.fixture(scope="module")
def two(new_world):
    """Two connections to one small world: one commits at once, one when it is told to."""
    conninfo, impatient = new_world().conninfo, "-c lock_timeout=20ms"
    with (
        psycopg.connect(conninfo, autocommit=True, options=impatient) as at_once,
        psycopg.connect(conninfo, options=impatient) as late,
    ):
        small_world(at_once)
        yield at_once, late


@given(steps)
@settings(max_examples=60)
def test_amended_is_built_anew(two, steps):
    at_once, late = two
    catalogue = build_catalogue(at_once, NOW)
    for step in steps:
        if step == "look":
            catalogue = caught_up(at_once, catalogue)
        elif step == "commit":
            late.commit()
        elif step == "roll back":
            late.rollback()
        else:
            name, is_late, row, n = step
            apply(late if is_late else at_once, name, row, n)
    for _ in range(2):
        catalogue = caught_up(at_once, catalogue)
        anew = build_catalogue(at_once, NOW)
        assert shown(catalogue) == shown(anew)
        assert venues_shown(catalogue) == venues_shown(anew)
        for deck, new in zip(decks(catalogue), decks(anew), strict=True):
            ids = new.base.texts.id.tolist()
            assert deck.find(at_once, ids, set()) == new.find(at_once, ids, set())
        assert (
            catalogue.bookings.tolist()
            == (
                catalogue.base.bookings(np.flatnonzero(~catalogue.replaced))
                + catalogue.fresh.bookings()
            ).tolist()
        )
        late.commit()


@pytest.fixture
def town(connection):
    small_world(connection)
    return connection


def prices(catalogue):
    rows = shown(catalogue)
    return {place: row[2] for place, row in rows.items()}


def test_a_change_is_seen_once_and_the_version_tells(town):
    built = build_catalogue(town, NOW)
    assert caught_up(town, built).version == built.version
    town.execute("update core.stock set price_cents = 777 where external_id = 'manga-shop'")
    once = caught_up(town, built)
    assert once.version == f"{built.version}+1"
    assert 777 in prices(once).values()
    assert caught_up(town, once).version == once.version
    town.execute("update core.stock set price_cents = 778 where external_id = 'manga-shop'")
    assert caught_up(town, once).version == f"{built.version}+2"


def test_who_commits_late_is_seen(town, world):
    with psycopg.connect(world.conninfo) as late:
        late.execute("update core.stock set price_cents = 111 where external_id = 'manga-shop'")
        town.execute("update core.stock set price_cents = 222 where external_id = 'novel-shop'")
        catalogue = caught_up(town, build_catalogue(town, NOW))
        town.execute("update core.stock set price_cents = 333 where external_id = 'novel-shop'")
        catalogue = caught_up(town, catalogue)
        assert 111 not in prices(catalogue).values()
        late.commit()
    assert {111, 333} <= set(prices(caught_up(town, catalogue)).values())


@pytest.mark.parametrize(
    "change",
    [
        "delete from core.booking where stock_id = {film}",
        "update core.booking set stock_id = {manga} where stock_id = {film}",
        "update core.booking set cancelled_at = now() where stock_id = {film}",
        "update core.booking set quantity = 1 where stock_id = {film}",
    ],
    ids=["deleted", "moved", "cancelled", "halved"],
)
def test_a_booking_that_goes_gives_its_places_back(town, change):
    film, manga = (
        town.execute("select id from core.stock where external_id = %s", (stock,)).fetchone()[0]
        for stock in ("film-tonight", "manga-shop")
    )
    book(town, "free", "film-tonight", NOW, quantity=2)
    built = build_catalogue(town, NOW)
    assert film not in shown(built)
    town.execute(change.format(film=film, manga=manga))
    assert film in shown(caught_up(town, built))


def test_bookings_of_a_changed_offer_are_counted_with_it(town):
    built = build_catalogue(town, NOW)
    book(town, "free", "manga-shop", NOW - timedelta(days=3))
    book(town, "late", "manga-shop", NOW - timedelta(days=40))
    town.execute("update core.stock set price_cents = 777 where external_id = 'manga-shop'")
    amended_by = caught_up(town, built)
    assert amended_by.fresh.offer_bookings.tolist() == [1]
    assert amended_by.bookings.tolist() == build_catalogue(town, NOW).bookings.tolist()


def test_bookings_without_a_limit_of_places_change_nothing(town):
    built = build_catalogue(town, NOW)
    book(town, "free", "manga-shop", NOW)
    later = caught_up(town, built)
    assert later.version == built.version
    assert later.seen != built.seen


def test_of_more_than_can_be_amended_nothing_is_read(town, monkeypatch):
    monkeypatch.setattr("reco.catalogue.changes.MAX_CHANGED", 3)
    built = build_catalogue(town, NOW)
    town.execute("update core.stock set price_cents = price_cents + 1")
    assert read_changes(town, built, NOW) is None


def genres_of(catalogue, external_id):
    """Return the genres of an item."""
    row = catalogue.items.item_external_id.tolist().index(external_id)
    return names(catalogue.genres, catalogue.items.item_genres[row])


def test_codes_stay_what_they_are_when_names_are_added(town):
    built = build_catalogue(town, NOW)
    town.execute("update core.item set genres = '{a, genre of film}' where external_id = 'manga'")
    town.execute("update core.venue set venue_type = 'arena' where external_id = 'theatre'")
    later = caught_up(town, built)
    assert later.genres == (*built.genres, "a")
    assert later.venue_types == (*built.venue_types, "arena")
    assert genres_of(later, b"manga") == ["a", "genre of film"]
    assert genres_of(later, b"novel") == ["genre of novel"]
    kinds = {kind for _, (kind,) in venues_shown(later).values()}
    assert kinds == {"arena", "bookshop", "cinema", "theatre"}


def test_of_many_genres_the_first_are_known(town):
    many = [f"genre {number}" for number in (7, 3, 9, 1, 4, 4, 8, 5, 2, 6)]
    town.execute(
        "update core.item set genres = array[null, ''] || %s where external_id = 'manga'", (many,)
    )
    built = build_catalogue(town, NOW)
    assert genres_of(built, b"manga") == [f"genre {number}" for number in range(1, 9)]
    assert "genre 9" in built.genres
