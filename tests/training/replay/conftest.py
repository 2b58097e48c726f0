"""A small world with a past: people who booked, prices that changed, places that were taken."""

from datetime import timedelta

import psycopg
import pytest
from champions import train_champion
from worlds import NOW, book, small_world

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
        connection.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, 'dismiss', %s from core.beneficiary u, core.offer o"
            " where u.external_id = 'free' and o.external_id = 'classic-soon'",
            (NOW - timedelta(days=1),),
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
