"""Whatever an endpoint does not declare is refused, wherever it is asked."""

import re

import pytest
from fastapi.routing import iter_route_contexts

UNKNOWN = {"no_such_parameter": "1"}


def operations(client):
    """Return every method and path that the application answers, with what it declares."""
    document = client.app.openapi()["paths"]
    for route in iter_route_contexts(client.app.routes):
        for method in route.methods - {"HEAD"}:
            told = document.get(route.path_format, {}).get(method.lower(), {})
            asked = [one for one in told.get("parameters", ()) if one["in"] == "query"]
            path = re.sub(r"{[^}]*}", "x", route.path_format)
            yield method, path, {one["name"]: is_list(one["schema"]) for one in asked}


def is_list(schema):
    return "array" in [one.get("type") for one in (schema, *schema.get("anyOf", ()))]


def below_v1(client):
    found = [one for one in operations(client) if one[1].startswith("/v1/")]
    assert len(found) >= 26
    return found


def test_every_endpoint_refuses_what_it_does_not_declare(client, key):
    for method, path, declared in below_v1(client):
        refused = client.request(method, path, params=UNKNOWN, headers=key)
        assert refused.status_code == 422, (method, path)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["field"] == "no_such_parameter"
        assert refused.json().get("accepted", []) == sorted(declared), (method, path)


def test_every_endpoint_refuses_a_second_one_of_what_may_come_once(client, key):
    tried = 0
    for method, path, declared in below_v1(client):
        for name in [name for name, may_repeat in declared.items() if not may_repeat]:
            twice = client.request(method, path, params=[(name, "1"), (name, "1")], headers=key)
            assert (twice.status_code, twice.json()["field"]) == (422, name), (method, path)
            assert twice.json()["detail"] == f"{name}: it comes 2 times, and may come once."
            tried += 1
    assert tried > 50


def test_who_asks_comes_first(client):
    for method, path, _ in below_v1(client):
        status = client.request(method, path, params=UNKNOWN).status_code
        # Who opens the page's session has no key yet.
        assert status == (422 if path == "/v1/demo/session" else 401), (method, path)
    wrong = {"X-API-Key": "wrong"}, {"Authorization": "Bearer wrong"}
    for headers in wrong:
        assert client.get("/v1/feed", params=UNKNOWN, headers=headers).status_code == 401


def test_a_phone_is_told_too(client, key):
    token = client.post("/v1/users/reader/token", headers=key).json()["token"]
    refused = client.get("/v1/feed?limit=3", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["field"]) == (422, "limit")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            "radius_m=5000",
            "radius_m: is no parameter of this endpoint; perhaps radius_km is meant.",
        ),
        ("categry=LIVRE", "categry: is no parameter of this endpoint; perhaps category is meant."),
        ("from_=2026-11-28", "from_: is no parameter of this endpoint; perhaps from is meant."),
        ("N=3&n=3", "N: is no parameter of this endpoint."),
        ("n=3&xyz=&n=3", "xyz: is no parameter of this endpoint."),
        ("lng=5.7", "lng: is no parameter of this endpoint; perhaps lon is meant."),
        ("Longitude=5.7", "Longitude: is no parameter of this endpoint; perhaps lon is meant."),
        ("latitude=45", "latitude: is no parameter of this endpoint; perhaps lat is meant."),
        ("radius=5", "radius: is no parameter of this endpoint; perhaps radius_km is meant."),
        ("limit=5", "limit: is no parameter of this endpoint; perhaps n is meant."),
        ("page=2", "page: is no parameter of this endpoint; perhaps cursor is meant."),
        ("=1", "query: a parameter without a name was sent."),
    ],
)
def test_what_is_meant_is_told(client, key, asked, told):
    for path in ("/v1/feed", "/v1/search"):
        refused = client.get(f"{path}?{asked}", headers=key).json()
        accepted = ", ".join(refused["accepted"])
        assert refused["detail"] == f"{told} Accepted: {accepted}."


def test_only_what_an_endpoint_has_is_meant(client, key):
    refused = client.get("/v1/categories?limit=5", headers=key).json()
    assert refused["detail"] == "limit: is no parameter of this endpoint, which has none."
    refused = client.get("/v1/offers/film-tonight/similar?lng=5", headers=key).json()
    assert refused["detail"] == "lng: is no parameter of this endpoint. Accepted: n."


def test_a_parameter_without_a_name_is_told_as_such(client, key):
    refused = client.get("/v1/categories?=5", headers=key).json()
    assert refused["detail"] == "query: a parameter without a name was sent."
    assert refused["field"] == "query"


def test_an_endpoint_without_any_says_so(client, key):
    refused = client.get("/v1/categories?lang=fr", headers=key).json()
    assert refused["detail"] == "lang: is no parameter of this endpoint, which has none."
    assert "accepted" not in refused


@pytest.mark.parametrize("path", ["/v1/feed", "/v1/search"])
def test_what_may_be_repeated_may_be(client, key, path):
    asked = f"{path}?from=2026-11-23&category=LIVRE&category=CINEMA"
    assert client.get(asked, headers=key).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/docs", "/openapi.json"])
def test_what_is_not_below_v1_may_be_asked_anyhow(client, path):
    assert client.get(path, params=UNKNOWN).status_code == 200


def test_nothing_is_done_where_it_is_refused(client, key, database):
    person = {"birth_date": "2008-09-14"}
    path = "/v1/users/nobody-yet"
    assert client.put(path, params=UNKNOWN, json=person, headers=key).status_code == 422
    added = "select count(*) from core.beneficiary where external_id = 'nobody-yet'"
    assert database.execute(added).fetchone() == (0,)
