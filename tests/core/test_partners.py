"""Partners, and the venues that are given to them."""

import psycopg
import pytest
from worlds import small_world

from reco.catalogue import changes
from reco.core import partners
from reco.core.backoffice import removing
from reco.core.partners import (
    Bound,
    bind_venues,
    create_partner,
    find_partner,
    list_partners,
    read_partner,
)
from reco.errors import Forbidden, InvalidInput, NotFound


@pytest.fixture
def partnered(connection):
    small_world(connection)
    create_partner(connection, "lune", " Théâtre de la Lune ")
    create_partner(connection, "soleil", "Soleil")
    return connection


def owned(connection, table):
    rows = connection.execute(
        f"select t.external_id, p.external_id, t.partner_ref from core.{table} t"
        " join core.partner p on p.id = t.partner_id order by 1"
    )
    return rows.fetchall()


def test_partners_are_found_by_both_ids(partnered):
    lune = find_partner(partnered, "lune")
    assert (lune.name, lune.actor) == ("Théâtre de la Lune", "partner:lune")
    assert read_partner(partnered, lune.id) == lune
    with pytest.raises(NotFound):
        find_partner(partnered, "nobody")
    with pytest.raises(NotFound):
        read_partner(partnered, -1)


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        (partners._LOCK_OFFERS, ([7],)),
        (removing._OFFERS, {"partner": 1, "venue": 7, "offer": None}),
        (
            changes._OFFERS.format(entries=changes._ENTRIES),
            {"before_xid": 2**40, "in_progress": [], "limit": 9},
        ),
    ],
    ids=["binding it", "withdrawing it", "its clock"],
)
def test_the_offers_of_a_venue_are_found_among_many(partnered, statement, asked):
    partnered.execute(
        "insert into core.venue (external_id, location, partner_id)"
        " select 'hall ' || n, 'point(5 45)', 1 from generate_series(1, 100) n"
    )
    partnered.execute(
        "insert into core.offer (external_id, item_id, venue_id, partner_id)"
        " select 'seat ' || n || ' of ' || v.id, 1, v.id, 1"
        " from core.venue v, generate_series(1, 100) n where v.external_id like 'hall %'"
    )
    partnered.execute("analyze core.offer, core.venue")
    # As bound on this side: the planner sees them.
    plan = psycopg.ClientCursor(partnered).execute("explain " + statement, asked).fetchall()
    assert any("offer_venue_id_idx" in line for (line,) in plan)
    assert not any("Seq Scan on offer" in line for (line,) in plan)


@pytest.mark.parametrize("bad", ["", "Lune", "a:b", "-x", "a" * 41, "é", "lune"])
def test_an_id_is_short_plain_and_free(partnered, bad):
    with pytest.raises(InvalidInput, match="partner"):
        create_partner(partnered, bad, "Somebody")


@pytest.mark.parametrize("bad", ["", "  ", "a" * 201, "a\0b"])
def test_a_name_is_needed(partnered, bad):
    with pytest.raises(InvalidInput, match="name"):
        create_partner(partnered, "mars", bad)


def test_a_venue_comes_with_its_offers_and_stocks(partnered):
    assert bind_venues(partnered, "lune", ["cinema", "village"]) == Bound(2, 5, 5)
    assert owned(partnered, "venue") == [
        ("cinema", "lune", "cinema"),
        ("village", "lune", "village"),
    ]
    offers = ["classic-past", "classic-soon", "fair-village", "film-tonight", "film-village"]
    assert [row[0] for row in owned(partnered, "offer")] == offers
    assert owned(partnered, "stock") == [(name, "lune", name) for name in offers]
    assert bind_venues(partnered, "lune", ["cinema", "village"]) == Bound(0, 0, 0)
    assert [(p.partner_id, p.venues, p.offers) for p in list_partners(partnered)] == [
        ("lune", 2, 5),
        ("soleil", 0, 0),
    ]


def test_what_is_anothers_is_refused_and_nothing_is_given(partnered):
    bind_venues(partnered, "lune", ["cinema"])
    with pytest.raises(Forbidden, match="cinema"):
        bind_venues(partnered, "soleil", ["theatre", "cinema"])
    with pytest.raises(NotFound, match="nowhere"):
        bind_venues(partnered, "soleil", ["theatre", "nowhere"])
    with pytest.raises(NotFound, match="mars"):
        bind_venues(partnered, "mars", ["theatre"])
    partnered.execute(
        "update core.offer set partner_id = (select id from core.partner where external_id ="
        " 'lune'), partner_ref = 'p' where external_id = 'play-friday'"
    )
    with pytest.raises(Forbidden, match="play-friday"):
        bind_venues(partnered, "soleil", ["theatre"])
    assert {owner for _, owner, _ in owned(partnered, "venue")} == {"lune"}


def test_an_own_id_that_is_in_use_is_refused(partnered):
    bind_venues(partnered, "lune", ["cinema"])
    partnered.execute("update core.venue set partner_ref = 'theatre' where partner_ref = 'cinema'")
    with pytest.raises(InvalidInput, match="theatre"):
        bind_venues(partnered, "lune", ["theatre"])
