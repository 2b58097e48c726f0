"""A small complete world as frames, for the tests of reading, importing and exporting."""

import pyarrow as pa
import pytest

from reco.frames.tables import frame_table

_SLATE = "0f8fad5b-d9cb-469f-a165-70867728950e"


def times(*texts):
    return pa.array(texts, pa.string()).cast(pa.timestamp("us", "UTC"))


@pytest.fixture
def frames():
    """Two items with two offers, one dated stock and one undated, two people, what they did."""
    return {
        "taxonomy": frame_table(
            "taxonomy",
            {
                "category": ["FILM", "BOOK"],
                "subcategory": ["FILM_SHOWING", "PAPER_BOOK"],
                "is_event": [True, False],
                "is_digital": [False, False],
                "is_physical": [False, True],
            },
        ),
        "items": frame_table(
            "items",
            {
                "item_id": ["film", "book"],
                "category": ["FILM", "BOOK"],
                "subcategory": ["FILM_SHOWING", "PAPER_BOOK"],
                "title": ['Les "Quatre Cents" Coups, 1959', "L'Été\nsecond vers"],
                "genre": ["drama|new wave", None],
            },
        ),
        "venues": frame_table(
            "venues",
            {
                "venue_id": ["cinema", "shop"],
                "lon": [3.0573, -0.1],
                "lat": [50.6292, 43.123456789012],
                "name": ["Le Métropole", None],
            },
        ),
        "offers": frame_table(
            "offers",
            {
                "offer_id": ["film@cinema", "book@shop", "book@web"],
                "item_id": ["film", "book", "book"],
                "venue_id": ["cinema", "shop", None],
                "is_duo": [True, False, False],
                "published_at": times("2026-01-01T08:00:00.000001Z", "1999-12-31T23:59:59Z", None),
            },
        ),
        "stocks": frame_table(
            "stocks",
            {
                "stock_id": ["friday", "copies", "file"],
                "offer_id": ["film@cinema", "book@shop", "book@web"],
                "price_eur": [7.35, 0.0, 19.99],
                "starts_at": times("2026-03-06T20:30:00+01:00", None, None),
                "quantity": [120, 3, None],
            },
        ),
        "users": frame_table(
            "users",
            {
                "user_id": ["zoé", "max"],
                "birth_date": pa.array(["2008-02-29", None]).cast(pa.date32()),
                "lon": [3.06, None],
                "lat": [50.63, None],
                "credit_eur": [500.0, None],
                "credit_granted_at": times("2026-02-28T00:00:00Z", None),
                "credit_expires_at": times("2028-02-28T00:00:00Z", None),
            },
        ),
        "bookings": frame_table(
            "bookings",
            {
                "user_id": ["zoé", "zoé"],
                "stock_id": ["friday", "copies"],
                "quantity": [2, 1],
                "amount_eur": [14.7, 0.0],
                "booked_at": times("2026-03-02T10:00:00.25Z", "2026-03-03T10:00:00Z"),
                "cancelled_at": times(None, "2026-03-04T10:00:00Z"),
                "used_at": times("2026-03-05T10:00:00Z", None),
            },
        ),
        "interactions": frame_table(
            "interactions",
            {
                "user_id": ["zoé", "zoé", "max"],
                "offer_id": ["film@cinema", "book@web", "book@shop"],
                "kind": ["view", "dismiss", "favourite"],
                "at": times("2026-03-01T10:00:00Z", "2021-03-01T10:00:00Z", None),
                "value": [None, 0.5, 4.0],
                "slate_id": [_SLATE, None, None],
                "split": [None, None, "train"],
            },
        ),
    }
