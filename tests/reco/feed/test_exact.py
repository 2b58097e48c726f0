"""Every feed against a slow, plain reference: SQL for what can be booked, float64 for scores."""

from collections import Counter
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, timedelta
from itertools import pairwise

import numba
import numpy as np
import psycopg
import pytest
from catalogues import swept
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.event import install_recorder
from odd_rankers import ODD_WEEK
from searching import searching
from spots import near_spot
from worlds import NOW, TAXONOMY

from features.credit import (
    MOST_DAYS,
    UNLIMITED_BUDGET,
    beyond_fair,
    budget_of,
    expected_bookings,
)
from features.pairs import days_to_session
from reco.catalogue.build import build_catalogue
from reco.catalogue.shelf import CAPS
from reco.db.arrays import FOREVER_US, micros
from reco.feed.generation import generation
from reco.feed.past import history_of
from reco.feed.pipeline import feed, settled
from reco.feed.planning import ASSUMED_DURATION
from reco.feed.query import feed_query
from reco.feed.ranking import MOST, OF_EACH, Ranking, new_families_of
from reco.feed.readback import read_offers
from reco.feed.scoring import taste_of
from reco.feed.shortlist import Shortlist
from reco.feed.situation import read_situation
from reco.feed.slate import Quota, choose
from reco.model.link import LinkFacts
from reco.model.loaded import load_model
from reco.model.ranker import AffinityFacts, Ranker, RankerFacts
from reco.search.query import search_query
from training.commands.train import train_world

SECRET = "a secret of at least thirty-two bytes"
USERS = tuple(f"u{number}" for number in range(12))
CENTRE = (5.7, 45.2)
SOME_SPOTS = ("sea", "border", "antimeridian", "north pole", "south pole")
EVERYTHING = 1_000_000
GRANTED = NOW - timedelta(days=90)
NEAR = 1e-6
"""Log-odds that a millimetre may move."""


@pytest.fixture(scope="module")
def country(new_world):
    """A random world: 60 venues, 200 items, 600 offers, 1,000 stocks, and what people did.

    Beside it some venues at the sea and a border, on the antimeridian and about the poles.
    """
    world, chance = new_world(), np.random.default_rng(7)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        _taxonomy(connection)
        _places_and_works(connection, chance)
        _offers(connection, chance)
        _people(connection, chance)
        _far_off(connection, np.random.default_rng(8))
        connection.execute("analyze")
    return world


def _taxonomy(connection):
    for subcategory, (category, *flags) in TAXONOMY.items():
        connection.execute(
            "insert into core.category (name) values (%s) on conflict do nothing", (category,)
        )
        connection.execute(
            "insert into core.subcategory (category_id, name, is_event, is_digital, is_physical)"
            " select id, %s, %s, %s, %s from core.category where name = %s",
            (subcategory, *flags, category),
        )


def _places_and_works(connection, chance):
    for number in range(60):
        # Many near the centre, a few far off.
        away = 1.6 * chance.random() ** 3
        angle = chance.random() * 2 * np.pi
        lon, lat = CENTRE[0] + away * np.cos(angle), CENTRE[1] + 0.7 * away * np.sin(angle)
        connection.execute(
            "insert into core.venue (external_id, venue_type, location, timezone)"
            " values (%s, 'any', st_setsrid(st_makepoint(%s, %s), 4326)::geography, %s)",
            (f"v{number}", lon, lat, (None, "Indian/Reunion", "America/Cayenne")[number % 3]),
        )
    for number in range(200):
        connection.execute(
            "insert into core.item (external_id, title, category_id, subcategory_id, genres)"
            " select %s, %s, category_id, id, %s from core.subcategory where name = %s",
            (
                f"i{number}",
                f"Item {number}",
                ["rock", "jazz"][number % 3 :],
                list(TAXONOMY)[chance.integers(4)],
            ),
        )


def _offers(connection, chance):
    def sometimes(share, days):
        return NOW + timedelta(days=float(days)) if chance.random() < share else None

    for number in range(600):
        is_online = chance.random() < 0.1
        connection.execute(
            "insert into core.offer (external_id, item_id, venue_id, published_at, withdrawn_at)"
            " select %s, i.id, v.id, %s, %s from core.item i"
            " left join core.venue v on v.external_id = %s where i.external_id = %s",
            (
                f"o{number}",
                sometimes(0.9, -30 + 32 * chance.random()),
                sometimes(0.1, chance.normal() * 5),
                None if is_online else f"v{chance.integers(60)}",
                # Some works are everywhere.
                f"i{int(200 * chance.random() ** 2)}",
            ),
        )
    for number in range(1_000):
        connection.execute(
            "insert into core.stock (external_id, offer_id, price_cents, quantity, starts_at,"
            " booking_limit_at, created_at, cancelled_at)"
            " select %s, id, %s, %s, %s, %s, %s, %s from core.offer where external_id = %s",
            (
                f"s{number}",
                int(chance.choice([0, 500, 700, 1_200, 1_500, 8_000, 29_000, 31_000])),
                [None, 0, 1, 5][chance.choice(4, p=[0.7, 0.05, 0.15, 0.1])],
                sometimes(0.5, chance.normal() * 10 + 8),
                sometimes(0.1, chance.normal() * 5),
                sometimes(0.2, chance.normal() * 5 - 5),
                sometimes(0.05, chance.normal() * 5),
                f"o{chance.integers(600)}",
            ),
        )


def _people(connection, chance):
    tastes = [("category", "SPECTACLE"), ("category", "LIVRE"), ("genre", "rock"), ("item", "i7")]
    for number, user in enumerate(USERS):
        connection.execute(
            "insert into core.beneficiary (external_id, home) values"
            " (%s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
            (user, *(np.array(CENTRE) + 0.2 * chance.normal(size=2))),
        )
        if number % 4:
            connection.execute(
                "insert into core.deposit (user_id, amount_cents, granted_at, digital_cap_cents,"
                " physical_cap_cents, offer_limit_cents, expires_at)"
                " select id, %s, %s, %s, %s, 30000, %s from core.beneficiary"
                " where external_id = %s",
                (
                    int(chance.choice([500, 1_900, 5_000, 50_000])),
                    GRANTED,
                    [None, 600, 1_600][chance.integers(3)],
                    [None, 900, 20_000][chance.integers(3)],
                    [None, *(NOW + timedelta(days=days) for days in (5, 90, 640))][number % 4],
                    user,
                ),
            )
        for kind, value in tastes[: number % 5]:
            connection.execute(
                "insert into core.taste (user_id, kind, value, at)"
                " select id, %s, %s, %s from core.beneficiary where external_id = %s",
                (kind, value, NOW - timedelta(days=80), user),
            )
        # The last ones booked nothing, or little.
        for _ in range(10 if number < 8 else number - 9):
            days = float(60 * chance.random())
            connection.execute(
                "insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at,"
                " cancelled_at)"
                " select u.id, s.id, 1, %s, %s, %s from core.beneficiary u, core.stock s"
                " where u.external_id = %s and s.external_id = %s on conflict do nothing",
                (
                    int(chance.choice([0, 0, 300])),
                    NOW - timedelta(days=days),
                    NOW if chance.random() < 0.1 else None,
                    user,
                    f"s{chance.integers(1_000)}",
                ),
            )
        connection.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, 'dismiss', %s from core.beneficiary u, core.offer o"
            " where u.external_id = %s and o.external_id = %s",
            (NOW, user, f"o{chance.integers(600)}"),
        )


def _far_off(connection, chance):
    """Put venues near the odd spots, each with some offers, which somebody has booked."""
    connection.execute("insert into core.beneficiary (external_id) values ('traveller')")
    for name in (f"{spot} {number}" for spot in SOME_SPOTS for number in range(8)):
        place = near_spot(name[:-2], *chance.uniform(-0.4, 0.4, 2))
        connection.execute(
            "insert into core.venue (external_id, venue_type, location)"
            " values (%s, 'any', st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
            (name, *place),
        )
        for number in range(4):
            offer = f"{name} {number}"
            starts = NOW + timedelta(days=float(20 * chance.random())) if number % 2 else None
            connection.execute(
                "with o as (insert into core.offer (external_id, item_id, venue_id)"
                " select %(offer)s, i.id, v.id from core.item i, core.venue v"
                " where i.external_id = %(item)s and v.external_id = %(venue)s returning id),"
                " s as (insert into core.stock (external_id, offer_id, price_cents, starts_at)"
                " select %(offer)s, id, %(cents)s, %(starts)s from o returning id)"
                " insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at)"
                " select u.id, s.id, 1, 0, %(now)s from s, core.beneficiary u"
                " where u.external_id = 'traveller' and %(is_booked)s",
                {
                    "offer": offer,
                    "venue": name,
                    "item": f"i{chance.integers(200)}",
                    "cents": int(chance.choice([0, 700, 1_500])),
                    "starts": starts,
                    "now": NOW - timedelta(days=1),
                    "is_booked": bool(chance.random() < 0.5),
                },
            )


@pytest.fixture(scope="module")
def connection_to(country):
    with psycopg.connect(country.conninfo, autocommit=True) as connection:
        yield connection


ODD_RANKER = Ranker.of(
    RankerFacts(
        distance_knots_per_m=1e-4,
        price_knots_per_cent=2e-3,
        wait_knots_per_day=0.3,
        rarity_knots_per_log=1.0,
        online=1.7,
        credit=1.3,
        crowding=0.6,
        popular_intercept=-1.5,
        popular_slope=0.3,
        affinity=AffinityFacts(prior_bookings=1.5, lift=1.1, met=-0.7),
        week=ODD_WEEK,
        link=LinkFacts(told=(-100.0, -6.0, -3.0, 100.0), meant=(-300.0, -5.0, -4.5, 40.0)),
    ),
    {
        "cost_distance": np.array([0.0, 1e-9, 4.0, 4.1]),
        "cost_price": np.array([0.0, 3.0, 3.0 + 1e-6]),
        "cost_wait": np.array([0.0, 0.7]),
        "cost_rarity": np.array([0.0, 0.1, 5.0]),
    },
)
"""Steep, flat and curved where nothing by hand is."""


@pytest.fixture(
    scope="module", params=["none", "popularity", "itemknn", "als", "filter", "als, ranked"]
)
def serving(request, country, connection_to):
    """A catalogue with each kind of model."""
    return serving_of(request.param, country, connection_to)


@pytest.fixture(scope="module", params=["ials", "hybrid", "ease"])
def of_other_kind(request, country, connection_to):
    """The same with the other kinds, for fewer tests."""
    return serving_of(request.param, country, connection_to)


def serving_of(named, country, connection):
    model, (kind, *ranked) = None, named.split(", ")
    if kind != "none":
        now = NOW + timedelta(seconds=len(ranked))
        done = train_world(country, kind, split="time", cutoff=None, now=now)
        model = load_model(done.folder, done.digest)
        model = replace(model, ranker=ODD_RANKER) if ranked else model
    return generation(build_catalogue(connection, NOW), model)


BOOKABLE = """
select o.id as offer, i.id as item, (
    select coalesce(sum(case kind when 'genre' then 1.0 else 0.5 end), 0) from core.taste said
    join core.beneficiary me on me.id = said.user_id and me.external_id = %(user)s
    where said.kind = 'category' and said.value = c.name
      or said.kind = 'genre' and said.value = any(i.genres)
  )::float8 as liked, t.price_cents, t.starts_at,
  case when v.id is not null then st_distance(v.location, here.point) end as distance_m,
  v.id as venue, coalesce(s.id, 0) as family, i.external_id,
  core.cap_of(s.is_event, s.is_digital, s.is_physical, t.starts_at is not null, v.id is not null),
  coalesce(24 * (extract(isodow from clock.here) - 1) + extract(hour from clock.here), 168)::int
from (select st_setsrid(st_makepoint(%(lon)s, %(lat)s), 4326)::geography as point) here,
  core.stock t
  join core.offer o on o.id = t.offer_id
  join core.item i on i.id = o.item_id
  join core.category c on c.id = i.category_id
  left join core.subcategory s on s.id = i.subcategory_id
  left join core.venue v on v.id = o.venue_id
  cross join lateral (
    select t.starts_at at time zone coalesce(v.timezone, 'Europe/Paris') as here) clock
where (v.id is null or st_dwithin(v.location, here.point, %(radius_m)s))
  and coalesce(o.published_at, '-infinity') <= %(now)s
  and coalesce(t.created_at, '-infinity') <= %(now)s
  and coalesce(o.withdrawn_at, 'infinity') > %(now)s and t.cancelled_at is null
  and coalesce(t.booking_limit_at, 'infinity') > %(now)s
  and coalesce(t.starts_at, 'infinity') > %(now)s
  and (t.quantity is null or t.quantity > (select coalesce(sum(b.quantity), 0)
    from core.booking b where b.stock_id = t.id and b.cancelled_at is null))
  and (t.starts_at is null or (t.starts_at >= %(from)s and t.starts_at < %(before)s))
  and (c.name = any(%(categories)s) or %(categories)s = '{}')
  and i.id <> all(%(settled)s)
"""
BOOKED = """
select offer_id, count(*) from core.booking b join core.stock t on t.id = b.stock_id
where b.cancelled_at is null and b.booked_at > %s::timestamptz - interval '28 days'
group by offer_id
"""


@dataclass
class Best:
    """An item at its best offer, by the reference."""

    cost: float
    offer: int
    venue: int | None
    family: int
    external_id: str
    liked: float
    is_undated: bool
    near: int = 0


PAID = """
select core.cap_of(s.is_event, s.is_digital, s.is_physical, t.starts_at is not null,
  o.venue_id is not null), count(*)
from core.booking b
  join core.beneficiary u on u.id = b.user_id join core.deposit d on d.user_id = u.id
  join core.stock t on t.id = b.stock_id join core.offer o on o.id = t.offer_id
  join core.item i on i.id = o.item_id left join core.subcategory s on s.id = i.subcategory_id
where u.external_id = %(user)s and b.cancelled_at is null and b.amount_cents > 0
  and b.booked_at >= d.granted_at
group by 1
"""
ENDS = """
select extract(epoch from d.expires_at - %(now)s)::float8 / 86400 from core.deposit d
join core.beneficiary u on u.id = d.user_id where u.external_id = %(user)s
"""


def afforded(connection, here):
    """Return what the person can afford, by what the database holds of them."""
    asked = {"user": here.query.user_id, "now": here.query.now}
    ends = connection.execute(ENDS, asked).fetchone()
    if ends is None:
        return UNLIMITED_BUDGET
    paid = dict(connection.execute(PAID, asked).fetchall())
    made = np.array([paid.get(cap, 0) for cap in CAPS])
    left_days = MOST_DAYS if ends[0] is None else ends[0]
    credit = here.state.credit
    caps = [None, credit.digital_cents, credit.physical_cents]
    return budget_of(
        credit.total_cents,
        np.array([np.inf if cents is None else cents for cents in caps]),
        expected_bookings(made, (NOW - GRANTED) / timedelta(days=1), left_days),
    )


def reference(connection, serving, here):
    """Return items in order, each with its best offer and its log-odds."""
    query, state, around = here.query, here.state, here.around
    asked = {
        "lon": around.here.lon,
        "lat": around.here.lat,
        "radius_m": around.radius_m,
        "now": query.now,
        "from": query.filters.starts_from or "-infinity",
        "before": query.filters.starts_before or "infinity",
        "categories": list(query.filters.categories),
        "settled": list(state.settled_items),
        "user": query.user_id,
    }
    booked = dict(connection.execute(BOOKED, (query.now,)).fetchall())
    best, offers, budget = {}, {}, afforded(connection, here)
    totals = around_at_all(connection, asked, booked)
    for row in connection.execute(BOOKABLE, asked):
        offer, item, liked, price, starts, distance_m, venue, family, external_id, cap, hour = row
        bounds = (query.filters.max_price_cents, state.credit.limit_cents(cap))
        if any(bound is not None and price > bound for bound in bounds):
            continue
        starts_us = FOREVER_US if starts is None else micros(starts)
        days = days_to_session(np.array([starts_us]), micros(query.now))
        away = np.array([np.nan if distance_m is None else distance_m])
        costs = serving.costs
        of_session = costs.of_session(np.array([price]), days, np.array([hour]))
        cost = float((of_session + costs.of_distance(away))[0])
        fair_cents = budget.fair_cents[CAPS.index(cap)]
        cost += costs.credit * float(beyond_fair(np.array(price), budget.left_cents, fair_cents))
        offers.setdefault(item, set()).add(offer)
        if item not in best or (cost, offer) < (best[item].cost, best[item].offer):
            best[item] = Best(cost, offer, venue, family, external_id, liked, starts is None)
    for item, found in best.items():
        found.near = sum(booked.get(offer, 0) for offer in offers[item])
    gained = affinity(connection, serving, here)
    return ordered(serving, here, best, serving.catalogue.base.bookings(), totals, gained)


AROUND = """
select o.id, o.venue_id is null as is_online
from (select st_setsrid(st_makepoint(%(lon)s, %(lat)s), 4326)::geography as point) here,
  core.offer o left join core.venue v on v.id = o.venue_id
where (v.id is null or st_dwithin(v.location, here.point, %(radius_m)s))
  and coalesce(o.withdrawn_at, 'infinity') > %(now)s
  and exists (select from core.stock t where t.offer_id = o.id and t.cancelled_at is null
    and least(t.booking_limit_at, t.starts_at, 'infinity') > %(now)s
    and (t.quantity is null or t.quantity > (select coalesce(sum(b.quantity), 0)
      from core.booking b where b.stock_id = t.id and b.cancelled_at is null)))
"""
"""Offers that can be booked now or later, whatever is asked for."""


def around_at_all(connection, asked, booked):
    """Return how many offers are at venues around and their bookings; the same online."""
    rows = connection.execute(AROUND, asked).fetchall()
    return [
        (len(ids), sum(booked.get(offer, 0) for offer in ids))
        for online in (False, True)
        for ids in [[offer for offer, is_online in rows if is_online == online]]
    ]


KINDS = """
select i.id, c.name, s.name, i.genres from core.item i join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
"""


def affinity(connection, serving, here):
    """Return what each item gains by how often the person has booked its kind."""
    facts = serving.ranker.facts.affinity if serving.ranker else None
    kinds = {row[0]: row[1:] for row in connection.execute(KINDS)}
    if facts is None:
        return dict.fromkeys(kinds, 0.0)
    own = [kinds[booking.item_id] for booking in here.state.bookings]
    catalogue, everybody = serving.catalogue, Counter()
    for item, times in zip(
        catalogue.items.item_id.tolist(), catalogue.base.item_bookings.tolist(), strict=True
    ):
        category, subcategory, genres = kinds[item]
        for value in {category, subcategory, *genres}:
            everybody[value] += times
    all_made = catalogue.base.item_bookings.sum()

    def lift(value):
        share = (everybody[value] + 1.0) / (all_made + 1.0)
        n = sum(value in (category, subcategory, *genres) for category, subcategory, genres in own)
        a = facts.prior_bookings
        return np.log((n + a * share) / ((len(own) + a) * share))

    met = {subcategory for _, subcategory, _ in own}
    return {
        item: facts.lift * np.mean([lift(kind) for kind in genres or [subcategory]])
        + facts.met * (subcategory in met)
        for item, (_, subcategory, genres) in kinds.items()
    }


def ordered(serving, here, best, made, totals, gained):
    items = sorted(best)
    popular = np.empty(len(items))
    is_online = np.array([best[item].venue is None for item in items], dtype=bool)
    near = np.array([best[item].near for item in items], dtype=np.float64)
    for online, total, (offers, bookings) in zip((False, True), made, totals, strict=True):
        chosen = is_online == online
        a_person = max(total / serving.catalogue.users, 0.01)
        share = (near[chosen] + 20.0 / max(1, offers)) / (bookings + 20.0)
        popular[chosen] = np.log(np.expm1(a_person * share))
    crowd = 0.0
    if serving.ranker:
        of = serving.ranker.facts
        crowd = of.crowding * np.log1p(sum(offers for offers, _ in totals))
        popular = of.popular_intercept + of.popular_slope * popular - crowd
    logits, known = popular, 0.0
    if serving.model is not None:
        ids = np.array([best[item].external_id.encode() for item in items], dtype=np.bytes_)
        history = history_of(serving.model, here.state, here.query.now)
        rows = serving.model.item_rows(ids)
        if serving.model.content is not None:
            # For what nobody met another item stands in.
            rows = serving.model.content.stand_in[rows]
        said = serving.model.logits(history, rows) - crowd
        known = history.weights.sum(dtype=np.float64)
        is_alone = serving.model.kind == "popularity" or serving.ranker
        share = 1.0 if is_alone else known / (known + 2.0)
        logits = np.where(np.isnan(said), popular, share * said + (1.0 - share) * popular)
    # Half a unit of log-odds for a liked category, one for a liked genre, fading with evidence.
    logits = logits + np.array([best[item].liked for item in items]) * 2.0 / (known + 2.0)
    logits = logits + np.array([gained[item] for item in items])
    logits = logits - np.array([best[item].cost for item in items])
    if serving.ranker:
        rows = serving.catalogue.item_rows(np.array(items, dtype=np.int64))
        bookings = serving.catalogue.base.item_bookings
        booked = np.where(rows < len(bookings), bookings[np.minimum(rows, len(bookings) - 1)], 0)
        rare = np.log((serving.catalogue.base.bookings().sum() + 1.0) / (booked + 1.0))
        logits = logits - serving.ranker.rarity(np.maximum(rare, 0.0))
    order = sorted(range(len(items)), key=lambda place: (-logits[place], items[place]))
    return [(items[place], best[items[place]], float(logits[place])) for place in order]


def place_near(spot, east, north):
    if spot in SOME_SPOTS:
        return near_spot(spot, 0.5 * east, 0.5 * north)
    return CENTRE[0] + 1.5 * east, CENTRE[1] + north


def asked_at(place, asked):
    quota = {"max_per_category": min(asked.get("max_per_category", asked["n"]), asked["n"])}
    return {"lon": place[0], "lat": place[1], **asked, **quota}


places = st.builds(
    place_near,
    st.sampled_from(["centre"] * 6 + list(SOME_SPOTS)),
    *[st.floats(-1.0, 1.0)] * 2,
)
asked_for = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from([*USERS, None, "nobody"]),
        "radius_km": st.sampled_from([0.5, 3.0, 20.0, 50.0, 200.0]),
        "n": st.sampled_from([1, 5, 20, 60]),
    },
    optional={
        "categories": st.lists(
            st.sampled_from(["LIVRE", "CINEMA", "SPECTACLE"]), max_size=2, unique=True
        ),
        "max_price_eur": st.sampled_from([0.0, 7.0, 15.0]),
        "starts_from": st.sampled_from([NOW, NOW + timedelta(days=3)]),
        "starts_before": st.sampled_from([NOW + timedelta(days=4), NOW + timedelta(days=20)]),
        "max_per_category": st.sampled_from([1, 3, 8]),
    },
)
queries = st.builds(asked_at, places, asked_for)


def every(serving, here):
    """Return the scores of everything that is around."""
    sweep = swept(serving, here)
    families = new_families_of(serving.catalogue, here.state.met)
    return Ranking(sweep, taste_of(serving, sweep, here), families).everything


def pruned(serving, here, most, first):
    """Return a ranking that gathers no more than it must."""
    sweep = swept(serving, here)
    families = new_families_of(serving.catalogue, here.state.met)
    taste = taste_of(serving, sweep, here)
    return Ranking(sweep, taste, families, most=most, first=first)


def bent(told):
    """Return what sums of log-odds mean by the link of `ODD_RANKER`."""
    return [
        -5.0 + (sum_ + 6.0) * 295.0 / 94.0 if sum_ < -6.0
        else -5.0 + (sum_ + 6.0) / 6.0 if sum_ < -3.0
        else -4.5 + (sum_ + 3.0) * 44.5 / 103.0
        for sum_ in told
    ]  # fmt: skip


@given(queries)
@settings(max_examples=60)
def test_candidates_and_their_order_are_those_of_the_reference(serving, connection_to, asked):
    query = feed_query(now=NOW, default_radius_m=5e4, **asked)
    here = read_situation(connection_to, serving, query)
    expected = reference(connection_to, serving, here)
    scores = every(serving, here)
    found = scores.likeliest(EVERYTHING)
    items = serving.catalogue.items.item_id[found.candidates.item].tolist()
    by_item = {item: (best, log_odds) for item, best, log_odds in expected}
    assert sorted(items) == sorted(by_item)
    told = np.array([by_item[item][1] for item in items])
    offers = [by_item[item][0].offer for item in items]
    assert np.all(np.diff(told) <= NEAR)
    assert found.candidates.offer_id.tolist() == offers
    meant = bent(told) if serving.ranker else told
    assert found.probability == pytest.approx(1.0 / (1.0 + np.exp(-np.array(meant))), rel=1e-5)
    assert [found.probability_of(row) for row in (0, -1) if items] == pytest.approx(
        [found.probability[row] for row in (0, -1) if items]
    )
    # Where nothing is a hair's breadth apart the order is the very same, ties by id.
    if np.all((np.diff(told) < -NEAR) | (np.diff(told) == 0.0)):
        assert items == [item for item, _, _ in expected]
    for most in (1, 7, 50):
        likeliest = scores.likeliest(most)
        assert likeliest.candidates.item.tolist() == found.candidates.item.tolist()[:most]


@given(queries, st.sampled_from([1, 7, 50]))
@settings(max_examples=12)
def test_the_likeliest_of_other_kinds_are_those_of_the_reference(
    of_other_kind, connection_to, asked, most
):
    query = feed_query(now=NOW, default_radius_m=5e4, **asked)
    here = read_situation(connection_to, of_other_kind, query)
    expected = reference(connection_to, of_other_kind, here)
    found = pruned(of_other_kind, here, most, 2).likeliest(most)
    items = of_other_kind.catalogue.items.item_id[found.candidates.item].tolist()
    by_item = {item: (best.offer, log_odds) for item, best, log_odds in expected}
    assert found.candidates.offer_id.tolist() == [by_item[item][0] for item in items]
    assert found.log_odds == pytest.approx([by_item[item][1] for item in items], abs=NEAR)
    assert found.log_odds == pytest.approx([told for _, _, told in expected[:most]], abs=NEAR)


@given(queries, st.sampled_from([1, 7, 50, 300]), st.integers(1, 3))
@settings(max_examples=60)
def test_what_is_not_gathered_is_less_likely(serving, connection_to, asked, most, first):
    """A ranking that gathers only what may be among the likeliest says what gathering all does."""
    query = feed_query(now=NOW, default_radius_m=5e4, **asked)
    here = read_situation(connection_to, serving, query)
    everything = every(serving, here).likeliest(EVERYTHING)
    ranking = pruned(serving, here, most, first)
    found = ranking.likeliest(most)
    assert found.candidates.offer_id.tolist() == everything.candidates.offer_id.tolist()[:most]
    assert found.log_odds.tolist() == everything.log_odds.tolist()[:most]
    at_venues = np.count_nonzero(~everything.candidates.is_online)
    assert ranking.has_at_venues(at_venues)
    assert not ranking.has_at_venues(at_venues + 1)


@given(queries, st.sampled_from([1, 7, 50]), st.integers(1, 3))
@settings(max_examples=40)
def test_the_likeliest_of_each_new_family_are_those_of_all(
    serving, connection_to, asked, most, first
):
    query = feed_query(now=NOW, default_radius_m=5e4, **asked)
    here = read_situation(connection_to, serving, query)
    scores, ranking = every(serving, here), pruned(serving, here, most, first)
    everything = scores.likeliest(EVERYTHING)
    families = ranking.families
    of = families.of_item[everything.candidates.item].tolist()
    expected = [
        offer
        for place, offer in enumerate(everything.candidates.offer_id.tolist())
        if families.is_asked[of[place]] and of[:place].count(of[place]) < OF_EACH
    ]
    assert ranking.of_new.candidates.offer_id.tolist() == expected
    found = scores.likeliest_with(most, families, OF_EACH)
    assert found.scored.candidates.offer_id[found.is_of_each].tolist() == expected
    assert (
        found.scored.take(slice(most)).candidates.offer_id.tolist()
        == (everything.candidates.offer_id.tolist()[:most])
    )
    assert (
        ranking.top.candidates.offer_id.tolist() == (everything.candidates.offer_id.tolist()[:most])
    )


def limits_of(serving, everything, query):
    """Return the quotas of a slate, spelled out."""
    items, n = serving.catalogue.items, query.n
    family = items.item_subcategory[everything.item].astype(np.int64)
    category = items.item_category[everything.item].astype(np.int64)
    return [
        Quota(category, np.full(len(category), query.max_per_category)),
        Quota(everything.venue_id, np.where(everything.is_online, max(1, int(n * 0.25)), 3)),
        Quota(family, np.where(family == 0, n, max(1, int(n * 0.5)))),
    ]


@given(queries)
@settings(max_examples=40)
def test_the_slate_is_that_of_all_candidates_in_order(serving, connection_to, asked):
    """The feed orders a few hundred; the reference orders all, under the same quotas."""
    query = feed_query(now=NOW, default_radius_m=5e4, floor=1.0, **asked)
    here = read_situation(connection_to, serving, query)
    scores = every(serving, here)
    everything = scores.likeliest(EVERYTHING).candidates
    chosen = choose(np.arange(len(everything)), limits_of(serving, everything, query), query.n)
    shown = feed(connection_to, serving, query, SECRET).slate.offers
    assert list(shown) == everything.offer_id[chosen].tolist()


@given(
    queries,
    st.sampled_from([0.0, 0.8, 0.95]),
    st.sampled_from([1.0, 30.0]),
    st.sampled_from([None, 100.0]),
)
@settings(max_examples=40)
def test_a_slate_keeps_its_floor_and_widens_no_less_than_the_likeliest(
    serving, connection_to, asked, floor, intensity, price
):
    def shown(floor, price=None):
        dials = {"floor": floor, "intensity": intensity, "points_a_booking": price}
        query = feed_query(now=NOW, default_radius_m=5e4, **dials, **asked)
        return feed(connection_to, serving, query, SECRET)

    likeliest, widest = shown(1.0), shown(floor, price)
    rank = np.arange(1, len(likeliest.slate.offers) + 1)
    kept = np.array(widest.slate.probabilities) @ (1 / np.log2(rank + 1))
    best = np.array(likeliest.slate.probabilities) @ (1 / np.log2(rank + 1))
    assert kept >= floor * best * (1 - 1e-9)
    assert widest.answer.relevance_kept == pytest.approx(kept / best if best else 1.0)
    horizons = [made.answer.horizon for made in (likeliest, widest)]
    assert horizons[1].gain_at_intensity >= horizons[0].gain_at_intensity * (1 - 1e-9)
    assert horizons[1].gain_at_intensity <= horizons[1].bound * (1 + 1e-9)
    # What the kernel has counted is what the offers' own values give.
    assert horizons[1].gain == pytest.approx(sum(widest.slate.gains))


def settled_plan(connection, serving, here):
    """Return the ranking that a plan is chosen from, and what is chosen."""
    query, ranking = here.query, pruned(serving, here, MOST, 1.3)

    def read_back(offers):
        read = read_offers(connection, serving.catalogue.cards, offers, query, here.state.credit)
        return {offer: live for offer, live in read.items() if live.sessions}

    return ranking, settled(ranking, here, read_back).choice


@given(queries, st.sampled_from([0.8, 0.98, 1.0]))
@settings(max_examples=12)
def test_a_plan_keeps_the_floor_of_the_likeliest_of_what_does_not_collide(
    serving, connection_to, asked, floor
):
    query = feed_query(now=NOW, default_radius_m=5e4, plan=True, floor=floor, **asked)
    here = read_situation(connection_to, serving, query)
    ranking, choice = settled_plan(connection_to, serving, here)
    pool, widened, rows = choice.pool, choice.widened, choice.likeliest.chosen
    order = np.arange(len(pool))
    assert rows.tolist() == choose(order, limits_of(serving, pool.candidates, query), query.n)
    best, kept = (
        pool.probability[some] @ (1 / np.log2(np.arange(len(some)) + 2))
        for some in (rows, widened.chosen)
    )
    assert widened.relevance_kept == pytest.approx(kept / best if best else 1.0)
    # Not so where everything else collides, and the plan was cut short.
    if len(widened.chosen) == len(rows):
        assert kept >= floor * best * (1 - 1e-9)
    assert widened.gain <= widened.bound * (1 + 1e-9)
    answer = feed(connection_to, serving, query, SECRET).answer
    assert answer.relevance_kept == pytest.approx(widened.relevance_kept)
    # Nothing that is undated collides.
    gone = np.setdiff1d(ranking.pool.candidates.offer_id, pool.candidates.offer_id)
    undated = reference(connection_to, serving, here)
    assert not set(gone.tolist()) & {best.offer for _, best, _ in undated if best.is_undated}


@given(queries)
@settings(max_examples=40)
def test_a_plan_has_nothing_twice_at_the_same_time_and_is_no_shorter_than_it_must(
    serving, connection_to, asked
):
    query = feed_query(now=NOW, default_radius_m=5e4, plan=True, **asked)
    items = feed(connection_to, serving, query, SECRET).answer.items
    dated = [item for item in items if item.sessions[0].starts_at is not None]
    spans = sorted(
        (one.starts_at, one.ends_at or one.starts_at + ASSUMED_DURATION)
        for item in dated
        for one in item.sessions
    )
    assert len(spans) == len(dated)
    assert all(ends <= begins for (_, ends), (begins, _) in pairwise(spans))
    here = read_situation(connection_to, serving, query)
    undated = sum(best.is_undated for _, best, _ in reference(connection_to, serving, here))
    assert len(items) >= min(query.n, undated)


@given(queries, st.integers(2, 12), st.sets(st.integers(0, 30)))
@settings(max_examples=40)
def test_a_short_list_chooses_as_all_in_order_do(serving, connection_to, asked, most, lost):
    """However few are put in order first, and whatever is gone when it is read back."""
    query = feed_query(now=NOW, default_radius_m=5e4, **asked)
    here = read_situation(connection_to, serving, query)
    scores = every(serving, here)
    everything = scores.likeliest(EVERYTHING).candidates
    gone = {int(everything.offer_id[place]) for place in lost if place < len(everything)}
    left = np.array(
        [row for row, offer in enumerate(everything.offer_id.tolist()) if offer not in gone],
        dtype=np.int64,
    )
    expected = choose(left, limits_of(serving, everything, query), query.n)
    short = Shortlist(pruned(serving, here, most, 2), query.n, query.max_per_category)
    rows = short.choose(query.n, gone)
    found = short.scored.candidates.offer_id[rows].tolist()
    assert found == everything.offer_id[expected].tolist()


def parts_of(whole, name="serving"):
    """Yield all dataclasses that something consists of, named."""
    yield name, whole
    for one in fields(whole):
        part = getattr(whole, one.name)
        if is_dataclass(part):
            yield from parts_of(part, f"{name}.{one.name}")


def request_all(connection, serving):
    """Feed and search, as a first request does."""
    lon, lat = CENTRE
    query = feed_query(now=NOW, default_radius_m=5e4, user_id="u1", lon=lon, lat=lat)
    assert feed(connection, serving, query, SECRET).answer.items
    wanted = search_query(now=NOW, zone=UTC, default_radius_m=5e4, lon=lon, lat=lat)
    assert searching(connection, serving.catalogue, wanted).items


def test_a_first_request_works_nothing_out_that_is_the_same_for_all(serving, connection_to):
    check_first_request(serving, connection_to)


def test_nor_with_the_other_kinds(of_other_kind, connection_to):
    check_first_request(of_other_kind, connection_to)


def check_first_request(serving, connection):
    """Check that it leaves every part as it found it, and that nothing is compiled in it."""
    model = serving.model
    if model is not None:
        scorer = type(model.scorer).from_arrays(model.scorer.arrays(), model.parameters)
        model = replace(model, scorer=scorer)
    fresh = generation(build_catalogue(connection, NOW), model).worked_out()
    known = {name: sorted(vars(part)) for name, part in parts_of(fresh)}
    assert "numbered_kinds" in known["serving.catalogue.items"]
    with install_recorder("numba:compile") as compiled:
        request_all(connection, fresh)
    assert {name: sorted(vars(part)) for name, part in parts_of(fresh)} == known
    assert not compiled.buffer


def test_what_is_compiled_in_a_request_would_be_seen():
    with install_recorder("numba:compile") as compiled:
        assert numba.njit(lambda: 7)() == 7
    assert compiled.buffer
