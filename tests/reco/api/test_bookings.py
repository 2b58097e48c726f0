"""Bookings, credit and accounts over HTTP: who may, what is answered, what a retry gets."""

from contextlib import ExitStack
from datetime import timedelta, timezone
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from worlds import NOW, small_world

from reco.api.app import create_app
from reco.api.keys import create_key
from reco.api.tokens import issue_token
from reco.core.accounts import account_number
from reco.core.partners import create_partner
from reco.db.pool import connected
from reco.settings import Settings
from reco.worker import Worker

SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture
def client(world, connection):
    """The API over a small world of its own."""
    small_world(connection)
    worker = Worker(Settings(home=world.folder), world, SECRET, lambda: NOW)
    app = create_app(worker, clock=lambda: NOW, with_demo=False)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def key(client, connection):
    return {"X-API-Key": create_key(connection, "app", "tests", NOW)}


def token(client, user="reader"):
    with connected(client.app.state.worker.pool) as connection:
        account = account_number(connection, user)
    return {"Authorization": f"Bearer {issue_token(user, account, SECRET, NOW).token}"}


def book(client, headers, stock="film-tonight", key=None, **body):
    headers = headers | {"Idempotency-Key": key or str(uuid4())}
    return client.post("/v1/bookings", json={"stock_id": stock} | body, headers=headers)


def credit(client, headers, user="reader"):
    return client.get(f"/v1/users/{user}/credit", headers=headers).json()


def feed_items(client, headers):
    return {item["item_id"] for item in client.get("/v1/feed", headers=headers).json()["items"]}


def test_a_phone_books_looks_and_cancels(client):
    phone = token(client)
    assert "classic" in feed_items(client, phone)
    before = credit(client, phone)
    made = book(client, phone, "classic-soon")
    assert made.status_code == 201
    booking = made.json()
    assert booking["state"] == "booked"
    assert booking["venue"] == {"venue_id": "cinema", "name": "Cinema", "timezone": None}
    assert booking["cancellable_until"] == "2026-11-25T12:00:00Z"
    assert credit(client, phone)["left_cents"] == before["left_cents"] - 700
    assert "classic" not in feed_items(client, phone)
    listed = client.get("/v1/users/reader/bookings?state=booked", headers=phone).json()["bookings"]
    assert listed[0] == booking
    gone = client.delete(f"/v1/bookings/{booking['booking_id']}", headers=phone)
    assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
    assert credit(client, phone) == before
    assert "classic" in feed_items(client, phone)


def test_a_retry_gets_the_same_answer(client):
    first, again = (book(client, token(client), key="one attempt") for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    other = book(client, token(client), "manga-shop", key="one attempt")
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")


def test_a_refusal_names_the_rule_and_by_how_much(client, key):
    refused = book(client, key, user_id="broke")
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "7 € short of the credit that is left.",
        "rule": "credit",
        "short_cents": 700,
        "limit_cents": 0,
    }


def test_a_price_that_has_changed_since_it_was_shown_is_refused(client, connection):
    connection.execute("update core.stock set price_cents = 900 where external_id = 'film-tonight'")
    refused = book(client, token(client), expected_amount_cents=700)
    assert (refused.status_code, refused.json()["rule"]) == (409, "price_changed")
    assert (refused.json()["amount_cents"], refused.json()["expected_cents"]) == (900, 700)
    assert book(client, token(client), expected_amount_cents=900).status_code == 201


def test_a_date_that_has_changed_since_it_was_shown_is_refused(client, connection):
    shown, by_now = (NOW + timedelta(days=0.3 + late) for late in (0, 1))
    connection.execute(
        "update core.stock set starts_at = %s where external_id = 'film-tonight'", (by_now,)
    )
    refused = book(client, token(client), key="one", expected_starts_at=shown.isoformat())
    assert (refused.status_code, refused.json()["rule"]) == (409, "date_changed")
    assert refused.json()["starts_at"] == by_now.isoformat()
    # Another expectation is another request, the same moment elsewhere is the same.
    for key, hours, status in (("one", 0, 422), ("two", 0, 201), ("two", 1, 201)):
        expected = by_now.astimezone(timezone(timedelta(hours=hours)))
        made = book(client, token(client), key=key, expected_starts_at=expected.isoformat())
        assert made.status_code == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"quantity": 3}, "quantity"),
        ({"quantity": "two"}, "quantity"),
        ({"slate_id": "x"}, "slate_id"),
        ({"expected_amount_cents": 10**30}, "expected_amount_cents"),
        ({"quantity": 10**30}, "quantity"),
        ({"expected_starts_at": "2026-11-23T19:12:00"}, "expected_starts_at"),
        ({"expected_starts_at": "0001-01-01T00:00:00+14:00"}, "expected_starts_at"),
        ({"expected_starts_at": "9999-12-31T23:59:59-14:00"}, "expected_starts_at"),
        ({"surplus": 1}, "surplus"),
        ({"stock_id": "a\0"}, "stock_id"),
    ],
)
def test_bad_orders_are_named(client, body, field):
    response = book(client, token(client), **body)
    assert (response.status_code, response.json()["field"]) == (422, field)


@pytest.mark.parametrize("bad", ["", "x" * 201])
def test_a_key_of_an_attempt_is_needed(client, bad):
    headers = token(client) | {"Idempotency-Key": bad}
    response = client.post("/v1/bookings", json={"stock_id": "film-tonight"}, headers=headers)
    assert (response.status_code, response.json()["field"]) == (422, "Idempotency-Key")
    missing = client.post("/v1/bookings", json={"stock_id": "film-tonight"}, headers=token(client))
    assert (missing.status_code, missing.json()["field"]) == (422, "Idempotency-Key")


def test_unknown_things_are_not_found(client, key):
    assert book(client, token(client), "nothing").status_code == 404
    assert book(client, key, user_id="nobody").status_code == 404
    assert client.get("/v1/users/nobody/credit", headers=key).status_code == 404
    assert client.get("/v1/users/nobody/bookings", headers=key).status_code == 404
    for number in ("123", "9" * 5_000):
        assert client.delete(f"/v1/bookings/{number}", headers=key).status_code == 404


def test_a_phone_opens_its_own_resources_only(client):
    booking = book(client, token(client)).json()["booking_id"]
    other = token(client, "villager")
    assert book(client, other, user_id="reader").status_code == 403
    assert client.get("/v1/users/reader/credit", headers=other).status_code == 403
    assert client.get("/v1/users/reader/bookings", headers=other).status_code == 403
    # It does not even learn that there is such a booking.
    assert client.delete(f"/v1/bookings/{booking}", headers=other).status_code == 404
    assert client.post(f"/v1/bookings/{booking}/use", headers=token(client)).status_code == 403
    assert client.put("/v1/users/reader", json={}, headers=token(client)).status_code == 403


def test_a_server_names_the_user(client, key):
    response = book(client, key)
    assert (response.status_code, response.json()["field"]) == (422, "user_id")


def test_the_venue_that_was_visited_says_so(client, key, connection):
    connection.execute(
        "with made as (insert into core.partner (external_id, name)"
        " values ('screen', 'Screen'), ('stage', 'Stage') returning id, external_id)"
        " update core.offer set partner_id = made.id from made"
        " where made.external_id = 'screen' and offer.external_id = 'film-tonight'"
    )
    partner = {
        name: {"X-API-Key": create_key(connection, "backoffice", name, NOW, name)}
        for name in ("screen", "stage")
    }
    booking = book(client, key, user_id="reader").json()["booking_id"]
    path = f"/v1/bookings/{booking}/use"
    assert client.post(path, headers=partner["stage"]).status_code == 403
    assert client.post(path, headers=key).status_code == 403
    for _ in range(2):
        assert client.post(path, headers=partner["screen"]).json()["state"] == "used"
    refused = client.delete(f"/v1/bookings/{booking}", headers=key)
    assert (refused.status_code, refused.json()["rule"]) == (409, "state")


def test_bookings_come_in_pages(client, key):
    for stock in ("film-tonight", "classic-soon", "manga-shop"):
        assert book(client, key, stock, user_id="villager").status_code == 201
    seen, cursor = [], None
    while True:
        params = {"n": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/users/villager/bookings", params=params, headers=key).json()
        seen += [b["stock_id"] for b in page["bookings"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["manga-shop", "classic-soon", "film-tonight"]


@pytest.mark.parametrize(
    "cursor", ["x", "WyJ4Iiwx", "WzEsIDJd", "WyJ4IiwgMV0", "WyJcdTAwMDAiLDFd", "é"]
)
def test_a_cursor_that_was_not_given_is_refused(client, key, cursor):
    asked = {"cursor": cursor}
    response = client.get("/v1/users/reader/bookings", params=asked, headers=key)
    assert (response.status_code, response.json()["field"]) == (422, "cursor")


def test_whoever_waits_to_write_keeps_no_feed_waiting(client, key, connection):
    worker = client.app.state.worker
    worker.writers.longest_wait_s = 0.05
    create_partner(connection, "lune", "Théâtre de la Lune")
    partner = {"X-API-Key": create_key(connection, "backoffice", "tests", NOW, "lune")}
    viewed = {"user_id": "reader", "offer_id": "manga-shop", "kind": "view"}
    sent = [
        ("PUT", "/v1/users/new", {"birth_date": "2008-06-01"}, key, 200),
        ("POST", "/v1/users/reader/tastes", {"categories": []}, key, 200),
        ("POST", "/v1/interactions", {"interactions": [viewed]}, key, 200),
        ("DELETE", "/v1/bookings/nowhere", None, key, 404),
        ("POST", "/v1/bookings/nowhere/use", None, partner, 404),
        ("PUT", "/v1/backoffice/venues/hall", {"name": "Hall", "lat": 45, "lon": 5}, partner, 201),
        ("DELETE", "/v1/backoffice/venues/hall", None, partner, 200),
        ("DELETE", "/v1/backoffice/offers/none", None, partner, 404),
        ("DELETE", "/v1/backoffice/stocks/none", None, partner, 404),
    ]
    with ExitStack() as on_sale:
        for _ in range(worker.settings.pool_size // 2):
            on_sale.enter_context(worker.writers.connected())
        refused = [
            book(client, key, user_id="reader"),
            *(client.request(how, to, json=body, headers=by) for how, to, body, by, _ in sent),
        ]
        for response in refused:
            assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert client.get("/v1/feed?user_id=reader", headers=key).status_code == 200
    assert book(client, key, user_id="reader").status_code == 201
    for how, to, body, by, status in sent:
        assert client.request(how, to, json=body, headers=by).status_code == status


def test_an_account_is_made_with_its_deposit(client, key):
    body = {"birth_date": "2008-06-01", "lat": 45.18854, "lon": 5.7245}
    made = client.put("/v1/users/new", json=body, headers=key).json()
    assert made["granted"]
    assert made["home"] == {"lat": 45.189, "lon": 5.724}
    assert made["credit"]["left_cents"] == 50_000
    again = client.put("/v1/users/new", json=body, headers=key).json()
    assert again == made | {"granted": False}
    assert book(client, key, user_id="new").status_code == 201
    answer = client.get("/v1/feed", headers=token(client, "new")).json()
    assert answer["location_used"]["source"] == "home"


@pytest.mark.parametrize(
    ("user_id", "ways"), [("a/b", ("a/b", "a%2Fb")), ("a\nb", ("a%0Ab",)), ("a\n", ("a%0A",))]
)
def test_an_imported_user_of_an_odd_id_is_a_user_like_any(client, key, connection, user_id, ways):
    rename = "update core.beneficiary set external_id = %s where external_id = 'free'"
    connection.execute(rename, (user_id,))
    for written in ways:
        issued = client.post(f"/v1/users/{written}/token", headers=key).json()["token"]
        own = {"Authorization": f"Bearer {issued}"}
        for what in ("credit", "bookings", "tastes", "favourites"):
            assert client.get(f"/v1/users/{written}/{what}", headers=own).status_code == 200
        assert client.post(f"/v1/users/{written}/tastes", json={}, headers=key).status_code == 200


def test_where_an_account_is_made_a_slip_of_the_pen_makes_no_other(client, key):
    for slip in ("new/", "new/credit", "new/tastes", "a/b"):
        assert client.put(f"/v1/users/{slip}", json={}, headers=key).status_code in {404, 405}


def test_no_account_is_made_under_an_id_with_a_control_character(client, key, connection):
    count = "select count(*) from core.beneficiary"
    before = connection.execute(count).fetchone()
    for control in ("%00", "%09", "%0A", "%0D", "%7F", "%C2%85", "%E2%80%A8"):
        for written in (f"a{control}b", f"a{control}"):
            response = client.put(f"/v1/users/{written}", json={}, headers=key)
            assert (response.status_code, response.json()["field"]) == (422, "user_id")
    assert "no line breaks" in response.json()["detail"]
    assert connection.execute(count).fetchone() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lat": 45}, "lon"),
        ({"birth_date": "soon"}, "birth_date"),
        ({"birth_date": 1209600000}, "birth_date"),
        ({"birth_date": "1209600000"}, "birth_date"),
        ({"birth_date": (NOW + timedelta(days=1)).date().isoformat()}, "birth_date"),
        ({"credit_eur": 1}, "credit_eur"),
    ],
)
def test_bad_accounts_are_named(client, key, body, field):
    response = client.put("/v1/users/new", json=body, headers=key)
    assert (response.status_code, response.json()["field"]) == (422, field)
    assert client.get("/v1/users/new/credit", headers=key).status_code == 404


def test_the_birthday_is_that_of_the_programmes_zone(world, connection):
    """At 23:30 UTC it is the next day in Paris, on which somebody turns eighteen."""
    small_world(connection)
    late = NOW.replace(hour=23, minute=30)
    worker = Worker(Settings(home=world.folder), world, SECRET, lambda: late)
    app = create_app(worker, clock=lambda: late, with_demo=False)
    headers = {"X-API-Key": create_key(connection, "app", "tests", NOW)}
    with TestClient(app) as client:
        body = {"birth_date": "2008-11-24"}
        assert client.put("/v1/users/new", json=body, headers=headers).json()["granted"]
