"""The export: complete by the tables' own word, and of one person alone."""

import json
from contextlib import suppress
from datetime import datetime

import orjson
import pytest
from traces import LOU, SLATE, id_of
from worlds import GRENOBLE, NOW

from reco.db.tables import metadata
from reco.errors import NotFound
from reco.people.export import export_person

UNWRITTEN = {
    "id": "internal, where it is not written as booking_id, deposit_id or slate_id",
    "user_id": "the document is of one user",
    "stock_id": "written as the stock's id on the wire",
    "offer_id": "written as the offer's id on the wire",
    "offers": "written as ids on the wire",
    "home": "written as lat and lon",
    "location": "written as lat and lon",
    "erased_at": "who is erased is not exported",
}
"""Columns that are not written as they are, and why."""


def leaves(value):
    """Yield every value within a document; what is a number or a time as such, however written."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from leaves(part)
    elif value is not None:
        yield meant(str(value))


def meant(text):
    for kind in (float, datetime.fromisoformat):
        with suppress(ValueError):
            return kind(text)
    return text


def exported(world, user=LOU):
    return json.loads(orjson.dumps(export_person(world, user, NOW), option=orjson.OPT_UTC_Z))


def tables_of_people():
    """Return every table that says whom a row is about."""
    return [
        table
        for table in metadata.sorted_tables
        if table.name == "beneficiary" or "user_id" in table.columns
    ]


@pytest.mark.parametrize("table", tables_of_people(), ids=str)
def test_every_column_that_tells_of_a_person_is_exported(inhabited, connection, table):
    """A new table or column fails here until Lou has a value in it, and the export has it too."""
    key = "id" if table.name == "beneficiary" else "user_id"
    connection.execute("set timezone = 'UTC'")
    rows = connection.execute(
        f"select to_jsonb(t) from {table} t where {key} = %s", (id_of(connection, LOU),)
    ).fetchall()
    written = set(leaves(exported(inhabited)))
    for column in table.columns.keys() - UNWRITTEN.keys():
        values = {leaf for (row,) in rows for leaf in leaves(row[column])}
        assert values, f"Lou has no {table}.{column}: give one in tests/traces.py"
        assert values <= written, f"{table}.{column} is not in the export"


def test_places_bookings_and_slates_are_told_in_ids_of_the_wire(inhabited):
    document = exported(inhabited)
    assert document["user_id"] == document["profile"]["user_id"] == LOU
    assert (document["profile"]["lon"], document["profile"]["lat"]) == GRENOBLE
    bookings = {booking["stock_id"]: booking for booking in document["bookings"]}
    assert {stock: booking["state"] for stock, booking in bookings.items()} == {
        "novel-shop": "booked",
        "manga-shop": "booked",
        "film-tonight": "booked",
        "classic-past": "used",
        "play-friday": "cancelled",
    }
    assert bookings["manga-shop"]["slate_id"] == str(SLATE)
    assert bookings["manga-shop"]["venue"] == {
        "venue_id": "bookshop",
        "name": "Bookshop",
        "timezone": None,
    }
    assert {i["offer_id"] for i in document["interactions"]} == {"film-tonight", "opera-dear"}
    (slate,) = document["slates"]
    assert slate["query"] == {"n": 4321}, "of pages before nothing was kept"
    assert (slate["lat"], slate["lon"]) == (45.181, 5.721)
    assert [shown["offer_id"] for shown in slate["offers"]] == ["novel-shop", "manga-shop"]
    assert slate["offers"][0]["probability"] == 0.53125
    spent_cents = -sum(line["amount_cents"] for line in document["ledger"] if line["booking_id"])
    live = [b for b in document["bookings"] if b["state"] in {"booked", "used"}]
    assert spent_cents == sum(booking["amount_cents"] for booking in live)
    assert document["models"] == document["models_not_read"] == []


def test_nobody_else_is_in_it(inhabited, connection):
    others = {"broke", "late", "free", "nowhere", "villager"}
    assert not others & set(leaves(exported(inhabited)))
    nothing = exported(inhabited, "nowhere")
    assert nothing["profile"]["user_id"] == "nowhere"
    assert nothing["profile"]["lat"] is None
    parts = ("bookings", "deposits", "ledger", "requests", "tastes", "slates", "models")
    assert [nothing[part] for part in parts] == [[]] * len(parts)


def test_there_is_nothing_of_an_unknown_user(inhabited):
    with pytest.raises(NotFound, match="no user 'nobody'"):
        export_person(inhabited, "nobody", NOW)
