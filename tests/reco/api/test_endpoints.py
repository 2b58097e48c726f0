"""The other endpoints: offers, likeness, venues, interactions, health, pages, documentation."""

import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import anyio.to_thread
import pytest
from pydantic import TypeAdapter
from worlds import FAR, GRENOBLE, NOW

from reco.api.demo import Session
from reco.api.health import Health
from reco.api.interactions import Kept
from reco.api.offers import Categories, Items
from reco.api.tokens import UserToken
from reco.api.venues import Venues
from reco.feed.answer import FeedItem


def get(client, key, path, **params):
    return client.get(path, params=params, headers=key)


def test_an_offer_shows_its_sessions(client, key):
    offer = get(client, key, "/v1/offers/film-tonight").json()
    assert offer["title"] == "Film"
    assert [session["left"] for session in offer["sessions"]] == [2]
    assert offer["probability"] is None


def test_a_past_offer_has_no_sessions_and_an_unknown_one_is_not_found(client, key):
    assert get(client, key, "/v1/offers/classic-past").json()["sessions"] == []
    for unknown in ("nothing", "circus-secret"):
        response = get(client, key, f"/v1/offers/{unknown}")
        assert response.status_code == 404
        assert response.json()["title"] == "Not Found"


def test_similar_offers_are_around_bookable_and_of_its_kind_first(client, key):
    items = get(client, key, "/v1/offers/classic-soon/similar", n=3).json()["items"]
    assert items[0]["offer_id"] == "film-tonight"
    assert "classic" not in {item["item_id"] for item in items}
    assert len(items) == 3
    assert get(client, key, "/v1/offers/nothing/similar").status_code == 404
    assert get(client, key, "/v1/offers/classic-soon/similar", n=0).json()["field"] == "n"


def test_venues_come_by_distance(client, key):
    venues = get(client, key, "/v1/venues/near", lat=GRENOBLE[1], lon=GRENOBLE[0]).json()["venues"]
    assert [venue["venue_id"] for venue in venues] == ["bookshop", "cinema", "theatre"]
    distances = [venue["distance_m"] for venue in venues]
    assert distances == sorted(distances)
    village = get(client, key, "/v1/venues/near", lat=FAR[1], lon=FAR[0], radius_km=1).json()
    assert [venue["venue_id"] for venue in village["venues"]] == ["village"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"lat": 45}, "lon"), ({"lat": 91, "lon": 5}, "lat"), ({"lat": 45, "lon": 5, "n": 0}, "n")],
)
def test_bad_venue_searches_are_named(client, key, asked, field):
    assert get(client, key, "/v1/venues/near", **asked).json()["field"] == field


def send(client, key, *interactions, **told):
    batch = {"interactions": list(interactions), **told}
    return client.post("/v1/interactions", json=batch, headers=key)


def row(**changes):
    return {"user_id": "free", "offer_id": "manga-shop", "kind": "view"} | changes


def kept(database):
    return database.execute("select count(*) from core.interaction").fetchone()[0]


def test_interactions_are_kept_once_with_their_slate(client, key, database):
    before, slate = kept(database), str(uuid4())
    # Of an offer that no other test is about.
    seen = row(offer_id="opera-dear")
    batch = [seen, seen | {"kind": "click", "slate_id": slate}, seen]
    assert send(client, key, *batch).json() == {"received": 3, "kept": 2}
    assert send(client, key, *batch).json() == {"received": 3, "kept": 0}
    assert kept(database) == before + 2
    found = database.execute("select kind from core.interaction where slate_id = %s", (slate,))
    assert found.fetchall() == [("click",)]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"offer_id": "nothing"}, "interactions[1].offer_id"),
        ({"user_id": "nobody"}, "interactions[1].user_id"),
        ({"kind": "bookings"}, "interactions[1].kind"),
        ({"at": (NOW + timedelta(hours=1)).isoformat()}, "interactions[1].at"),
        ({"at": "2026-11-23T12:00:00"}, "interactions[1].at"),
        ({"user_id": None}, "interactions[1].user_id"),
        ({"slate_id": "x"}, "interactions[1].slate_id"),
        ({"surplus": 1}, "interactions[1].surplus"),
        ({"at": "1969-12-31T23:59:59Z"}, "interactions[1].at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "interactions[1].at"),
        ({"value": 1e39}, "interactions[1].value"),
        ({"offer_id": "a\0"}, "interactions[1].offer_id"),
        ({"user_id": "a\0"}, "interactions[1].user_id"),
    ],
)
def test_one_bad_interaction_refuses_all_and_is_named(client, key, database, bad, field):
    before = kept(database)
    response = send(client, key, row(kind="favourite"), row(**bad))
    assert response.status_code == 422
    assert response.json()["field"] == field
    assert kept(database) == before


def test_every_offset_from_utc_is_understood(client, key, database):
    sent = row(kind="click", offer_id="film-village", at="2026-11-23T11:00:00+23:00")
    assert send(client, key, sent).json()["received"] == 1
    (at,) = database.execute(
        "select max(at) from core.interaction join core.offer o on o.id = offer_id"
        " where kind = 'click' and o.external_id = 'film-village'"
    ).fetchone()
    assert at == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert send(client, key, row(at=0)).json()["field"] == "interactions[0].at"


@pytest.mark.parametrize("wrong_by", [timedelta(days=1), timedelta(days=-20_000, minutes=1)])
def test_what_a_phone_whose_clock_is_wrong_did_is_put_right(client, key, database, wrong_by):
    its_now = NOW + wrong_by
    viewed = row(kind="click", offer_id="novel-shop", at=(its_now - timedelta(hours=1)).isoformat())
    first = send(client, key, viewed, sent_at=(its_now - timedelta(seconds=40)).isoformat())
    assert first.json() == {"received": 1, "kept": 1}
    (at,) = database.execute(
        "select max(at) from core.interaction join core.offer o on o.id = offer_id"
        " where kind = 'click' and o.external_id = 'novel-shop'"
    ).fetchone()
    assert abs(at - (NOW - timedelta(hours=1))) < timedelta(minutes=5)
    again = send(client, key, viewed, sent_at=(its_now + timedelta(seconds=40)).isoformat())
    assert again.json() == {"received": 1, "kept": 0}
    for later in (its_now + timedelta(hours=1)).isoformat(), "9999-12-31T23:59:59Z":
        refused = send(client, key, viewed | {"at": later}, sent_at=its_now.isoformat())
        assert (refused.status_code, refused.json()["field"]) == (422, "interactions[0].at")


def test_a_booking_made_elsewhere_is_told_by_a_server_and_not_by_a_phone(client, key, database):
    issued = client.post("/v1/users/free/token", headers=key).json()["token"]
    told = row(kind="booking", offer_id="fair-village")
    refused = send(client, {"Authorization": f"Bearer {issued}"}, told)
    assert refused.status_code == 422
    assert refused.json()["field"] == "interactions[0].kind"
    assert refused.json()["accepted"] == [*("view", "click", "favourite", "dismiss", "restore")]
    assert send(client, key, told).json() == {"received": 1, "kept": 1}
    kinds = database.execute("select count(*) from core.interaction where kind = 'booking'")
    assert kinds.fetchone() == (1,)


def test_a_phone_tells_of_the_last_days_and_not_without_end(client, key, database, monkeypatch):
    monkeypatch.setattr("reco.api.interactions.MAX_OF_A_PERSON", 3)
    issued = client.post("/v1/users/broke/token", headers=key).json()["token"]
    phone = {"Authorization": f"Bearer {issued}"}

    def days_ago(*days):
        return [row(user_id="broke", at=(NOW - timedelta(days=one)).isoformat()) for one in days]

    refused = send(client, phone, *days_ago(1, 30))
    assert (refused.status_code, refused.json()["field"]) == (422, "interactions[1].at")
    assert send(client, key, *days_ago(30, 31)).json() == {"received": 2, "kept": 2}
    assert send(client, phone, *days_ago(29.9, 1)).json() == {"received": 2, "kept": 2}
    before = kept(database)
    refused = send(client, phone, *days_ago(2, 3))
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "3600"
    assert refused.json()["title"] == "Too Many Requests"
    assert kept(database) == before
    # Of these one is on record: there is room for the other.
    assert send(client, phone, *days_ago(1, 2)).json() == {"received": 2, "kept": 1}
    # A retry is answered, though there is no room for more.
    assert send(client, phone, *days_ago(1, 2)).json() == {"received": 2, "kept": 0}
    assert send(client, phone, *days_ago(1, 2, 3)).status_code == 429
    assert kept(database) == before + 1
    # What servers tell has no such limit.
    assert send(client, key, *days_ago(2, 3)).json() == {"received": 2, "kept": 1}


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (-1.5, -1.5), (1e-60, 0), (1e9, 1e9)])
def test_any_count_or_rating_is_kept(client, key, database, value, expected):
    slate = str(uuid4())
    # Each at a time of its own: what is sent twice is kept once.
    at = NOW - timedelta(days=1, seconds=kept(database))
    sent = row(kind="click", at=at.isoformat(), value=value, slate_id=slate)
    assert send(client, key, sent).json() == {"received": 1, "kept": 1}
    found = database.execute("select value from core.interaction where slate_id = %s", (slate,))
    assert found.fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b'{"interactions":[', 422, "body"),
        (b"[]", 422, "body"),
        (b"", 422, "body"),
        # Half of a character, which JSON can spell and a database cannot keep.
        (json.dumps({"interactions": [row(user_id="\ud800")]}), 422, "interactions[0].user_id"),
        (b"[" * 100_000, 400, None),
        (b'{"interactions":[{"user_id":"\xff"}]}', 400, None),
    ],
    ids=["cut", "list", "empty", "surrogate", "deep", "not UTF-8"],
)
def test_a_body_that_is_no_batch_is_refused(client, key, body, status, field):
    headers = key | {"Content-Type": "application/json"}
    response = client.post("/v1/interactions", content=body, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json().get("field") == field


def test_a_batch_has_its_limits(client, key):
    assert send(client, key).json()["field"] == "interactions"
    assert send(client, key, *[row()] * 1_001).status_code == 422


def test_what_was_dismissed_is_gone_from_the_next_feed(client, key):
    def shown():
        items = get(client, key, "/v1/feed", user_id="free").json()["items"]
        return {item["offer_id"] for item in items}

    assert "play-friday" in shown()
    send(client, key, row(kind="dismiss", offer_id="play-friday"))
    assert "play-friday" not in shown()


def test_a_dismissal_that_is_taken_back_brings_the_work_back_and_is_kept_once(client, key):
    def shown():
        items = get(client, key, "/v1/feed", user_id="reader").json()["items"]
        return {item["offer_id"] for item in items}

    told = row(user_id="reader", offer_id="play-friday", at=NOW.isoformat())
    send(client, key, told | {"kind": "dismiss"})
    # Of one moment the dismissal counts.
    send(client, key, told | {"kind": "restore"})
    assert "play-friday" not in shown()
    later = told | {"kind": "restore", "at": (NOW + timedelta(milliseconds=1)).isoformat()}
    for kept in (1, 0):
        assert send(client, key, later).json() == {"received": 1, "kept": kept}
        assert "play-friday" in shown()


@contextmanager
def no_thread_free(client):
    """Hold all threads that endpoints run in, as requests do that wait for a database."""

    async def limiter():
        return anyio.to_thread.current_default_thread_limiter()

    threads = client.portal.call(limiter)
    holders = [object() for _ in range(int(threads.total_tokens))]
    for holder in holders:
        client.portal.call(threads.acquire_on_behalf_of_nowait, holder)
    yield
    for holder in holders:
        client.portal.call(threads.release_on_behalf_of, holder)


def test_alive_while_every_thread_waits(client):
    with no_thread_free(client):
        assert client.get("/healthz").json()["status"] == "alive"


def test_alive_and_ready(client):
    assert client.get("/healthz").json()["status"] == "alive"
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert client.head("/healthz").status_code == client.head("/readyz").status_code == 200
    assert ready.json()["missing"] == ["model: none is published; popularity is served"]


def test_categories(client, key):
    assert get(client, key, "/v1/categories").json() == {
        "categories": ["CINEMA", "LIVRE", "SPECTACLE"]
    }


def test_kinds_of_venues(client, key):
    assert get(client, key, "/v1/venue-types").json() == {
        "venue_types": ["bookshop", "cinema", "theatre"]
    }


def test_the_first_page_may_load_from_here_alone(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert client.get("/nothing").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/feed", "GET, HEAD"),
        ("GET", "/v1/interactions", "POST"),
        ("DELETE", "/v1/offers/film-tonight", "GET, HEAD"),
        ("PUT", "/v1/users/reader/tastes", "GET, HEAD, POST"),
        ("GET", "/v1/backoffice/venues/cinema", "DELETE, PUT"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_which_is_right(client, key, method, path, allowed):
    response = client.request(method, path, headers=key)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert response.json()["title"] == "Method Not Allowed"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/feed",
        "/v1/feed?user_id=reader&n=3",
        "/v1/search?q=film",
        "/v1/map?bbox=5,45,6,46&zoom=12",
        "/v1/venues/near?lat=45.1885&lon=5.7245",
        "/v1/offers/film-tonight",
        "/v1/offers/nothing",
        "/v1/offers/film-tonight/similar",
        "/v1/categories?lang=fr",
        "/v1/genres",
        "/v1/venue-types",
        "/v1/users/reader/tastes",
        "/v1/users/reader/favourites",
        "/v1/users/reader/bookings",
        "/v1/users/reader/credit",
        "/v1/backoffice/offers",
        "/v1/nothing",
    ],
)
def test_heads_are_those_of_what_can_be_got(client, key, path):
    for headers in (key, {}):
        head, got = client.head(path, headers=headers), client.get(path, headers=headers)
        assert head.status_code == got.status_code
        assert set(head.headers) == set(got.headers)
        # Slates have an id of their own each, and cursors.
        if not path.startswith("/v1/feed"):
            assert head.headers == got.headers


@pytest.mark.parametrize("path", ["/v1/interactions", "/v1/backoffice/venues/cinema"])
def test_what_cannot_be_got_has_no_head(client, key, path):
    assert client.head(path, headers=key).status_code == 405
    assert "HEAD" not in client.head(path, headers=key).headers["allow"]


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/feed/", "/%00", "/" + "a" * 5_000, "/..%2f..%2fpyproject.toml"]
)
def test_what_is_not_there_is_not_found(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/offers/a%00b", "/v1/offers/a%00b/similar"])
def test_an_id_that_cannot_be_is_named(client, key, path):
    response = get(client, key, path)
    assert response.status_code == 422
    assert response.json()["field"] == "offer_id"


def answers(client, key):
    """One good answer of every endpoint but the feed, with the model that is documented for it."""
    return [
        (get(client, key, "/v1/offers/film-tonight"), FeedItem),
        (get(client, key, "/v1/offers/classic-soon/similar"), Items),
        (get(client, key, "/v1/venues/near", lat=GRENOBLE[1], lon=GRENOBLE[0]), Venues),
        (get(client, key, "/v1/categories"), Categories),
        (send(client, key, row(kind="click")), Kept),
        (client.post("/v1/users/reader/token", headers=key), UserToken),
        (client.post("/v1/demo/session"), Session),
        (client.get("/healthz"), Health),
        (client.get("/readyz"), Health),
    ]


def test_answers_are_as_documented(client, key):
    for response, model in answers(client, key):
        assert response.status_code == 200
        adapter = TypeAdapter(model)
        read = adapter.validate_json(response.content)
        assert adapter.dump_python(read, mode="json").keys() == response.json().keys()


def test_where_the_documentation_cannot_be_drawn_it_says_where_it_is(client):
    page = client.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    before, _, after = page.text.partition('<div id="swagger-ui">')
    assert "cdn.jsdelivr.net" in after.partition("</div>")[0]
    (link,) = re.findall(r'<a href="([^"]+)">', after)
    assert client.get(link).json()["openapi"]
    assert 'href="/icon.svg"' in before
    assert f"url: '{link}'" in after


def test_every_endpoint_is_documented(client):
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) >= {
        "/v1/feed",
        "/v1/offers/{offer_id}",
        "/v1/offers/{offer_id}/similar",
        "/v1/interactions",
        "/v1/venues/near",
        "/v1/users/{user_id}/token",
        "/v1/backoffice/offers/{own_id}",
        "/healthz",
        "/readyz",
    }
    feed = document["paths"]["/v1/feed"]["get"]
    assert "example" in feed["responses"]["200"]["content"]["application/json"]
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["description"]
