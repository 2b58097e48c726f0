"""GET /v1/search and /v1/map: every filter, every refusal, both forms, and nothing that is gone."""

from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from worlds import FAR, GRENOBLE, NOW, OFFERS, book

from reco.api.examples import MAP, MAP_FEATURES, SEARCH, SEARCH_FEATURES
from reco.api.geojson import prefers_geojson
from reco.api.keys import create_key
from reco.core.partners import create_partner
from reco.search.answer import Facets, MapAnswer, SearchAnswer, SearchItem
from reco.search.layout import SORTS

TOWN = {"lat": GRENOBLE[1], "lon": GRENOBLE[0]}
IN_TOWN = ["novel-shop", "manga-shop", "film-tonight", "classic-soon", "play-friday", "opera-dear"]
FRANCE = "-5.2,41.3,9.6,51.1"
GEOJSON = {"Accept": "application/geo+json"}
HOURS = {"bookshop": "Mo-Fr 09:00-12:00,14:00-18:00", "cinema": "Mo 13:00-23:00", "theatre": "?"}


@pytest.fixture(scope="module", autouse=True)
def detailed(client, database):
    """The small world with hours, and two films for two."""
    for venue, opening in HOURS.items():
        database.execute(
            "update core.venue set opening = %s where external_id = %s", (opening, venue)
        )
    database.execute("update core.offer set is_duo = external_id like 'film%'")
    client.app.state.worker.refresh()


@pytest.fixture
def at(client, clock):
    """Let a test be at another time."""
    yield lambda moment: setattr(clock, "now", moment)
    clock.now = NOW


def problem_of(response, status=422):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    return response.json()


def ask(client, key, path="/v1/search", **params):
    response = client.get(path, params=params, headers=key)
    assert response.status_code == 200, response.text
    return response.json()


def offers(client, key, **params):
    return [item["offer_id"] for item in ask(client, key, **params)["items"]]


def found(client, key, **params):
    return set(offers(client, key, **params))


def test_the_body_is_the_one_that_is_documented(client, key):
    body = ask(client, key, **TOWN)
    assert list(body) == [field.name for field in fields(SearchAnswer)] == list(SEARCH)
    assert list(body["items"][0]) == [field.name for field in fields(SearchItem)]
    assert list(body["facets"]) == [field.name for field in fields(Facets)]
    for example in (body, SEARCH):
        TypeAdapter(SearchAnswer).validate_python(example)
    mapped = ask(client, key, "/v1/map", bbox=FRANCE, zoom=6)
    assert list(mapped) == [field.name for field in fields(MapAnswer)] == list(MAP)
    for example in (mapped, MAP):
        TypeAdapter(MapAnswer).validate_python(example)


def test_around_a_place_the_nearest_come_first_and_what_is_online_last(client, key):
    body = ask(client, key, **TOWN)
    assert [item["offer_id"] for item in body["items"]] == [*IN_TOWN, "ebook-online"]
    distances = [item["distance_m"] for item in body["items"]]
    assert distances[:-1] == sorted(distances[:-1])
    assert distances[-1] is None
    assert (body["radius_m"], body["bbox"], body["sort"]) == (
        50_000.0,
        None,
        ["distance", "date", "offer_id"],
    )
    assert body["location"] == {"lat": round(GRENOBLE[1], 3), "lon": round(GRENOBLE[0], 3)}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {*IN_TOWN, "ebook-online"}),
        ({"radius_km": 0.5}, {"novel-shop", "manga-shop", "ebook-online"}),
        ({"radius_km": 1.5, "digital": False}, set(IN_TOWN) - {"play-friday", "opera-dear"}),
        ({"category": "LIVRE"}, {"novel-shop", "manga-shop", "ebook-online"}),
        (
            {"category": ["CINEMA", "SPECTACLE"]},
            {"film-tonight", "classic-soon", "play-friday", "opera-dear"},
        ),
        ({"subcategory": "LIVRE_NUMERIQUE"}, {"ebook-online"}),
        ({"category": "CINEMA", "subcategory": "LIVRE_PAPIER"}, set()),
        ({"from": "2026-11-28"}, {"classic-soon", "opera-dear"}),
        ({"to": "2026-11-27"}, {"film-tonight", "play-friday"}),
        ({"from": "2026-11-27", "to": "2026-11-27"}, {"play-friday"}),
        ({"from": "2026-11-27T20:12", "to": "2026-11-27T20:13"}, {"play-friday"}),
        ({"from": "2026-11-27T20:13", "to": "2026-11-27T20:14"}, set()),
        (
            {"from": "2026-12-01", "undated": True},
            {"opera-dear", "novel-shop", "manga-shop", "ebook-online"},
        ),
        ({"min_price_eur": 12, "max_price_eur": 15}, {"novel-shop", "play-friday"}),
        ({"max_price_eur": 5}, {"ebook-online"}),
        ({"min_price_eur": 320}, {"opera-dear"}),
        ({"duo": True}, {"film-tonight"}),
        ({"duo": False, "category": "CINEMA"}, {"classic-soon"}),
        ({"digital": True}, {"ebook-online"}),
        ({"digital": False}, set(IN_TOWN)),
        ({"q": "manga"}, {"manga-shop"}),
        ({"q": "cinemas"}, {"film-tonight", "classic-soon"}),
        ({"q": "zzzz"}, set()),
        ({"q": "  "}, {*IN_TOWN, "ebook-online"}),
        ({"open_now": True}, {"film-tonight", "classic-soon"}),
    ],
)
def test_every_filter(client, key, asked, expected):
    assert found(client, key, **TOWN, **asked) == expected


def test_text_finds_what_is_like_it_and_says_so(client, key):
    body = ask(client, key, q="clasic", **TOWN)
    assert [item["offer_id"] for item in body["items"]] == ["classic-soon"]
    assert body["text"] == {"items": 1, "is_cut": False, "similar": True, "venues": 0}
    assert body["notes"] == ["similar_titles"]
    assert body["sort"] == ["text", "distance", "date", "offer_id"]
    assert ask(client, key, q="zzzz")["notes"] == ["similar_titles", "nothing_found"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"bbox": "5.7,45.1,5.8,45.3"}, {*IN_TOWN, "ebook-online"}),
        ({"bbox": "6.7,47.1,6.9,47.3", "digital": False}, {"film-village", "fair-village"}),
        ({"bbox": FRANCE, "digital": False}, {*IN_TOWN, "film-village", "fair-village"}),
        # Over the antimeridian, the long way round to Grenoble.
        ({"bbox": "170,45,6,46", "digital": False}, set(IN_TOWN)),
        ({"bbox": "170,-50,-170,50", "digital": False}, set()),
        ({"bbox": "5.7,45.1,5.8,45.3", "digital": False, **TOWN, "radius_km": 0.5},
         {"novel-shop", "manga-shop"}),
    ],
)  # fmt: skip
def test_boxes(client, key, asked, expected):
    assert found(client, key, group="offer", **asked) == expected


def test_a_box_has_no_radius_and_a_place_beside_it_measures(client, key):
    body = ask(client, key, bbox=FRANCE, digital=False, group="offer", **TOWN)
    assert body["radius_m"] is None
    assert body["bbox"] == [-5.2, 41.3, 9.6, 51.1]
    last = body["items"][-1]
    assert last["venue"]["venue_id"] == "village"
    assert last["distance_m"] == pytest.approx(238_000, rel=0.02)


def test_without_a_place_the_whole_country_is_searched(client, key):
    body = ask(client, key)
    assert body["total_offers"] == len(OFFERS) - 2
    assert {item["distance_m"] for item in body["items"]} == {None}
    assert body["sort"] == ["date", "offer_id"]


def test_an_item_comes_once_at_the_offer_that_sorts_first_or_at_all(client, key):
    assert "film-village" in offers(client, key, sort="price")
    assert "film-tonight" in offers(client, key, sort="date")
    assert {"film-village", "film-tonight"} <= found(client, key, sort="price", group="offer")


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("price", ["ebook-online", "film-tonight", "classic-soon", "manga-shop", "play-friday"]),
        ("date", ["film-tonight", "play-friday", "classic-soon", "opera-dear"]),
        ("popularity", ["novel-shop"]),
        ("distance,price", ["manga-shop", "novel-shop", "film-tonight", "classic-soon"]),
        ("distance, date", ["novel-shop", "manga-shop", "film-tonight", "classic-soon"]),
    ],
)
def test_sorts(client, key, sort, expected):
    assert offers(client, key, sort=sort, **TOWN)[: len(expected)] == expected


def test_the_price_that_an_offer_is_sorted_by_is_among_its_sessions(client, key, database):
    worker = client.app.state.worker
    database.execute(
        "insert into core.stock (external_id, offer_id, price_cents, starts_at)"
        " select 'play ' || n, id, case n when 19 then 300 else 1500 end, %s + n * interval '1 day'"
        " from core.offer, generate_series(6, 25) n where external_id = 'play-friday'",
        (NOW,),
    )
    worker.refresh()
    try:
        items = ask(client, key, sort="price", **TOWN)["items"]
        whole = ask(client, key, path="/v1/offers/play-friday")
    finally:
        database.execute("delete from core.stock where external_id like 'play %'")
        worker.refresh()
    prices = [min(session["price_cents"] for session in item["sessions"]) for item in items]
    assert prices == sorted(prices)
    play = items[0]
    assert play["offer_id"] == "play-friday"
    assert [session["price_cents"] for session in play["sessions"]] == [1200, *[1500] * 6, 300]
    assert play["sessions_total"] == whole["sessions_total"] == len(whole["sessions"]) == 21
    assert [item["sessions_total"] for item in items[1:]] == [1] * (len(items) - 1)


def test_of_what_is_for_two_no_session_has_one_place_left(client, key, database):
    with client.app.state.worker._catalogue_watch._looking:
        book(database, "free", "film-tonight")
        asked = {"group": "offer", **TOWN}
        assert "film-tonight" in found(client, key, **asked)
        for_two = ask(client, key, duo=True, **asked)["items"]
        database.execute(
            "delete from core.booking b using core.stock s"
            " where s.id = b.stock_id and s.external_id = 'film-tonight' and b.booked_at = %s",
            (NOW,),
        )
        assert for_two == []
        assert found(client, key, duo=True, **asked) == {"film-tonight"}
    client.app.state.worker.refresh()


@pytest.mark.parametrize(
    ("asked", "field", "reason"),
    [
        ({"lat": 45.0}, "lon", "needs a longitude|latitude needs"),
        ({"lat": "nan", "lon": 5}, "lat", ""),
        ({"radius_km": 10}, "radius_km", "needs a place"),
        ({**TOWN, "radius_km": 201}, "radius_km", "between 0.1 and 200"),
        ({"bbox": "1,2,3"}, "bbox", "west,south,east,north"),
        ({"bbox": ""}, "bbox", "west,south,east,north"),
        ({"bbox": "5,46,6,45"}, "bbox", "lies north of north"),
        ({"bbox": "-200,0,1,1"}, "bbox", "west is -200"),
        ({"from": "2026-12-03", "to": "2026-12-01"}, "to", "not after from"),
        ({"from": "2026-12-03T20:00", "to": "2026-12-03T20:00"}, "to", "not after from"),
        # An hour that clocks skip.
        ({"from": "2027-03-28T02:30", "to": "2027-03-28T03:15"}, "to", "not after from"),
        ({"to": "2026-11-22"}, "to", "to: that is past: it is 2026-11-23 13:00+01:00."),
        ({"from": "tomorrow"}, "from", "no date or time"),
        ({"when": "today", "from": "2026-12-03"}, "when", "cannot go with"),
        ({"when": "yesterday"}, "when", "today, tonight, weekend"),
        ({"min_price_eur": 10, "max_price_eur": 9.99}, "max_price_eur", "less than"),
        ({"min_price_eur": -1}, "min_price_eur", "no price"),
        ({"max_price_eur": "inf"}, "max_price_eur", "no price"),
        ({"category": "THEATRE"}, "category", "CINEMA, LIVRE, SPECTACLE"),
        ({"category": ["LIVRE", "livre"]}, "category", "'livre' is unknown"),
        ({"subcategory": "LIVRE"}, "subcategory", "LIVRE_NUMERIQUE, LIVRE_PAPIER, SEANCE_CINE"),
        ({"sort": "taste"}, "sort", "distance, date, price, popularity, text"),
        ({"sort": "date,,price"}, "sort", "'' is unknown"),
        ({"sort": "distance"}, "sort", "needs a place"),
        ({"sort": "text"}, "sort", "needs a text"),
        ({"group": "venue"}, "group", "item, offer"),
        ({"n": 0}, "n", "between 1 and 100"),
        ({"n": 101}, "n", "between 1 and 100"),
        ({"n": "many"}, "n", "integer"),
        ({"duo": "maybe"}, "duo", "boolean"),
        ({"q": "a\0b"}, "q", ""),
        ({"q": "x" * 201}, "q", "201 characters"),
        ({"cursor": "made.up"}, "cursor", "not made by this service"),
        ({"from": "9999-12-31"}, "from", "end of the calendar"),
        ({"from": "9999-01-01T00:00Z"}, "from", "end of the calendar"),
        ({"to": "9999-12-31"}, "to", "no date or time"),
    ],
)
def test_what_cannot_be_asked_is_named(client, key, asked, field, reason):
    document = problem_of(client.get("/v1/search", params=asked, headers=key))
    assert document["field"] == field
    assert any(part in document["detail"] for part in reason.split("|"))


def test_accepted_values_are_listed(client, key):
    def accepted(**asked):
        return problem_of(client.get("/v1/search", params=asked, headers=key))["accepted"]

    assert accepted(category="x") == ["CINEMA", "LIVRE", "SPECTACLE"]
    assert accepted(subcategory="x")[0] == "LIVRE_NUMERIQUE"
    assert accepted(sort="x") == list(SORTS)
    assert accepted(when="x") == ["today", "tonight", "weekend"]
    assert accepted(group="x") == ["item", "offer"]


@pytest.mark.parametrize(
    ("now", "when", "from_", "to"),
    [
        # Paris is an hour ahead of UTC in winter, two in summer.
        ("2026-11-23T12:00", "today", "2026-11-23T12:00", "2026-11-23T23:00"),
        ("2026-11-23T22:59", "today", "2026-11-23T22:59", "2026-11-23T23:00"),
        ("2026-11-23T23:00", "today", "2026-11-23T23:00", "2026-11-24T23:00"),
        ("2026-07-01T12:00", "today", "2026-07-01T12:00", "2026-07-01T22:00"),
        ("2026-11-23T12:00", "tonight", "2026-11-23T17:00", "2026-11-24T03:00"),
        ("2026-11-23T20:00", "tonight", "2026-11-23T20:00", "2026-11-24T03:00"),
        ("2026-11-24T02:59", "tonight", "2026-11-24T02:59", "2026-11-24T03:00"),
        ("2026-11-24T03:00", "tonight", "2026-11-24T17:00", "2026-11-25T03:00"),
        ("2026-11-23T12:00", "weekend", "2026-11-27T17:00", "2026-11-29T23:00"),
        ("2026-11-28T12:00", "weekend", "2026-11-28T12:00", "2026-11-29T23:00"),
        ("2026-11-29T22:59", "weekend", "2026-11-29T22:59", "2026-11-29T23:00"),
        ("2026-11-29T23:00", "weekend", "2026-12-04T17:00", "2026-12-06T23:00"),
        # The clock is put back on Sunday.
        ("2026-10-23T12:00", "weekend", "2026-10-23T16:00", "2026-10-25T23:00"),
    ],
)
def test_windows_are_on_the_clock_of_the_zone(client, key, at, now, when, from_, to):
    now, from_, to = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, from_, to))
    at(now)
    body = ask(client, key, when=when)
    told = [datetime.fromisoformat(body[name]) for name in ("starts_from", "starts_before")]
    assert told == [from_, to]


@pytest.mark.parametrize(
    ("tz", "when", "from_", "to"),
    [
        # Four hours ahead of UTC, eleven ahead, four behind.
        ("Indian/Reunion", "today", "2026-11-23T12:00", "2026-11-23T20:00"),
        ("Pacific/Noumea", "tonight", "2026-11-23T12:00", "2026-11-23T17:00"),
        ("America/Guadeloupe", "weekend", "2026-11-27T22:00", "2026-11-30T04:00"),
    ],
)
def test_windows_are_on_the_clock_that_is_asked_for(client, key, tz, when, from_, to):
    body = ask(client, key, when=when, tz=tz)
    told = [datetime.fromisoformat(body[name]) for name in ("starts_from", "starts_before")]
    assert told == [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (from_, to)]


def test_days_are_those_of_the_zone_that_is_asked_for(client, key):
    # 23 November, 20:00 in Paris.
    tonight = {"category": "CINEMA", **TOWN}
    for tz, day in (("Europe/Paris", "2026-11-23"), ("Pacific/Noumea", "2026-11-24")):
        days = ask(client, key, tz=tz, **tonight)["facets"]["day"]
        assert days[0]["value"] == day
        assert found(client, key, tz=tz, **{"from": day, "to": day}, **tonight) == {"film-tonight"}
    assert not found(client, key, tz=tz, to="2026-11-23", **tonight)


@pytest.mark.parametrize("tz", ["Paris", "", "Europe", "../UTC", "\x00", "UTC+4"])
def test_a_zone_that_there_is_not_is_refused(client, key, tz):
    for path, asked in (("search", {}), ("map", {"bbox": "0,0,1,1", "zoom": 6}), ("feed", {})):
        response = client.get(f"/v1/{path}", params=asked | {"tz": tz}, headers=key)
        document = problem_of(response)
        assert (document["field"], document["accepted"][0]) == ("tz", "Europe/Paris")


def test_windows_choose_sessions(client, key):
    assert found(client, key, when="today", **TOWN) == {"film-tonight"}
    assert found(client, key, when="tonight", **TOWN) == {"film-tonight"}
    assert found(client, key, when="weekend", **TOWN) == {"play-friday", "classic-soon"}
    assert found(client, key, when="weekend", group="offer") == {
        *("play-friday", "classic-soon", "fair-village"),
    }


def test_open_now_says_how_many_it_left_out(client, key, at):
    assert ask(client, key, **TOWN)["open_now"] is None
    left_out = ask(client, key, open_now=True, **TOWN)["open_now"]
    assert left_out == {"closed_venues": 1, "unknown_venues": 1}
    at(NOW.replace(hour=13))
    body = ask(client, key, open_now=True, **TOWN)
    assert {item["venue"]["venue_id"] for item in body["items"]} == {"bookshop", "cinema"}
    assert body["open_now"] == {"closed_venues": 0, "unknown_venues": 1}
    assert ask(client, key, open_now=True)["open_now"] == {"closed_venues": 0, "unknown_venues": 2}


def test_hours_and_zones_that_change_are_followed(client, key, database):
    def opened():
        client.app.state.worker.refresh()
        body = ask(client, key, open_now=True, **TOWN)
        return {item["venue"]["venue_id"] for item in body["items"]}

    assert opened() == {"cinema"}
    change = "update core.venue set timezone = %s, opening = %s where external_id = %s"
    with restored(database, "venue", "opening", "timezone"):
        # At noon in London it is not yet one o'clock.
        database.execute(change, ("Europe/London", HOURS["cinema"], "cinema"))
        assert opened() == set()
        database.execute(change, ("Europe/London", HOURS["bookshop"], "theatre"))
        assert opened() == set()
        for unknown in ("Atlantis/Capital", "Europe", "../etc", "", "x" * 300):
            database.execute(change, (unknown, HOURS["cinema"], "theatre"))
            assert opened() == {"theatre"}
        database.execute(change, (None, None, "theatre"))
        assert opened() == set()
    assert opened() == {"cinema"}


@contextmanager
def restored(database, table, *columns):
    """Put columns back as they were."""
    names = ", ".join(columns)
    rows = database.execute(f"select id, {names} from core.{table}").fetchall()
    try:
        yield
    finally:
        values = ", ".join(f"{name} = %s" for name in columns)
        for row_id, *kept in rows:
            database.execute(f"update core.{table} set {values} where id = %s", (*kept, row_id))


def test_facets_count_items_under_the_other_filters(client, key):
    facets = ask(client, key, category="CINEMA", max_price_eur=7, group="offer")["facets"]
    assert facets["category"] == [
        {"value": "CINEMA", "count": 2},
        {"value": "LIVRE", "count": 1},
        {"value": "SPECTACLE", "count": 1},
    ]
    # Five euros in the village, seven in town: one film, two bands.
    assert facets["price"] == [
        {"min_cents": 1, "max_cents": 500, "count": 1},
        {"min_cents": 501, "max_cents": 1000, "count": 2},
    ]
    assert facets["subcategory"] == [{"value": "SEANCE_CINE", "count": 2}]
    assert [(day["value"], day["count"]) for day in facets["day"]] == [
        *(("2026-11-23", 1), ("2026-11-25", 1), ("2026-11-28", 1)),
    ]
    assert facets["duo"] == [{"value": False, "count": 1}, {"value": True, "count": 1}]
    assert (facets["later"], facets["undated"]) == (0, 0)
    assert ask(client, key, facets=False)["facets"] is None


def test_pages_lead_on_and_cursors_are_of_their_question(client, key):
    asked = {**TOWN, "n": 3, "sort": "price"}
    whole = offers(client, key, **{**asked, "n": 100})
    first = ask(client, key, **asked)
    second = ask(client, key, **asked, cursor=first["next_cursor"])
    third = ask(client, key, **asked, cursor=second["next_cursor"])
    shown = [item["offer_id"] for page in (first, second, third) for item in page["items"]]
    assert shown == whole
    assert third["next_cursor"] is None
    assert first["facets"] == third["facets"]

    def refused(**other):
        params = {**asked, "cursor": first["next_cursor"], **other}
        document = problem_of(client.get("/v1/search", params=params, headers=key))
        assert document["field"] == "cursor"
        return document["detail"]

    assert "another question" in refused(sort="date")
    assert "another question" in refused(max_price_eur=50)
    assert "was changed" in refused(cursor=first["next_cursor"][:-1])
    feed = client.get("/v1/feed", params={"user_id": "reader", "n": 2, **TOWN}, headers=key).json()
    assert "was changed" in refused(cursor=feed["next_cursor"])


def test_what_is_gone_is_not_shown_though_the_catalogue_does_not_know_yet(client, key, database):
    worker = client.app.state.worker

    @contextmanager
    def unseen():
        # Nobody looks while it is held.
        with worker._catalogue_watch._looking:
            version = worker.serving.catalogue.version
            yield
            assert worker.serving.catalogue.version == version

    change = "update core.stock set {} where external_id = 'manga-shop'"
    with unseen(), restored(database, "stock", "quantity", "cancelled_at", "price_cents"):
        for gone in ("quantity = 0", "cancelled_at = '2026-11-23 11:00+00'"):
            assert "manga-shop" in found(client, key, **TOWN)
            database.execute(change.format(gone))
            assert "manga-shop" not in found(client, key, **TOWN)
            database.execute(change.format("quantity = null, cancelled_at = null"))
        assert "manga-shop" in found(client, key, max_price_eur=10, **TOWN)
        database.execute(change.format("price_cents = 2000"))
        assert "manga-shop" not in found(client, key, max_price_eur=10, **TOWN)
    worker.refresh()
    with unseen(), restored(database, "offer", "withdrawn_at", "is_duo"):
        assert "film-village" in offers(client, key, sort="price")
        database.execute(
            "update core.offer set withdrawn_at = %s where external_id = 'film-village'", (NOW,)
        )
        # The film comes at its other offer.
        assert "film-village" not in found(client, key, group="offer")
        assert "film-tonight" in offers(client, key, sort="price")
        database.execute("update core.offer set is_duo = false")
        assert found(client, key, duo=True) == set()
    worker.refresh()
    with unseen(), restored(database, "item", "category_id", "subcategory_id"):
        database.execute(
            "update core.item i set category_id = c.id, subcategory_id = null"
            " from core.category c where c.name = 'LIVRE' and i.external_id = 'film'"
        )
        assert "film-tonight" not in found(client, key, category="CINEMA", **TOWN)
        assert "film-tonight" not in found(client, key, subcategory="SEANCE_CINE", **TOWN)
    worker.refresh()


def test_places_that_were_all_booked_are_gone_at_once(client, key, database):
    with client.app.state.worker._catalogue_watch._looking:
        book(database, "free", "film-tonight", quantity=2)
        assert "film-tonight" not in found(client, key, group="offer", **TOWN)
        database.execute("delete from core.booking where quantity = 2")
        assert "film-tonight" in found(client, key, group="offer", **TOWN)
    client.app.state.worker.refresh()


def test_geojson_where_it_is_asked_for(client, key):
    plain = client.get("/v1/search", params=TOWN, headers=key)
    assert plain.headers["content-type"] == "application/json"
    assert "Accept" in plain.headers["vary"]
    response = client.get("/v1/search", params=TOWN, headers={**key, **GEOJSON})
    assert response.headers["content-type"] == "application/geo+json"
    assert "Accept" in response.headers["vary"]
    body = response.json()
    assert_valid_geojson(body)
    assert [feature["properties"] for feature in body["features"]] == plain.json()["items"]
    assert [feature["id"] for feature in body["features"]] == [*IN_TOWN, "ebook-online"]
    assert body["features"][-1]["geometry"] is None
    lon, lat = body["features"][0]["geometry"]["coordinates"]
    assert (lon, lat) == (pytest.approx(GRENOBLE[0] + 0.001), pytest.approx(GRENOBLE[1]))
    assert body["total_items"] == plain.json()["total_items"]
    assert "items" not in body
    assert "bbox" not in body
    assert_valid_geojson(SEARCH_FEATURES)


def test_a_map_as_geojson(client, key):
    params = {"bbox": FRANCE, "zoom": 12}
    response = client.get("/v1/map", params=params, headers={**key, **GEOJSON})
    assert response.headers["content-type"] == "application/geo+json"
    assert "Accept" in response.headers["vary"]
    assert_valid_geojson(response.json())
    clusters = ask(client, key, "/v1/map", **params)["clusters"]
    assert [feature["bbox"] for feature in response.json()["features"]] == [
        cluster["bounds"] for cluster in clusters
    ]
    assert_valid_geojson(MAP_FEATURES)


def assert_valid_geojson(document):
    """Check the parts of RFC 7946 that apply to points."""
    assert document["type"] == "FeatureCollection"
    assert document.keys().isdisjoint({"coordinates", "geometries", "geometry", "properties"})
    assert document["features"]
    for feature in document["features"]:
        assert feature["type"] == "Feature"
        assert isinstance(feature["properties"], dict)
        assert feature.keys() <= {"type", "id", "bbox", "geometry", "properties"}
        geometry = feature["geometry"]
        if geometry is not None:
            assert set(geometry) == {"type", "coordinates"}
            assert geometry["type"] == "Point"
            lon, lat = geometry["coordinates"]
            assert -180 <= lon <= 180
            assert -90 <= lat <= 90
        if "bbox" in feature:
            west, south, east, north = feature["bbox"]
            assert west <= lon <= east
            assert south <= lat <= north


@pytest.mark.parametrize(
    ("accept", "is_preferred"),
    [
        ("", False),
        ("*/*", False),
        ("application/*", False),
        ("application/json", False),
        ("application/geo+json", True),
        ("Application/GEO+JSON", True),
        ("application/geo+json, application/json", False),
        ("application/geo+json, application/json;q=0.9", True),
        ("application/geo+json;q=0.5, */*;q=0.1", True),
        ("application/geo+json;q=0.1, */*", False),
        ("application/geo+json;q=0", False),
        ("application/geo+json;q=zero", False),
        ("application/geo+json;version=1", True),
        ("text/html, application/geo+json;q=0.8", True),
        (",;,", False),
    ],
)
def test_which_form_is_preferred(accept, is_preferred):
    assert prefers_geojson(accept) == is_preferred


COUNTED = """
select v.external_id, count(distinct o.id) from core.venue v join core.offer o on o.venue_id = v.id
join core.stock s on s.offer_id = o.id
where coalesce(o.published_at, '-infinity') <= %(now)s
  and coalesce(s.starts_at, 'infinity') > %(now)s group by v.external_id
"""


@pytest.mark.parametrize("zoom", [0, 3, 6, 10, 14, 15, 16, 22])
def test_clusters_add_up_to_what_a_plain_count_gives(client, key, database, zoom):
    counted = dict(database.execute(COUNTED, {"now": NOW}).fetchall())
    body = ask(client, key, "/v1/map", bbox=FRANCE, zoom=zoom)
    clusters = body["clusters"]
    assert sum(one["offers"] for one in clusters) == body["total_offers"] == sum(counted.values())
    assert sum(one["venues"] for one in clusters) == body["total_venues"] == len(counted) == 4
    singles = {one["venue_id"]: one["offers"] for one in clusters if one["venues"] == 1}
    assert singles == {venue: counted[venue] for venue in singles}
    assert [one["offers"] for one in clusters] == sorted(
        (one["offers"] for one in clusters), reverse=True
    )
    if zoom >= 16:
        assert set(singles) == set(counted)
        assert body["cell_deg"] == 0


def test_clusters_part_as_the_zoom_grows_and_have_names_when_alone(client, key):
    country = ask(client, key, "/v1/map", bbox=FRANCE, zoom=5)
    assert country["cell_deg"] == 360 / 2**5 / 4
    town, village = country["clusters"]
    assert (town["venues"], town["offers"], town["venue_id"], town["name"]) == (3, 6, None, None)
    assert (village["venue_id"], village["name"]) == ("village", "Village")
    west, south, east, north = town["bounds"]
    assert west <= town["lon"] <= east
    assert south <= town["lat"] <= north
    assert town["lon"] == pytest.approx(GRENOBLE[0] + 0.011 / 3)
    assert [village["lon"], village["lat"]] == pytest.approx(FAR)
    assert ask(client, key, "/v1/map", bbox=FRANCE, zoom=0)["clusters"][0]["venues"] == 4


def test_venues_of_one_house_stand_alone_from_zoom_16_on(client, key, database):
    with restored(database, "venue", "location"):
        database.execute(
            "update core.venue set location = (select location from core.venue"
            " where external_id = 'cinema') where external_id = 'bookshop'"
        )
        client.app.state.worker.refresh()
        near, nearer = (
            ask(client, key, "/v1/map", bbox=FRANCE, zoom=zoom)["clusters"] for zoom in (15, 16)
        )
    client.app.state.worker.refresh()
    assert [one["venues"] for one in near] == [2, 1, 1]
    assert {one["name"] for one in nearer} == {"Bookshop", "Cinema", "Theatre", "Village"}


@pytest.mark.parametrize(
    ("asked", "offers"),
    [
        ({"category": "CINEMA"}, 3),
        ({"q": "classic"}, 1),
        ({"when": "weekend"}, 3),
        ({"max_price_eur": 7}, 4),
        ({"duo": True}, 2),
        ({"digital": True}, 0),
        ({"open_now": True}, 2),
    ],
)
def test_a_map_takes_the_same_filters(client, key, asked, offers):
    body = ask(client, key, "/v1/map", bbox=FRANCE, zoom=6, **asked)
    assert body["total_offers"] == offers == sum(one["offers"] for one in body["clusters"])
    assert body["open_now"] == ask(client, key, bbox=FRANCE, **asked)["open_now"]
    assert (body["open_now"] is not None) == ("open_now" in asked)


def test_a_map_tells_what_it_took_for_a_text(client, key):
    for text in ("clasic", "film"):
        mapped = ask(client, key, "/v1/map", bbox=FRANCE, zoom=6, q=text)
        notes = ["similar_titles"] if ask(client, key, q=text)["text"]["similar"] else []
        assert mapped["notes"] == notes
    assert ask(client, key, "/v1/map", bbox=FRANCE, zoom=6, q="clasic -film")["notes"] == []


def test_what_is_gone_leaves_the_map(client, key, database):
    with restored(database, "stock", "quantity"):
        database.execute("update core.stock set quantity = 0")
        client.app.state.worker.refresh()
        assert ask(client, key, "/v1/map", bbox=FRANCE, zoom=6)["clusters"] == []
    client.app.state.worker.refresh()
    assert ask(client, key, "/v1/map", bbox=FRANCE, zoom=6)["total_offers"] == 8


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"zoom": 6}, "bbox"),
        ({"bbox": FRANCE}, "zoom"),
        ({"bbox": "5,46,6,45", "zoom": 6}, "bbox"),
        ({"bbox": FRANCE, "zoom": 23}, "zoom"),
        ({"bbox": FRANCE, "zoom": -1}, "zoom"),
        ({"bbox": FRANCE, "zoom": 6.5}, "zoom"),
        ({"bbox": FRANCE, "zoom": 6, "category": "x"}, "category"),
        ({"bbox": FRANCE, "zoom": 6, "when": "x"}, "when"),
    ],
)
def test_what_cannot_be_drawn_is_named(client, key, asked, field):
    response = client.get("/v1/map", params=asked, headers=key)
    assert problem_of(response)["field"] == field


def test_more_clusters_than_anybody_could_see_are_refused(client, key, monkeypatch):
    monkeypatch.setattr("reco.search.clusters.MAX_CLUSTERS", 3)
    document = problem_of(client.get("/v1/map", params={"bbox": FRANCE, "zoom": 16}, headers=key))
    assert document["field"] == "zoom"
    assert "4 clusters are more than 3" in document["detail"]


@pytest.mark.parametrize("path", ["/v1/search", f"/v1/map?bbox={FRANCE}&zoom=6"])
def test_who_may_ask(client, database, key, path):
    def status(**headers):
        return client.get(path, headers=headers).status_code

    assert status() == 401
    assert status(**{"X-API-Key": "wrong.key"}) == 401
    create_partner(database, f"p{len(path)}", "Somebody")
    for scope, partner in (("app", None), ("admin", None), ("backoffice", f"p{len(path)}")):
        made = create_key(database, scope, "tests", NOW, partner)
        assert status(**{"X-API-Key": made}) == 200
    token = client.post("/v1/users/free/token", headers=key).json()["token"]
    assert status(Authorization=f"Bearer {token}") == 200
    assert status(Authorization=f"Bearer {token}x") == 401


def test_it_is_the_same_for_everybody(client, key):
    def seen(headers):
        return client.get("/v1/search", params=TOWN, headers=headers).json()["items"]

    tokens = (client.post(f"/v1/users/{user}/token", headers=key) for user in ("reader", "broke"))
    for token in tokens:
        assert seen({"Authorization": f"Bearer {token.json()['token']}"}) == seen(key)


numbers = st.one_of(
    st.none(), st.floats(-400, 400), st.sampled_from(["nan", "inf", "", "1e400", "x", "0x1"])
)
asked_of_a_search = st.fixed_dictionaries(
    {},
    optional={
        "q": st.one_of(st.text("-\"' aé!()|&\0", max_size=210), st.text(max_size=20)),
        "lat": numbers,
        "lon": numbers,
        "radius_km": numbers,
        "bbox": st.sampled_from([FRANCE, "", "170,-90,-170,90", "0,0,0,0", "1e9,0,0,0", "\0"]),
        "n": st.one_of(st.integers(-2, 120), st.just("x")),
        "sort": st.sampled_from(["price", "date,distance", "text", "popularity,price", "x", ""]),
        "group": st.sampled_from(["item", "offer", ""]),
        "min_price_eur": numbers,
        "max_price_eur": numbers,
        "from": st.sampled_from(
            ["2026-11-24", "2026-11-24T20:00", "never", "0001-01-01", "9999-12-31", "9990-01-01"]
        ),
        "to": st.sampled_from(["2026-11-25", "9999-12-31", "9999-12-30", "2026-13-01"]),
        "when": st.sampled_from(["today", "weekend", ""]),
        "category": st.sampled_from(["LIVRE", "livre", "\0"]),
        "subcategory": st.sampled_from(["SEANCE_CINE", "\0"]),
        "open_now": st.booleans(),
        "undated": st.booleans(),
        "cursor": st.sampled_from(["", "x", "a.b.c"]),
    },
)


@given(asked=asked_of_a_search)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_is_answered_or_refused(client, key, asked):
    params = {name: value for name, value in asked.items() if value is not None}
    response = client.get("/v1/search", params=params, headers=key)
    if response.status_code == 200:
        body = response.json()
        assert len(body["items"]) <= int(params.get("n", 20))
        assert body["total_offers"] >= len(body["items"])
    else:
        assert problem_of(response)["field"] in params | {"lat": 0, "lon": 0}
    mapped = client.get("/v1/map", params={"bbox": FRANCE, "zoom": 5} | params, headers=key)
    assert mapped.status_code in {200, 422}
