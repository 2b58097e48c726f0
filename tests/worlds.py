"""A small world by hand: few enough rows to know every answer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""The present of the small world, a Monday noon."""

GRENOBLE = (5.7245, 45.1885)
"""(lon, lat) of the homes; the town's venues lie within 3 km of it."""

FAR = (6.8, 47.2)
"""A village 230 km away, with one venue."""


@dataclass(frozen=True)
class Offer:
    """One offer with one stock."""

    offer: str
    item: str
    venue: str | None
    price_eur: float = 0.0
    in_days: float | None = None
    quantity: int | None = None
    published_days_ago: float = 30.0


VENUES = {
    "bookshop": (GRENOBLE[0] + 0.001, GRENOBLE[1], "bookshop"),
    "cinema": (GRENOBLE[0] + 0.01, GRENOBLE[1], "cinema"),
    "theatre": (GRENOBLE[0], GRENOBLE[1] + 0.02, "theatre"),
    "village": (*FAR, "theatre"),
}
ITEMS = {
    "novel": ("LIVRE", "LIVRE_PAPIER"),
    "manga": ("LIVRE", "LIVRE_PAPIER"),
    "ebook": ("LIVRE", "LIVRE_NUMERIQUE"),
    "film": ("CINEMA", "SEANCE_CINE"),
    "classic": ("CINEMA", "SEANCE_CINE"),
    "play": ("SPECTACLE", "SPECTACLE_REPRESENTATION"),
    "opera": ("SPECTACLE", "SPECTACLE_REPRESENTATION"),
    "circus": ("SPECTACLE", "SPECTACLE_REPRESENTATION"),
    "fair": ("SPECTACLE", "SPECTACLE_REPRESENTATION"),
}
TAXONOMY = {
    "LIVRE_PAPIER": ("LIVRE", False, False, True),
    "LIVRE_NUMERIQUE": ("LIVRE", False, True, False),
    "SEANCE_CINE": ("CINEMA", True, False, False),
    "SPECTACLE_REPRESENTATION": ("SPECTACLE", True, False, False),
}
OFFERS = (
    Offer("novel-shop", "novel", "bookshop", 15.0),
    Offer("manga-shop", "manga", "bookshop", 8.0),
    Offer("ebook-online", "ebook", None, 5.0),
    Offer("film-tonight", "film", "cinema", 7.0, in_days=0.3, quantity=2),
    Offer("film-village", "film", "village", 5.0, in_days=2.0),
    Offer("classic-past", "classic", "cinema", 7.0, in_days=-1.0),
    Offer("classic-soon", "classic", "cinema", 7.0, in_days=5.0),
    Offer("play-friday", "play", "theatre", 12.0, in_days=4.3),
    Offer("opera-dear", "opera", "theatre", 320.0, in_days=10.0),
    Offer("circus-secret", "circus", "theatre", 10.0, in_days=20.0, published_days_ago=-2.0),
    Offer("fair-village", "fair", "village", 0.0, in_days=6.0),
)


def small_world(connection):
    """Fill an empty, migrated database.

    Users: `reader` (booked the novel; 300 EUR, 5 left for digital), `broke` (no credit left),
    `late` (credit over), `free` (no deposit), `nowhere` (no home), `villager` (lives far away).
    """
    for subcategory, (category, *flags) in TAXONOMY.items():
        connection.execute(
            "insert into core.category (name) values (%s) on conflict do nothing", (category,)
        )
        connection.execute(
            "insert into core.subcategory (category_id, name, is_event, is_digital, is_physical)"
            " select id, %s, %s, %s, %s from core.category where name = %s",
            (subcategory, *flags, category),
        )
    for name, (lon, lat, kind) in VENUES.items():
        connection.execute(
            "insert into core.venue (external_id, name, venue_type, location)"
            " values (%s, %s, %s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
            (name, name.title(), kind, lon, lat),
        )
    for name, (category, subcategory) in ITEMS.items():
        connection.execute(
            "insert into core.item (external_id, title, category_id, subcategory_id, genres)"
            " select %s, %s, c.id, s.id, array['genre of ' || %s]"
            " from core.category c, core.subcategory s where c.name = %s and s.name = %s",
            (name, name.title(), name, category, subcategory),
        )
    for offer in OFFERS:
        _insert(connection, offer)
    _people(connection)


def book(connection, user, stock, at=NOW, price_eur=0.0, quantity=1, cancelled_at=None):
    """Insert a booking."""
    connection.execute(
        "insert into core.booking"
        " (user_id, stock_id, quantity, amount_cents, booked_at, cancelled_at)"
        " select u.id, s.id, %s, %s, %s, %s from core.beneficiary u, core.stock s"
        " where u.external_id = %s and s.external_id = %s",
        (quantity, round(price_eur * 100), at, cancelled_at, user, stock),
    )


def take_changes(connection, *, whether):
    """Let sessions that begin from now on write to the database, or only read."""
    connection.execute(
        f"alter database {connection.info.dbname}"
        f" set default_transaction_read_only = {'off' if whether else 'on'}"
    )


def _insert(connection, offer):
    connection.execute(
        "insert into core.offer (external_id, item_id, venue_id, published_at)"
        " select %s, i.id, (select id from core.venue where external_id = %s), %s"
        " from core.item i where i.external_id = %s",
        (
            offer.offer,
            offer.venue,
            NOW - timedelta(days=offer.published_days_ago),
            offer.item,
        ),
    )
    starts = None if offer.in_days is None else NOW + timedelta(days=offer.in_days)
    connection.execute(
        "insert into core.stock (external_id, offer_id, price_cents, starts_at, quantity)"
        " select %s, id, %s, %s, %s from core.offer where external_id = %s",
        (offer.offer, round(offer.price_eur * 100), starts, offer.quantity, offer.offer),
    )


def _people(connection):
    homes = dict.fromkeys(("reader", "broke", "late", "free"), GRENOBLE)
    for name, home in (homes | {"nowhere": (None, None), "villager": FAR}).items():
        connection.execute(
            "insert into core.beneficiary (external_id, home)"
            " values (%s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
            (name, *home),
        )
    for name, euros, days in (
        ("reader", 300, 300),
        ("broke", 0, 300),
        ("late", 300, -1),
        ("villager", 300, 300),
    ):
        connection.execute(
            "insert into core.deposit (user_id, amount_cents, granted_at, expires_at,"
            " digital_cap_cents, physical_cap_cents)"
            " select id, %s, %s, %s, 500, 20000 from core.beneficiary where external_id = %s",
            (euros * 100, NOW - timedelta(days=100), NOW + timedelta(days=days), name),
        )
    book(connection, "reader", "novel-shop", NOW - timedelta(days=10), 15.0)
