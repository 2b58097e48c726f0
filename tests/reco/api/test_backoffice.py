"""The back office over HTTP: one's own by one's own ids, nothing of another's, files of lines."""

import asyncio
import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from worlds import NOW, book

from reco.api.catalogue_upload import LINES, LONGEST_LINE, Upload
from reco.api.keys import create_key
from reco.api.line_stream import Line, chunked_lines
from reco.core.partners import bind_venues, create_partner, find_partner
from reco.db.pool import open_pool

VENUE = {"name": "Hall", "lat": 45.19, "lon": 5.72}
OFFER = {
    "venue_id": "cinema",
    "item": {"title": "Tides", "category": "CINEMA", "subcategory": "SEANCE_CINE"},
}
STOCK = {
    "offer_id": "film-tonight",
    "price_cents": 900,
    "starts_at": (NOW + timedelta(days=3)).isoformat(),
    "quantity": 40,
}
CATALOGUE = [
    {"kind": "venue", "id": "hall", **VENUE},
    {"kind": "offer", "id": "tides", **OFFER, "venue_id": "hall"},
    {"kind": "stock", "id": "tides-1", **STOCK, "offer_id": "tides"},
]


@pytest.fixture(scope="module")
def office(client, database):
    """The key of the partner that the cinema is bound to."""
    create_partner(database, "lune", "Lune")
    create_partner(database, "soleil", "Soleil")
    bind_venues(database, "lune", ["cinema"])
    bind_venues(database, "soleil", ["theatre"])
    return {"X-API-Key": create_key(database, "backoffice", "lune", NOW, "lune")}


@pytest.fixture
def ask(client, office):
    def ask(method, path, body=None, headers=office):
        return client.request(method, f"/v1/backoffice/{path}", json=body, headers=headers)

    return ask


@pytest.fixture
def send(client, office):
    """Upload lines; returns their outcomes and the summary."""

    def send(lines, headers=office):
        body = lines if isinstance(lines, bytes) else "\n".join(map(json.dumps, lines)).encode()
        answer = client.post(
            "/v1/backoffice/catalogue", content=body, headers=headers | {"Content-Type": LINES}
        )
        assert answer.status_code == 200, answer.text
        *rows, summary = map(json.loads, answer.text.splitlines())
        return rows, summary["summary"]

    return send


def test_whole_degrees_are_degrees(ask):
    made = ask("PUT", "venues/round", VENUE | {"lat": 45, "lon": 5})
    assert (made.status_code, made.json()["warnings"]) == (201, [])


def test_create_change_and_nothing(ask):
    path = "venues/salle 1/é"
    made = ask("PUT", path, VENUE)
    assert (made.status_code, made.json()) == (201, {
        "kind": "venue", "id": "salle 1/é", "public_id": "lune:salle 1/é",
        "outcome": "created", "warnings": [], "errors": [],
    })  # fmt: skip
    assert ask("PUT", path, VENUE).json()["outcome"] == "unchanged"
    changed = ask("PUT", path, VENUE | {"lat": 52.5, "lon": 13.4})
    assert (changed.status_code, changed.json()["outcome"]) == (200, "changed")
    assert changed.json()["warnings"][0]["field"] == "lat"


def test_an_id_with_a_slash_is_an_offer_like_any(ask, client, key):
    offer_id = ask("PUT", "offers/films/42", OFFER).json()["public_id"]
    assert offer_id == "lune:films/42"
    for written in (offer_id, quote(offer_id, safe="")):
        response = client.get(f"/v1/offers/{written}", headers=key)
        assert response.json()["offer_id"] == offer_id
        similar = client.get(f"/v1/offers/{written}/similar", headers=key)
        assert similar.status_code == 200
        assert similar.json().keys() == {"items"}


def test_an_id_of_two_lines_that_is_there_is_opened_withdrawn_and_cancelled(
    ask, client, key, database
):
    """No such id is made any more, but was before, and frames bring some."""
    offer, stock = OFFER | {"venue_id": "li\nned"}, STOCK | {"offer_id": "li\nned"}
    for kind, body in (("venue", VENUE), ("offer", offer), ("stock", stock)):
        assert ask("PUT", f"{kind}s/lined", body).status_code == 201
        database.execute(
            f"update core.{kind} set external_id = e'lune:li\\nned', partner_ref = e'li\\nned'"
            " where external_id = 'lune:lined'"
        )
    opened = client.get("/v1/offers/lune:li%0Aned", headers=key)
    assert (opened.status_code, opened.json()["offer_id"]) == (200, "lune:li\nned")
    assert client.get("/v1/offers/lune:li%0Aned/similar", headers=key).json().keys() == {"items"}
    (listed,) = ask("GET", "stocks?offer_id=li%0Aned").json()["stocks"]
    assert listed["id"] == "li\nned"
    for kind, done in (("stock", "refunded"), ("offer", "offers"), ("venue", "offers")):
        answer = ask("DELETE", f"{kind}s/li%0Aned")
        assert (answer.status_code, answer.json()["id"]) == (200, "li\nned")
        assert answer.json()[done] == (kind == "offer")


@pytest.mark.parametrize("control", ["%0A", "%0D", "%09", "%7F", "%C2%85", "%E2%80%A8"])
@pytest.mark.parametrize(
    ("kind", "body"), [("venues", VENUE), ("offers", OFFER), ("stocks", STOCK)]
)
def test_no_id_is_made_with_a_control_character(ask, kind, body, control):
    for written in (f"a{control}b", f"a{control}"):
        refused = ask("PUT", f"{kind}/{written}", body)
        assert (refused.status_code, refused.json()["field"]) == (422, "own_id")
        assert "no line breaks and no other control characters" in refused.json()["detail"]


def test_a_refusal_names_the_field_and_what_is_accepted(ask):
    item = OFFER["item"] | {"subcategory": "OPERA"}
    refused = ask("PUT", "offers/x", OFFER | {"item": item})
    problem = refused.json()
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert (problem["field"], problem["accepted"]) == ("item.subcategory", ["SEANCE_CINE"])
    dear = {"price_cents": 40_000, "starts_at": NOW.isoformat()}
    both = ask("PUT", "stocks/x", STOCK | dear).json()
    assert [error["field"] for error in both["errors"]] == ["price_cents", "starts_at"]
    assert "100 € above the 300 €" in both["detail"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("venues/v", {**VENUE, "lat": None}, "lat"),
        ("venues/v", {**VENUE, "lat": "45"}, "lat"),
        ("venues/v", {**VENUE, "timezone": "Paris"}, "timezone"),
        ("venues/v", {**VENUE, "name": "a\0b"}, "name"),
        ("venues/v", {**VENUE, "x": 1}, "x"),
        (f"venues/{'v' * 201}", VENUE, "own_id"),
        ("venues/a%00b", VENUE, "own_id"),
        ("offers/season/similar", OFFER, "own_id"),
        ("offers/o", {**OFFER, "item": {**OFFER["item"], "id": "a\nb"}}, "item.id"),
        ("stocks/s", {**STOCK, "starts_at": "2026-12-24T20:00:00"}, "starts_at"),
        ("stocks/s", {**STOCK, "starts_at": 1_800_000_000}, "starts_at"),
        ("stocks/s", {**STOCK, "starts_at": "1800000000"}, "starts_at"),
        ("stocks/s", {**STOCK, "starts_at": "9999-12-31T00:00:00Z"}, "starts_at"),
        ("stocks/s", {**STOCK, "price_cents": 9.5}, "price_cents"),
        ("stocks/s", {**STOCK, "price_cents": 2**31}, "price_cents"),
        ("stocks/s", {**STOCK, "quantity": -1}, "quantity"),
    ],
)
def test_a_body_of_the_wrong_shape(ask, path, body, field):
    refused = ask("PUT", path, body)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "venues/theatre", VENUE),
        ("PUT", "offers/play-friday", OFFER),
        ("PUT", "offers/new", OFFER | {"venue_id": "theatre"}),
        ("PUT", "stocks/play-friday", STOCK),
        ("PUT", "stocks/new", STOCK | {"offer_id": "play-friday"}),
        ("DELETE", "venues/theatre", None),
        ("DELETE", "offers/play-friday", None),
        ("DELETE", "stocks/play-friday", None),
        ("DELETE", "venues/bookshop", None),
        ("GET", "offers?venue_id=theatre", None),
        ("GET", "stocks?offer_id=play-friday", None),
    ],
)
def test_what_is_anothers_is_forbidden(ask, database, method, path, body):
    logged = "select count(*) from core.change"
    before = database.execute(logged).fetchone()
    refused = ask(method, path, body)
    assert refused.status_code == 403
    assert "not this partner's" in refused.json()["detail"]
    assert database.execute(logged).fetchone() == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "venues/nowhere"),
        ("DELETE", "venues/lune:cinema"),
        ("DELETE", "offers/nothing"),
        ("DELETE", "stocks/nothing"),
        ("GET", "offers?venue_id=nowhere"),
        ("GET", "stocks?offer_id=nothing"),
    ],
)
def test_what_is_nothings_is_not_found(ask, method, path):
    assert ask(method, path).status_code == 404


def test_the_back_office_needs_a_partners_key(ask, client, key, database):
    admin = {"X-API-Key": create_key(database, "admin", "admin", NOW)}
    for headers in (key, admin):
        assert ask("GET", "venues", headers=headers).status_code == 403
        assert ask("PUT", "venues/v", VENUE, headers=headers).status_code == 403
        assert ask("DELETE", "stocks/film-tonight", headers=headers).status_code == 403
        assert ask("POST", "catalogue", headers=headers).status_code == 403
    assert ask("GET", "venues", headers={}).status_code == 401


def test_lists_show_what_is_booked_and_left(ask, database):
    book(database, "villager", "film-tonight", quantity=1)
    (offer,) = (o for o in ask("GET", "offers?venue_id=cinema").json()["offers"]
                if o["id"] == "film-tonight")  # fmt: skip
    assert (offer["public_id"], offer["item_id"], offer["category"]) == (
        "film-tonight", "film", "CINEMA",
    )  # fmt: skip
    (stock,) = (s for s in ask("GET", "stocks?offer_id=film-tonight").json()["stocks"]
                if s["id"] == "film-tonight")  # fmt: skip
    assert (stock["quantity"], stock["booked"], stock["left"]) == (2, 1, 1)
    (unlimited,) = ask("GET", "stocks?offer_id=classic-soon").json()["stocks"]
    assert (unlimited["quantity"], unlimited["booked"], unlimited["left"]) == (None, 0, None)


def test_pages_neither_repeat_nor_skip_while_rows_come_and_change(ask, send):
    ids = [f"page-{place:02d}" for place in range(20)]
    rows = [{"kind": "venue", "id": id_, **VENUE} for id_ in ids]
    send(rows)
    seen, cursor, turn = [], "", 0
    while cursor is not None:
        page = ask("GET", f"venues?n=3&cursor={cursor}").json()
        seen += [venue["id"] for venue in page["venues"]]
        last, cursor = cursor, page["next_cursor"]
        send([{"kind": "venue", "id": f"page-00-{turn}", **VENUE}])
        send([row | {"name": f"Hall {turn}"} for row in rows])
        turn += 1
    assert seen == sorted(set(seen), key=seen.index)
    assert set(ids) <= set(seen)
    assert ask("GET", f"venues?n=500&cursor={last}").json()["next_cursor"] is None
    assert ask("GET", "venues?n=501").status_code == 422
    assert ask("GET", "venues?cursor=x").json()["field"] == "cursor"


def test_a_withdrawn_offer_is_gone_and_may_come_back(ask, database):
    ask("PUT", "offers/again", OFFER)
    gone = "select withdrawn_at from core.offer where external_id = 'lune:again'"
    first = ask("DELETE", "offers/again")
    assert first.json() == {"id": "again", "public_id": "lune:again", "offers": 1}
    assert database.execute(gone).fetchone() == (NOW,)
    assert ask("DELETE", "offers/again").json()["offers"] == 0
    assert ask("PUT", "offers/again", OFFER).json()["outcome"] == "changed"
    assert database.execute(gone).fetchone() == (None,)


def test_a_cancelled_stock_refunds_and_stays_cancelled(ask, database):
    ask("PUT", "stocks/gone", STOCK)
    book(database, "villager", "lune:gone", price_eur=9)
    assert ask("DELETE", "stocks/gone").json()["refunded"] == 1
    assert ask("DELETE", "stocks/gone").json()["refunded"] == 0
    again = ask("PUT", "stocks/gone", STOCK)
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert "cancelled" in again.json()["warnings"][0]["detail"]
    assert ask("PUT", "stocks/gone", STOCK | {"price_cents": 1}).status_code == 422


def test_a_file_is_created_then_unchanged(send):
    rows, summary = send(CATALOGUE)
    assert [(r["row"], r["kind"], r["id"], r["public_id"], r["outcome"]) for r in rows] == [
        (1, "venue", "hall", "lune:hall", "created"),
        (2, "offer", "tides", "lune:tides", "created"),
        (3, "stock", "tides-1", "lune:tides-1", "created"),
    ]
    assert summary == {"rows": 3, "created": 3, "changed": 0, "unchanged": 0, "refused": 0}
    _, summary = send(CATALOGUE)
    assert summary == {"rows": 3, "created": 0, "changed": 0, "unchanged": 3, "refused": 0}


def test_a_bad_line_is_refused_alone_with_what_is_wrong(send):
    good = json.dumps({"kind": "venue", "id": "good", **VENUE}).encode()
    lines = [
        b"\xef\xbb\xbf" + good,
        b"",
        b"{",
        b"[]",
        b'{"kind": "venue", "id": "\xff"}',
        b'{"kind": "museum", "id": "m"}',
        b'{"kind": "venue", "id": "half"}',
        b'{"kind": "venue", "id": "\\u0000", "name": "x", "lat": 1, "lon": 1}',
        b'{"id": "' + b"x" * LONGEST_LINE + b'"}',
        b"[" * 30_000,
        good.replace(b'"good"', b'"last"') + b"\r",
        json.dumps({"kind": "offer", "id": "season/similar", **OFFER}).encode(),
        *(json.dumps(line | {"id": "a\nb"}).encode() for line in CATALOGUE),
    ]
    rows, summary = send(b"\n".join(lines))
    told = {r["row"]: (r["id"], r["outcome"], [e["field"] for e in r["errors"]]) for r in rows}
    assert told == {
        1: ("good", "created", []),
        3: (None, "refused", ["line"]),
        4: (None, "refused", ["line"]),
        5: (None, "refused", ["line"]),
        6: ("m", "refused", ["kind"]),
        7: ("half", "refused", ["name", "lat", "lon"]),
        8: ("\0", "refused", ["id"]),
        9: (None, "refused", ["line"]),
        10: (None, "refused", ["line"]),
        11: ("last", "created", []),
        12: ("season/similar", "refused", ["id"]),
        13: ("a\nb", "refused", ["id"]),
        14: ("a\nb", "refused", ["id"]),
        15: ("a\nb", "refused", ["id"]),
    }
    assert rows[4]["errors"][0]["accepted"] == ["venue", "offer", "stock"]
    assert (summary["rows"], summary["created"], summary["refused"]) == (14, 2, 12)


def test_what_is_anothers_is_refused_in_a_file_too(send):
    rows, _ = send([
        {"kind": "venue", "id": "theatre", **VENUE},
        {"kind": "stock", "id": "s", **STOCK, "offer_id": "play-friday"},
    ])  # fmt: skip
    assert [row["outcome"] for row in rows] == ["refused"] * 2


def test_a_file_may_be_longer_than_other_bodies(send):
    (row,), summary = send(b"x" * 1_100_000)
    assert (row["errors"][0]["field"], summary["refused"]) == ("line", 1)


def test_an_empty_file_is_no_rows(send):
    assert send(b"\n \n") == ([], {"rows": 0, "created": 0, "changed": 0, "unchanged": 0,
                                  "refused": 0})  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "application/json"}, {"Content-Type": LINES, "Content-Encoding": "gzip"}],
)
def test_other_bodies_are_unsupported(client, office, headers):
    answer = client.post("/v1/backoffice/catalogue", content=b"{}", headers=office | headers)
    assert answer.status_code == 415
    assert LINES in answer.json()["detail"]


def test_rows_beyond_the_limit_are_refused_and_told_once(api_world, database, office):
    lines = [
        Line(place, json.dumps({"kind": "venue", "id": f"most-{place}", **VENUE}).encode())
        for place in range(1, 9)
    ]
    pool = open_pool(api_world.conninfo, 1)
    upload = Upload(pool, find_partner(database, "lune").id, NOW, most_rows=4)
    for chunk in (lines[:3], lines[3:6], lines[6:]):
        upload.write(chunk)
    *rows, summary = map(json.loads, b"".join(upload.answer()).splitlines())
    pool.close()
    assert [row["outcome"] for row in rows] == ["created"] * 4 + ["refused"]
    assert (rows[-1]["row"], "More than 4 rows" in rows[-1]["errors"][0]["detail"]) == (5, True)
    assert summary["summary"] == {
        "rows": 8, "created": 4, "changed": 0, "unchanged": 0, "refused": 4,
    }  # fmt: skip


def test_whoever_hangs_up_leaves_whole_chunks_only(client, database, office):
    """750 rows arrive, then the line breaks: 500 are written."""
    lines = [
        json.dumps({"kind": "venue", "id": f"cut-{place}", **VENUE}).encode() + b"\n"
        for place in range(750)
    ]
    messages = [{"type": "http.request", "body": line, "more_body": True} for line in lines] + [
        {"type": "http.disconnect"}
    ]
    sent = []

    async def receive():
        return messages.pop(0)

    async def answer(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/backoffice/catalogue", "query_string": b"",
        "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "client": None,
        "root_path": "", "headers": [(b"content-type", LINES.encode()),
                                     (b"x-api-key", office["X-API-Key"].encode())],
    }  # fmt: skip
    client.portal.call(client.app, scope, receive, answer)
    kept = database.execute(
        "select count(*) from core.venue where external_id like 'lune:cut-%'"
    ).fetchone()
    assert kept == (500,)
    assert sent[0]["status"] == 400


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_lines_are_the_same_whatever_the_pieces(size):
    body = b"\xef\xbb\xbfa\n\n  b \r\n" + b"c" * 20 + b"\nd\n" + b"e" * 21
    wanted = [Line(1, b"a"), Line(3, b"b"), Line(4, None), Line(5, b"d"), Line(6, None)]

    async def pieces():
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async def chunks():
        cut = chunked_lines(pieces(), longest=12, most=2, most_bytes=1_000)
        return [chunk async for chunk in cut]

    found = asyncio.run(chunks())
    assert [line for chunk in found for line in chunk] == wanted
    assert [len(chunk) for chunk in found] == [2, 2, 1]
