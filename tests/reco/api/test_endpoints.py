"""The other endpoints: offers, likeness, venues, interactions, health, pages, documentation."""

from datetime import timedelta
from uuid import uuid4

import pytest
from worlds import FAR, GRENOBLE, NOW


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


def send(client, key, *interactions):
    return client.post("/v1/interactions", json={"interactions": list(interactions)}, headers=key)


def row(**changes):
    return {"user_id": "free", "offer_id": "manga-shop", "kind": "view"} | changes


def kept(database):
    return database.execute("select count(*) from core.interaction").fetchone()[0]


def test_interactions_are_kept_once_with_their_slate(client, key, database):
    before, slate = kept(database), str(uuid4())
    batch = [row(), row(kind="click", slate_id=slate), row()]
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
        ({"kind": "booking"}, "interactions[1].kind"),
        ({"at": (NOW + timedelta(hours=1)).isoformat()}, "interactions[1].at"),
        ({"at": "2026-11-23T12:00:00"}, "interactions[1].at"),
        ({"user_id": None}, "interactions[1].user_id"),
        ({"slate_id": "x"}, "interactions[1].slate_id"),
        ({"surplus": 1}, "interactions[1].surplus"),
    ],
)
def test_one_bad_interaction_refuses_all_and_is_named(client, key, database, bad, field):
    before = kept(database)
    response = send(client, key, row(kind="favourite"), row(**bad))
    assert response.status_code == 422
    assert response.json()["field"] == field
    assert kept(database) == before


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


def test_alive_and_ready(client):
    assert client.get("/healthz").json()["status"] == "alive"
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["missing"] == ["model: none is published; popularity is served"]


def test_categories(client, key):
    assert get(client, key, "/v1/categories").json() == {
        "categories": ["CINEMA", "LIVRE", "SPECTACLE"]
    }


def test_the_first_page_may_load_from_here_alone(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert client.get("/nothing").headers["content-type"] == "application/problem+json"


def test_every_endpoint_is_documented(client):
    assert client.get("/docs").status_code == 200
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) >= {
        "/v1/feed",
        "/v1/offers/{offer_id}",
        "/v1/offers/{offer_id}/similar",
        "/v1/interactions",
        "/v1/venues/near",
        "/v1/users/{user_id}/token",
        "/healthz",
        "/readyz",
    }
    feed = document["paths"]["/v1/feed"]["get"]
    assert "example" in feed["responses"]["200"]["content"]["application/json"]
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["description"]
