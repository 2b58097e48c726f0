"""A small world with a past: people who booked, prices that changed, places that were taken."""

from datetime import timedelta

import psycopg
import pytest
from champions import train_champion
from worlds import FAR, GRENOBLE, NOW, TAXONOMY, book, small_world

VENUES = {"valley": (GRENOBLE[0], GRENOBLE[1] + 0.15), "beyond": (FAR[0] + 0.4, FAR[1])}
USERS = ("reader", "broke", "late", "free", "nowhere", "villager")


@pytest.fixture
def lived(world):
    """A small world in which things have happened, and one person has said what they like."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        # A month that is made while somebody reads hides its rows for that moment.
        connection.execute("select core.ensure_months(%s, %s)", (NOW.date(), NOW.date()))
        small_world(connection)
        for day, (user, stock) in enumerate(
            (u, s)
            for u in ("free", "late", "broke", "villager")
            for s in ("manga-shop", "novel-shop", "film-tonight", "classic-past")
        ):
            book(connection, user, stock, NOW - timedelta(days=2 + day), 3.0)
        book(connection, "reader", "ebook-online", NOW - timedelta(days=9), 2.5,
             cancelled_at=NOW - timedelta(days=1))  # fmt: skip
        connection.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, k.kind, %s from core.beneficiary u, core.offer o,"
            " (values ('view'), ('click'), ('favourite')) k (kind)"
            " where u.external_id = 'reader' and o.external_id = 'play-friday'",
            (NOW - timedelta(days=3),),
        )
        unwanted = (("classic-soon", "dismiss", 1), ("opera-dear", "dismiss", 4))
        for offer, kind, days in (*unwanted, ("opera-dear", "restore", 3)):
            connection.execute(
                "insert into core.interaction (user_id, offer_id, kind, at)"
                " select u.id, o.id, %s, %s from core.beneficiary u, core.offer o"
                " where u.external_id = 'free' and o.external_id = %s",
                (kind, NOW - timedelta(days=days), offer),
            )
        connection.execute(
            "insert into core.taste (user_id, kind, value, at)"
            " select id, kind, value, %s from core.beneficiary,"
            " (values ('category', 'CINEMA'), ('item', 'opera')) t (kind, value)"
            " where external_id = 'nowhere'",
            (NOW - timedelta(days=4),),
        )
    return world


@pytest.fixture
def model(lived):
    """An item-kNN that knows all of it."""
    return train_champion(lived, "itemknn", now=NOW)


def season(connection):
    """Fill one evening: five offers of each kind, of two sessions, some of unknown length."""
    for name, (lon, lat) in VENUES.items():
        connection.execute(
            "insert into core.venue (external_id, name, venue_type, location)"
            " values (%s, %s, 'theatre', st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
            (name, name, lon, lat),
        )
    venues = ("theatre", "cinema", "bookshop", "valley", "beyond")
    for kind, (subcategory, (_, is_event, is_digital, _)) in enumerate(TAXONOMY.items()):
        for number, venue in enumerate(venues):
            name = f"{subcategory.lower()}-{number}"
            connection.execute(
                "insert into core.item (external_id, title, category_id, subcategory_id, genres)"
                " select %s, %s, s.category_id, s.id, array[%s] from core.subcategory s"
                " where s.name = %s",
                (name, name, f"genre {number % 3}", subcategory),
            )
            connection.execute(
                "insert into core.offer (external_id, item_id, venue_id, published_at)"
                " select %s, i.id, case when not %s then v.id end, %s"
                " from core.item i, core.venue v where i.external_id = %s and v.external_id = %s",
                (name, is_digital, NOW - timedelta(days=9), name, venue),
            )
            for session in range(2 if is_event else 1):
                starts = NOW + timedelta(days=1, hours=6 + (number + kind) % 3 + session)
                long = timedelta(hours=1 + number)
                connection.execute(
                    "insert into core.stock (external_id, offer_id, price_cents, starts_at,"
                    " ends_at) select %s, id, %s, %s, %s from core.offer where external_id = %s",
                    (
                        f"{name}-{9 - session}",
                        100 * (number + kind + session),
                        starts if is_event else None,
                        starts + long if is_event and number % 2 else None,
                        name,
                    ),
                )


@pytest.fixture
def eventful(lived):
    """The small world with a season in which evenings collide and the countryside is far."""
    with psycopg.connect(lived.conninfo, autocommit=True) as connection:
        season(connection)
    return lived


@pytest.fixture
def far_clocks(lived):
    """Two venues are far away by their clocks, one of them by none that anybody knows."""
    with psycopg.connect(lived.conninfo, autocommit=True) as connection:
        connection.execute(
            "update core.venue v set timezone = far.zone"
            " from (values ('theatre', 'Indian/Reunion'), ('village', 'no zone')) far (venue, zone)"
            " where v.external_id = far.venue"
        )
