"""Every search against a slow, plain reference: SQL for what can be booked, Python for the rest."""

import unicodedata
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import CENTRE, HOURS, ITEMS, OFFERS, SECRET, VENUES, random_country, sources_of
from searching import insert_rows as insert
from searching import rows_of as new_rows
from worlds import NOW, TAXONOMY

from reco.catalogue.build import build_catalogue
from reco.catalogue.changes import amended, read_changes
from reco.search.cursor import START
from reco.search.layout import MOST_STAMPS
from reco.search.pipeline import Searcher
from reco.search.query import SearchFilters, search_filters, search_query
from reco.search.scan import Page, Scratches, offers_by_venue, search_rows
from reco.search.text import read_matches

PARIS = ZoneInfo("Europe/Paris")
NEVER, FOREVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
IS_OPEN = dict(zip(HOURS, (None, True, True, False, False, None), strict=True))
"""On a Monday or Wednesday at 13:00."""
BANDS = [(0, 0), (1, 500), (501, 1_000), (1_001, 2_000), (2_001, 5_000), (5_001, 10_000)]

CHANGES = """
update core.stock set price_cents = price_cents + 700 where id %% 7 = %(seed)s;
update core.stock set starts_at = starts_at + interval '3 days' where id %% 11 = %(seed)s;
update core.offer set withdrawn_at = %(now)s where id %% 13 = %(seed)s;
update core.offer set venue_id = null where id %% 17 = %(seed)s;
update core.item set subcategory_id = null where id %% 9 = %(seed)s;
update core.venue set location = st_translate(location::geometry, 0.01, 0)::geography
  where id %% 5 = %(seed)s;
insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at)
  select u.id, s.id, 1, 0, %(now)s from core.stock s, core.beneficiary u
  where s.quantity = 1 and s.id %% 3 = %(seed)s;
"""


class Country:
    """A world, and what a worker knows of it."""

    def __init__(self, connection, catalogue):
        self.connection, self.catalogue = connection, catalogue
        self.searcher = Searcher(SECRET)


@pytest.fixture(scope="module", params=[0, 1, 2], ids=["base", "changed", "changed twice"])
def country(request, new_world):
    """Random countries: as they were read, and amended by what changed since."""
    seed = rounds = request.param
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        random_country(connection, seed)
        catalogue = build_catalogue(connection, NOW)
        for number in range(rounds):
            psycopg.ClientCursor(connection).execute(CHANGES, {"seed": number, "now": NOW})
            more = {
                "venues": range(VENUES + 5 * number, VENUES + 5 * number + 5),
                "items": range(ITEMS + 8 * number, ITEMS + 8 * number + 8),
                "offers": range(OFFERS + 40 * number, OFFERS + 40 * number + 40),
            }
            insert(connection, new_rows(np.random.default_rng([seed, number]), **more))
            catalogue = amended(catalogue, read_changes(connection, catalogue, NOW))
        assert bool(catalogue.changed_offers) == bool(rounds)
        yield Country(connection, catalogue)


SESSIONS = """
select o.id as offer, i.id as item, v.id as venue, t.price_cents, t.starts_at, c.name as category,
  s.name as subcategory, o.is_duo, v.id is null or coalesce(s.is_digital, false) as is_digital,
  st_distance(v.location, here.point), st_x(v.location::geometry), st_y(v.location::geometry),
  v.opening, t.quantity - booked.places
from (select st_setsrid(st_makepoint(%(lon)s, %(lat)s), 4326)::geography as point) here,
  core.stock t
  join core.offer o on o.id = t.offer_id
  join core.item i on i.id = o.item_id
  join core.category c on c.id = i.category_id
  left join core.subcategory s on s.id = i.subcategory_id
  left join core.venue v on v.id = o.venue_id
  cross join lateral (select coalesce(sum(b.quantity), 0) as places
    from core.booking b where b.stock_id = t.id and b.cancelled_at is null) booked
where coalesce(o.published_at, '-infinity') <= %(now)s
  and coalesce(t.created_at, '-infinity') <= %(now)s
  and coalesce(o.withdrawn_at, 'infinity') > %(now)s and t.cancelled_at is null
  and coalesce(t.booking_limit_at, 'infinity') > %(now)s
  and coalesce(t.starts_at, 'infinity') > %(now)s
  and (t.quantity is null or t.quantity > booked.places)
"""
# Of offers that can be booked now or later, when the catalogue was read.
BOOKED = """
select o.item_id, count(*) from core.booking b join core.stock t on t.id = b.stock_id
join core.offer o on o.id = t.offer_id
where b.cancelled_at is null and b.booked_at > %(now)s::timestamptz - interval '28 days'
  and coalesce(o.withdrawn_at, 'infinity') > %(now)s and exists (select from core.stock n
    where n.offer_id = o.id and n.cancelled_at is null
      and least(n.booking_limit_at, n.starts_at, 'infinity') > %(now)s
      and (n.quantity is null or n.quantity > (select coalesce(sum(b.quantity), 0)
        from core.booking b where b.stock_id = n.id and b.cancelled_at is null)))
group by o.item_id
"""


@dataclass(frozen=True)
class Session:
    """One stock that can be booked, as a row."""

    offer: int
    item: int
    venue: int | None
    price_cents: int
    starts_at: datetime | None
    category: str
    subcategory: str | None
    is_duo: bool
    is_digital: bool
    distance_m: float | None
    lon: float | None
    lat: float | None
    opening: str | None
    left: int | None


class Reference:
    """All answers to a query, the slow way."""

    def __init__(self, country, query):
        self.query, self.filters = query, query.filters
        connection = country.connection
        place = query.here
        asked = {"now": query.now, "lon": place and place.lon, "lat": place and place.lat}
        self.matches = query.filters.text and read_matches(connection, query.filters.text)
        rows = [Session(*row) for row in connection.execute(SESSIONS, asked)]
        self.around = [row for row in rows if self.is_around(row) and self.rank(row)]
        self.booked = dict(connection.execute(BOOKED, {"now": NOW}).fetchall())

    def is_around(self, row):
        query = self.query
        if row.venue is None:
            return not self.filters.open_now
        if self.filters.open_now and not IS_OPEN[row.opening]:
            return False
        if query.radius_m is not None and row.distance_m > query.radius_m:
            return False
        if query.box is None:
            return True
        west, south, east, north = astuple(query.box)
        within = west <= row.lon <= east if west <= east else row.lon >= west or row.lon <= east
        return within and south <= row.lat <= north

    def rank(self, row):
        """Return how well a row matches the text, 1 where there is none, 0 for not at all."""
        if not self.matches:
            return 1
        items = dict(zip(self.matches.item_id.tolist(), self.matches.rank.tolist(), strict=True))
        of_venue = self.matches.venue_rank if row.venue in self.matches.venue_id else 0
        return max(of_venue, items.get(row.item, 0))

    def refusals(self, row):
        """Return which filters refuse a row."""
        filters, starts = self.filters, row.starts_at
        least, most = filters.starts_from or NEVER, filters.starts_before or FOREVER
        in_time = filters.with_undated if starts is None else least <= starts < most
        accepted = {
            "category": not filters.categories or row.category in filters.categories,
            "subcategory": not filters.subcategories or row.subcategory in filters.subcategories,
            "day": in_time or not filters.has_window,
            "price": filters.min_price_cents <= row.price_cents <= filters.max_price_cents,
            "duo": filters.is_duo in {None, row.is_duo},
            "digital": filters.is_digital in {None, row.is_digital},
        }
        return {name for name, is_so in accepted.items() if not is_so}

    def matching(self, facet=None):
        return [row for row in self.around if self.refusals(row) <= {facet}]

    def offers(self):
        """Return all offers in order, each once, and of an item the first where items are asked."""
        sessions = defaultdict(list)
        for row in self.matching():
            sessions[row.offer].append(row)
        ordered = sorted(sessions.values(), key=self.key)
        seen, found = set(), []
        for rows in ordered:
            # Whether there are two places is asked when an offer is read back.
            if not self.shown(rows):
                continue
            if self.query.group == "offer" or rows[0].item not in seen:
                found.append(rows[0].offer)
            seen.add(rows[0].item)
        return found

    def shown(self, rows):
        """Return those of an offer's sessions that are shown: for two, with two places left."""
        return [row for row in rows if not (self.filters.is_duo and row.left == 1)]

    def key(self, rows):
        row = rows[0]
        away_m = np.inf if row.distance_m is None else np.rint(row.distance_m)
        keys = {
            "distance": away_m,
            "date": min((row.starts_at or FOREVER for row in rows), default=FOREVER),
            "price": min(row.price_cents for row in rows),
            "popularity": -self.booked.get(row.item, 0),
            "text": -self.rank(row),
        }
        return (*(keys[name] for name in self.query.sort), row.offer)

    def counts(self, facet, value_of):
        """Return how many items have each value of a facet, under the other filters."""
        items = defaultdict(set)
        for row in self.matching(facet):
            items[value_of(row)].add(row.item)
        return {value: len(found) for value, found in items.items()}

    def day(self, row):
        if row.starts_at is None:
            return "undated"
        first = max(self.filters.starts_from or self.query.now, self.query.now)
        first = first.astimezone(PARIS).date()
        day = row.starts_at.astimezone(PARIS).date()
        return None if day < first else "later" if day >= first + timedelta(days=31) else day


def band(row):
    return next((band for band in BANDS if band[0] <= row.price_cents <= band[1]), (10_001, None))


def facets_of(answer):
    """Return the counts of an answer, by facet and value."""
    facets = answer.facets
    told = {name: getattr(facets, name) for name in ("category", "subcategory", "duo", "digital")}
    counts = {name: {one.value: one.count for one in found} for name, found in told.items()}
    counts["day"] = {one.value: one.count for one in facets.day}
    counts["day"] |= {"later": facets.later, "undated": facets.undated}
    counts["price"] = {(one.min_cents, one.max_cents): one.count for one in facets.price}
    return {name: {v: n for v, n in found.items() if n} for name, found in counts.items()}


def expected_facets(reference):
    values = {
        "category": lambda row: row.category,
        "subcategory": lambda row: row.subcategory,
        "day": reference.day,
        "price": band,
        "duo": lambda row: row.is_duo,
        "digital": lambda row: row.is_digital,
    }
    counts = {name: reference.counts(name, value_of) for name, value_of in values.items()}
    for name in ("subcategory", "day"):
        counts[name].pop(None, None)
    return counts


boxes = ["5,44.9,6,45.6", "5.6,45.1,5.8,45.3", "5.8,44,5.7,46", "-180,-90,180,90"]
categories = sorted({category for category, *_ in TAXONOMY.values()})
filters_asked = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(["silence", "foret etoiles", "silense", "jazz or nuit", "comedie"]),
        "categories": st.lists(st.sampled_from(categories), max_size=2),
        "subcategories": st.lists(st.sampled_from(sorted(TAXONOMY)), max_size=2),
        "starts_from": st.sampled_from([NOW, NOW + timedelta(days=2.5)]),
        "starts_before": st.sampled_from([NOW + timedelta(days=days) for days in (4, 8, 45)]),
        "with_undated": st.booleans(),
        "min_price_eur": st.sampled_from([0.0, 5.0, 5.01]),
        "max_price_eur": st.sampled_from([5.01, 15.0, 80.0]),
        "is_duo": st.booleans(),
        "is_digital": st.booleans(),
        "open_now": st.booleans(),
    },
)
places = st.fixed_dictionaries(
    {
        "lon": st.floats(CENTRE[0] - 1, CENTRE[0] + 1),
        "lat": st.floats(CENTRE[1] - 0.7, CENTRE[1] + 0.7),
    },
    optional={"radius_km": st.sampled_from([0.5, 10.0, 60.0, 200.0])},
)
SORTS = ["distance", "date", "price", "popularity", "text"]


@st.composite
def queries(draw):
    filters = search_filters(now=NOW, zone=PARIS, **draw(filters_asked))
    place = draw(st.one_of(st.just({}), places))
    possible = [name for name in SORTS if name != "distance" or place]
    possible = [name for name in possible if name != "text" or filters.text]
    sorts = draw(st.lists(st.sampled_from(possible), max_size=3))
    asked = {
        "bbox": draw(st.one_of(st.none(), st.sampled_from(boxes))),
        "sort": ",".join(sorts) or None,
        "group": draw(st.sampled_from(["item", "item", "offer"])),
        "n": draw(st.sampled_from([1, 7, 20, 100])),
    }
    return search_query(
        now=draw(st.sampled_from([NOW, NOW, NOW + timedelta(days=2)])),
        zone=PARIS,
        default_radius_m=5e4,
        filters=filters,
        **place,
        **asked,
    )


def walked(country, query, most=1_000):
    """Return all pages of a query, up to so many."""
    sources, pages, cursor = sources_of(country.connection), [], None
    while len(pages) < most and (not pages or cursor):
        pages.append(country.searcher.search(sources, country.catalogue, query, cursor))
        cursor = pages[-1].next_cursor
    return pages


@given(queries())
@settings(max_examples=150)
def test_offers_order_and_facets_are_those_of_the_reference(country, query):
    reference = Reference(country, query)
    expected = reference.offers()
    most = 4
    pages = walked(country, query, most)
    ids = dict(country.connection.execute("select external_id, id from core.offer").fetchall())
    found = [[ids[item.offer_id] for item in page.items] for page in pages]
    assert [offer for page in found for offer in page] == expected[: query.n * most]
    for page, offers in zip(pages, found, strict=True):
        assert len(offers) == query.n or not page.next_cursor
        matching = reference.matching()
        assert page.total_offers == len({row.offer for row in matching})
        assert page.total_items == len({row.item for row in matching})
        assert facets_of(page) == expected_facets(reference)
    assert ("nothing_found" in pages[0].notes) == (not expected)


@given(queries())
@settings(max_examples=80)
def test_what_is_shown_of_an_offer_is_what_passes(country, query):
    reference = Reference(country, query)
    rows = defaultdict(list)
    for row in reference.matching():
        rows[row.offer].append(row)
    ids = dict(country.connection.execute("select external_id, id from core.offer").fetchall())
    for item in walked(country, query, 1)[0].items:
        expected = rows[ids[item.offer_id]]
        shown = [(one.starts_at, one.price_cents) for one in item.sessions]
        asked = [(row.starts_at, row.price_cents) for row in reference.shown(expected)]
        assert len(shown) == min(8, len(asked))
        assert item.sessions_total == len(asked)
        assert set(shown) <= set(asked)
        assert min(cents for _, cents in shown) == min(cents for _, cents in asked)
        assert item.distance_m == (
            None
            if expected[0].distance_m is None
            else pytest.approx(expected[0].distance_m, abs=1e-3)
        )
        assert (item.is_duo, item.is_digital) == (expected[0].is_duo, expected[0].is_digital)


@given(queries())
@settings(max_examples=40)
def test_offers_are_counted_by_venue_as_the_reference_does(country, query):
    searched = country.searcher._searched(
        sources_of(country.connection), country.catalogue, query, START
    )
    counted = offers_by_venue(Scratches(), searched)
    venues = country.catalogue.venues.venue_id[searched.area.rows]
    expected = defaultdict(set)
    for row in Reference(country, query).matching():
        expected[row.venue].add(row.offer)
    expected.pop(None, None)
    told = zip(venues.tolist(), counted.tolist(), strict=True)
    assert {venue: count for venue, count in told if count} == {
        venue: len(offers) for venue, offers in expected.items()
    }


@pytest.fixture(scope="module")
def searches(country):
    """Some searches, told apart by text, order and what a row is."""
    texts = [None, "silence", "jazz or nuit", "comedie"]
    asked = [
        search_query(
            now=NOW, zone=PARIS, default_radius_m=5e4, sort=sort, group=group, n=20,
            filters=search_filters(now=NOW, zone=PARIS, text=text),
        )
        for text in texts for sort in ("price", "popularity") for group in ("item", "offer")
    ]  # fmt: skip
    sources, searcher = sources_of(country.connection), country.searcher
    return [searcher._searched(sources, country.catalogue, query, START) for query in asked]


def answer(searched, scratches):
    shown = searched.catalogue.items.item_id[:5]
    scanned = search_rows(scratches, searched, Page((), shown, np.empty(0, np.int64), 20))
    counts = [column.tolist() for column in vars(scanned.counts).values()]
    return scanned.rows, scanned.total_items, scanned.total_offers, counts


def test_searches_at_the_same_time_do_not_disturb_each_other(searches):
    alone = [answer(searched, Scratches()) for searched in searches]
    shared = Scratches()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda searched: answer(searched, shared), searches * 20))
    assert together == alone * 20


def test_what_was_open_before_a_catalogue_was_read_is_not_asked(searches):
    for searched in searches:
        before = replace(searched, query=replace(searched.query, now=NOW - timedelta(days=60)))
        (*now, _), (*then, _) = answer(searched, Scratches()), answer(before, Scratches())
        assert then == now


def test_memory_that_can_tell_no_more_searches_apart_is_begun_anew(searches):
    alone = [answer(searched, Scratches()) for searched in searches]
    shared = Scratches()
    answer(searches[0], shared)
    scratch, _ = shared._idle.take()
    shared._idle.put((scratch, MOST_STAMPS - 5))
    assert [answer(searched, shared) for searched in searches] == alone


def test_hours_that_are_remembered_are_not_read_where_they_may_be_old(country):
    def behind(read):
        raise AssertionError(read)

    sources = replace(sources_of(country.connection), near=behind)
    query = search_query(
        now=NOW, zone=PARIS, default_radius_m=5e4, filters=SearchFilters(open_now=True)
    )
    assert Searcher(SECRET).search(sources, country.catalogue, query).items


def test_what_names_do_not_have_any_more_is_no_error(country):
    # The last subcategory was deleted; works of it stay on record, and nothing has them.
    last = max(country.catalogue.subcategories)
    names = {key: name for key, name in country.catalogue.subcategories.items() if key != last}
    assert last in country.catalogue.items.item_subcategory
    after = replace(country.catalogue, subcategories=names)
    query = search_query(now=NOW, zone=PARIS, default_radius_m=5e4)
    answer = country.searcher.search(sources_of(country.connection), after, query)
    before = country.searcher.search(sources_of(country.connection), country.catalogue, query)
    assert answer.items == before.items
    assert {one.value for one in answer.facets.subcategory} == {
        one.value for one in before.facets.subcategory if one.value in names.values()
    }


def test_letters_are_the_same_however_their_accents_are_written():
    decomposed = unicodedata.normalize("NFD", "théâtre")
    assert decomposed != "théâtre"
    assert search_filters(now=NOW, zone=PARIS, text=decomposed).text == "théâtre"
