"""Who may ask: keys, scopes, tokens, and demo sessions on the loopback interface alone."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from worlds import NOW

from reco.api.keys import REMEMBERED, create_key, list_keys, revoke_key
from reco.api.tokens import LIFETIME, Bearer, bearer_of, issue_token
from reco.core.accounts import account_number
from reco.core.partners import create_partner
from reco.errors import InvalidInput, NotFound, Unauthorized
from reco.people.erase import erase_person

SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture
def at_noon(clock):
    yield clock
    clock.now = NOW


def status(client, headers, path="/v1/feed?user_id=reader"):
    return client.get(path, headers=headers).status_code


def test_no_key_is_refused_with_how_to_ask(client):
    response = client.get("/v1/feed")
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert "X-API-Key" in response.json()["detail"]


@pytest.mark.parametrize("is_announced", [True, False])
def test_nobody_without_a_key_fills_the_memory(client, is_announced):
    body = b'{"interactions": ["' + b"x" * 1_000_000 + b'"]}'
    for path in ("/v1/interactions", "/v1/bookings"):
        content = body if is_announced else iter([body[:600_000], body[600_000:]])
        response = client.post(path, content=content, headers={"Content-Type": "application/json"})
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/problem+json"
        assert "1,000,000 bytes" in response.json()["detail"]
    assert client.post("/v1/bookings", content=b" " * 1_000_000).status_code == 401


@pytest.mark.parametrize("wrong", ["", "x", ".", "a.b", "é.é", "a\0.b", f"{0:012x}.b"])
def test_a_wrong_key_is_refused(client, wrong):
    assert status(client, {"X-API-Key": wrong.encode()}) == 401


def test_a_right_prefix_with_a_wrong_secret_is_refused(client, key):
    prefix = key["X-API-Key"].split(".")[0]
    assert status(client, {"X-API-Key": f"{prefix}.wrong"}) == 401
    assert status(client, key) == 200


def test_the_secret_is_not_kept(database):
    made = create_key(database, "app", "kept?", NOW)
    rows = database.execute("select t::text from reco.api_key t").fetchall()
    assert made.split(".")[1] not in str(rows)


def test_a_revoked_key_stops_within_half_a_minute(client, database, at_noon):
    made = create_key(database, "app", "short", NOW)
    headers = {"X-API-Key": made}
    assert status(client, headers) == 200
    revoke_key(database, made.split(".")[0], NOW)
    at_noon.now = NOW + REMEMBERED
    assert status(client, headers) == 401
    assert [k.revoked_at for k in list_keys(database) if k.label == "short"] == [NOW]


def test_a_revoked_key_stops_though_the_clock_is_set_back(client, database, at_noon):
    made = create_key(database, "app", "set back", NOW)
    assert status(client, {"X-API-Key": made}) == 200
    revoke_key(database, made.split(".")[0], NOW)
    at_noon.now = NOW - timedelta(hours=1)
    assert status(client, {"X-API-Key": made}) == 401


def test_scopes(client, database):
    with pytest.raises(InvalidInput, match="scope"):
        create_key(database, "root", "x", NOW)
    with pytest.raises(NotFound):
        revoke_key(database, "none", NOW)
    with pytest.raises(InvalidInput, match="partner"):
        create_key(database, "backoffice", "of nobody", NOW)
    create_partner(database, "lune", "Théâtre de la Lune")
    with pytest.raises(InvalidInput, match="partner"):
        create_key(database, "app", "x", NOW, "lune")
    with pytest.raises(NotFound, match="soleil"):
        create_key(database, "backoffice", "x", NOW, "soleil")
    office = {"X-API-Key": create_key(database, "backoffice", "office", NOW, "lune")}
    assert [k.partner_id for k in list_keys(database) if k.label == "office"] == ["lune"]
    assert status(client, office) == 403
    assert client.post("/v1/users/reader/token", headers=office).status_code == 403
    admin = {"X-API-Key": create_key(database, "admin", "admin", NOW)}
    assert status(client, admin) == 200


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_token_opens_its_own_users_resources_only(client, key, at_noon):
    issued = client.post("/v1/users/reader/token", headers=key).json()
    mine = bearer(issued["token"])
    assert status(client, mine, "/v1/feed") == 200
    assert status(client, mine) == 200
    assert status(client, mine, "/v1/feed?user_id=free") == 403
    assert client.post("/v1/users/reader/token", headers=mine).status_code == 403
    theirs = {"interactions": [{"user_id": "free", "offer_id": "manga-shop", "kind": "view"}]}
    assert client.post("/v1/interactions", json=theirs, headers=mine).status_code == 403
    at_noon.now = NOW + LIFETIME
    assert status(client, mine) == 401


def test_only_our_own_tokens_count():
    good = issue_token("u", 7, SECRET, NOW).token
    assert bearer_of(good, SECRET, NOW + timedelta(minutes=59)) == Bearer("u", 7)
    head, body, signature = good.split(".")
    for forged in (
        issue_token("u", 7, SECRET[::-1], NOW).token,
        f"{head}.{body}.{signature[:-2]}",
        f"eyJhbGciOiJub25lIn0.{body}.",
        "",
    ):
        with pytest.raises(Unauthorized):
            bearer_of(forged, SECRET, NOW)


def test_a_token_of_the_erased_opens_nothing_of_the_next_of_that_id(client, key, api_world):
    def registered():
        assert client.put("/v1/users/lee", json={}, headers=key).status_code == 200
        return bearer(client.post("/v1/users/lee/token", headers=key).json()["token"])

    before = client.post("/v1/users/lee/token", headers=key).json()["token"]
    theirs = registered()
    asked = [
        ("GET", "/v1/users/lee/credit", None),
        ("GET", "/v1/users/lee/bookings", None),
        ("GET", "/v1/users/lee/tastes", None),
        ("GET", "/v1/users/lee/favourites", None),
        ("POST", "/v1/users/lee/tastes", {}),
        ("GET", "/v1/feed", None),
        (
            "POST",
            "/v1/interactions",
            {"interactions": [{"offer_id": "play-friday", "kind": "view"}]},
        ),
    ]

    def statuses(headers):
        return {
            client.request(way, path, json=body, headers=headers).status_code
            for way, path, body in asked
        }

    assert statuses(theirs) == {200}
    erase_person(api_world, "lee", NOW)
    assert statuses(theirs) == {401}
    next_one = registered()
    assert statuses(theirs) == statuses(bearer(before)) == {401}
    assert statuses(next_one) == {200}
    booking = {"stock_id": "guide-free", "quantity": 1}
    refused = client.post(
        "/v1/bookings", json=booking, headers=theirs | {"Idempotency-Key": "old phone"}
    )
    assert refused.status_code == 401
    assert client.delete("/v1/bookings/1", headers=theirs).status_code == 401
    # What is nobody's stays open.
    assert client.get("/v1/categories", headers=theirs).status_code == 200


WRONG = [
    ("GET", "/v1/feed?radius=5", b""),
    ("GET", "/v1/feed?n=0", b""),
    ("GET", "/v1/feed?n=few", b""),
    ("GET", "/v1/feed?from=soon", b""),
    ("GET", "/v1/feed?category=NONE", b""),
    ("GET", "/v1/feed?cursor=x", b""),
    ("GET", "/v1/users/kim/credit?radius=5", b""),
    ("GET", "/v1/users/kim/bookings?n=0", b""),
    ("GET", "/v1/users/kim/favourites?n=0", b""),
    ("POST", "/v1/users/kim/tastes", b"{"),
    ("POST", "/v1/interactions", b"{"),
    ("POST", "/v1/interactions", b"\xff"),
    ("POST", "/v1/bookings", b"[]"),
    ("DELETE", "/v1/bookings/1?radius=5", b""),
]


def test_who_asks_comes_before_what_is_asked_wrongly(client, key, api_world):
    def statuses(headers):
        sent = headers | {"Content-Type": "application/json"}
        return {
            client.request(way, path, content=body, headers=sent).status_code
            for way, path, body in WRONG
        }

    client.put("/v1/users/kim", json={}, headers=key)
    theirs = bearer(client.post("/v1/users/kim/token", headers=key).json()["token"])
    assert statuses(theirs) == statuses(key) == {400, 422}
    erase_person(api_world, "kim", NOW)
    over = bearer(issue_token("free", None, SECRET, NOW - LIFETIME).token)
    for nobody in (theirs, over, bearer("x"), {"X-API-Key": "wrong"}, {}):
        assert statuses(nobody) == {401}
    # What is nobody's stays open, and says what is wrong with the question.
    assert status(client, theirs, "/v1/search?n=0") == 422


def test_a_cursor_is_no_token(client, key):
    page = client.get("/v1/feed?user_id=reader&n=1", headers=key).json()
    assert status(client, bearer(page["next_cursor"])) == 401


def test_a_demo_session_speaks_for_somebody_with_a_home(client):
    session = client.post("/v1/demo/session").json()
    assert session["user_id"] == session["users"][0]["user_id"]
    assert status(client, bearer(session["token"]), "/v1/feed") == 200
    last = session["users"][-1]["user_id"]
    assert last != session["user_id"]
    chosen = client.post("/v1/demo/session", json={"user_id": last}).json()
    assert chosen["user_id"] == last


def test_a_demo_session_is_of_somebody_listed_or_goes_on(client, database):
    def answer(user, **headers):
        return client.post("/v1/demo/session", json={"user_id": user}, headers=headers)

    def token(user, account, ago=timedelta()):
        return bearer(issue_token(user, account, SECRET, NOW - ago).token)

    listed = {person["user_id"] for person in client.post("/v1/demo/session").json()["users"]}
    assert "late" not in listed
    account = account_number(database, "late")
    assert answer("late").status_code == 403
    assert answer("late", **bearer("not issued here")).status_code == 403
    assert answer("late", **token("free", account)).status_code == 403
    assert answer("late", **token("late", account + 1)).status_code == 403
    assert answer("late", **token("late", account, LIFETIME + timedelta(days=7))).status_code == 403
    renewed = answer("late", **token("late", account, LIFETIME + timedelta(days=6)))
    assert renewed.json()["user_id"] == "late"
    assert status(client, bearer(renewed.json()["token"]), "/v1/feed") == 200


@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "10.0.0.7"), ("evil.example", "127.0.0.1")]
)
def test_no_demo_session_from_elsewhere(client, host, address):
    elsewhere = TestClient(client.app, base_url=f"http://{host}", client=(address, 5))
    assert elsewhere.post("/v1/demo/session").status_code == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("a{b}.evil.example", 403),
        ("evil.example#", 403),
        ("localhost@evil.example", 403),
        ("evil.example:99999", 403),
        ("[", 403),
        ("", 403),
    ],
)
def test_a_demo_session_asks_for_the_host_as_it_was_sent(client, host, status):
    near = TestClient(client.app, client=("127.0.0.1", 5))
    assert near.post("/v1/demo/session", headers={"Host": host}).status_code == status
