"""A random country to search, and who searches it."""

from contextlib import nullcontext
from datetime import timedelta

import numpy as np
from worlds import NOW, TAXONOMY

from reco.search.pipeline import Searcher, Sources

CENTRE = (5.7, 45.2)
SECRET = "a secret of at least thirty-two bytes"
VENUES, ITEMS, OFFERS, STOCKS = 30, 40, 160, 320
WORDS = ("silence", "théâtre", "forêt", "étoiles", "nuit", "jazz", "comédia", "cirque")
HOURS = (None, "24/7", "Mo-Fr 09:00-18:00", "Mo off", "Sa,Su 10:00-12:00", "in summer")

_TABLES = {
    "venue": "insert into core.venue (external_id, name, venue_type, location, opening)"
    " values (%s, %s, 'any', st_setsrid(st_makepoint(%s, %s), 4326)::geography, %s)",
    "item": "insert into core.item (external_id, title, category_id, subcategory_id)"
    " select %s, %s, category_id, id from core.subcategory where name = %s",
    "bare item": "insert into core.item (external_id, title, category_id)"
    " select %s, %s, id from core.category where name = %s",
    "offer": "insert into core.offer (external_id, item_id, venue_id, is_duo, published_at,"
    " withdrawn_at) select %s, i.id, v.id, %s, %s, %s from core.item i"
    " left join core.venue v on v.external_id = %s where i.external_id = %s",
    "stock": "insert into core.stock (external_id, offer_id, price_cents, quantity, starts_at,"
    " booking_limit_at, created_at, cancelled_at)"
    " select %s, id, %s, %s, %s, %s, %s, %s from core.offer where external_id = %s",
    "booking": "insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at,"
    " cancelled_at) select u.id, s.id, 1, 0, %s, %s from core.beneficiary u, core.stock s"
    " where u.external_id = %s and s.external_id = %s on conflict do nothing",
}


def sources_of(connection):
    """Return where a search reads from: one connection."""
    return Sources(lambda read: read(connection), lambda: nullcontext(connection))


def searching(connection, catalogue, query, cursor=None):
    """Return the page of a new searcher."""
    return Searcher(SECRET).search(sources_of(connection), catalogue, query, cursor)


def random_country(connection, seed):
    """Fill an empty, migrated database: 30 venues, 40 items, 160 offers, 320 stocks, bookings."""
    chance = np.random.default_rng(seed)
    for subcategory, (category, *flags) in TAXONOMY.items():
        connection.execute(
            "insert into core.category (name) values (%s) on conflict do nothing", (category,)
        )
        connection.execute(
            "insert into core.subcategory (category_id, name, is_event, is_digital, is_physical)"
            " select id, %s, %s, %s, %s from core.category where name = %s",
            (subcategory, *flags, category),
        )
    connection.execute("insert into core.beneficiary (external_id) values ('somebody')")
    insert_rows(connection, rows_of(chance))


def insert_rows(connection, rows_by_table):
    """Insert rows as `rows_of` makes them."""
    with connection.cursor() as cursor:
        for table, rows in rows_by_table.items():
            cursor.executemany(_TABLES[table], rows)


def rows_of(chance, venues=range(VENUES), items=range(ITEMS), offers=range(OFFERS)):
    """Return rows by table, in the order in which they must go in."""

    def sometimes(share, days):
        return NOW + timedelta(days=float(days)) if chance.random() < share else None

    def words():
        return " ".join(chance.choice(WORDS, 2)).title()

    def named(n):
        return f"{words()} Comédie" if n % 3 == 0 else words()

    every_venue, every_item = max(venues) + 1, max(items) + 1
    made = {
        "venue": [(f"v{n}", named(n), *_place(chance), chance.choice(HOURS)) for n in venues],
        "item": [(f"i{n}", words(), chance.choice(list(TAXONOMY))) for n in items if n % 8],
        "bare item": [(f"i{n}", words(), "LIVRE") for n in items if n % 8 == 0],
        "offer": [
            (
                f"o{n}",
                bool(chance.random() < 0.3),
                sometimes(0.9, -30 + 32 * chance.random()),
                sometimes(0.1, chance.normal() * 5),
                None if chance.random() < 0.15 else f"v{chance.integers(every_venue)}",
                f"i{int(every_item * chance.random() ** 2)}",
            )
            for n in offers
        ],
    }
    stocks = STOCKS if len(offers) == OFFERS else 2 * len(offers)
    first = 2 * min(offers)
    made["stock"] = [
        (
            f"s{first + n}",
            int(chance.choice([0, 500, 501, 1_000, 1_500, 8_000, 31_000])),
            [None, 0, 1, 5][chance.choice(4, p=[0.7, 0.05, 0.15, 0.1])],
            # Few days, so that many keys tie.
            sometimes(0.6, chance.choice([4, 8, 45, round(16 * chance.normal() + 16) / 2])),
            sometimes(0.1, chance.normal() * 5),
            sometimes(0.2, chance.normal() * 5 - 5),
            sometimes(0.05, chance.normal() * 5),
            f"o{chance.choice(offers)}",
        )
        for n in range(stocks)
    ]
    made["booking"] = [
        (
            NOW - timedelta(days=float(60 * chance.random())),
            NOW if chance.random() < 0.1 else None,
            "somebody",
            f"s{first + chance.integers(stocks)}",
        )
        for _ in range(stocks // 2)
    ]
    return made


def _place(chance):
    # Many near the centre, a few far off, some at one place.
    away = round(1.6 * chance.random() ** 3, 2)
    angle = round(chance.random() * 2 * np.pi, 1)
    return CENTRE[0] + away * np.cos(angle), CENTRE[1] + 0.7 * away * np.sin(angle)
