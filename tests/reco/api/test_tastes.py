"""Stated tastes over HTTP: replaced as a whole, checked by name, and only one's own."""

import math

import pytest
from worlds import NOW

from features.prior import LIKED_CATEGORY, LIKED_GENRE
from reco.core.tastes import Tastes


@pytest.fixture
def tastes(client, key, database):
    """Send and read the tastes of a user; what was sent is gone afterwards."""

    def ask(body=None, user="free", headers=key):
        path = f"/v1/users/{user}/tastes"
        if body is None:
            return client.get(path, headers=headers)
        return client.post(path, json=body, headers=headers)

    yield ask
    database.execute("delete from core.taste")


def test_what_is_said_is_kept_and_replaces_what_was_said(tastes):
    assert tastes().json() == {
        "user_id": "free",
        "categories": [],
        "genres": [],
        "items": [],
        "stated_at": None,
    }
    body = {"categories": ["SPECTACLE", "CINEMA", "CINEMA"], "genres": ["genre of film"]}
    said = tastes(body).json()
    assert said["categories"] == ["CINEMA", "SPECTACLE"]
    assert said["genres"] == ["genre of film"]
    assert said["stated_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert tastes({"items": ["manga"]}).json() == tastes().json()
    assert tastes().json() | {"stated_at": 0} == {
        "user_id": "free",
        "categories": [],
        "genres": [],
        "items": ["manga"],
        "stated_at": 0,
    }
    assert tastes({}).json()["stated_at"] is None


@pytest.mark.parametrize(
    ("body", "field", "accepted"),
    [
        ({"categories": ["CINEMA", "FILMS"]}, "categories[1]", ["CINEMA", "LIVRE", "SPECTACLE"]),
        ({"genres": ["polka"]}, "genres[0]", None),
        ({"items": ["novel", "no-such"]}, "items[1]", []),
        ({"colours": ["red"]}, "colours", []),
        ({"items": ["novel"] * 101}, "items", []),
    ],
)
def test_bad_tastes_are_named_and_nothing_changes(tastes, body, field, accepted):
    before = tastes({"categories": ["LIVRE"]}).json()
    response = tastes(body)
    assert response.status_code == 422
    assert response.json()["field"] == field
    if accepted is None:
        assert "genre of film" in response.json()["accepted"]
    else:
        assert response.json().get("accepted", []) == accepted
    assert tastes().json() == before


def test_of_an_unknown_user_there_is_nothing(tastes):
    assert tastes(user="nobody").status_code == 404
    assert tastes({"categories": ["LIVRE"]}, user="nobody").status_code == 404


def test_a_token_opens_its_own_tastes_only(client, key, tastes):
    token = client.post("/v1/users/free/token", headers=key).json()["token"]
    mine = {"Authorization": f"Bearer {token}"}
    assert tastes({"categories": ["LIVRE"]}, headers=mine).status_code == 200
    assert tastes(headers=mine).status_code == 200
    assert tastes(user="reader", headers=mine).status_code == 403
    assert tastes({}, user="reader", headers=mine).status_code == 403


def test_genres_are_listed(client, key):
    genres = client.get("/v1/genres", headers=key).json()["genres"]
    assert genres == sorted(genres)
    assert "genre of film" in genres


def test_each_value_is_a_row_once():
    assert Tastes(("a", "a"), ("a",), ()).rows() == [("category", "a"), ("genre", "a")]


def test_the_very_next_feed_heeds_it(client, key, tastes):
    def chances():
        asked = {"user_id": "free", "floor": 1}
        items = client.get("/v1/feed", params=asked, headers=key).json()["items"]
        return {item["item_id"]: item["probability"] for item in items}

    def log_odds(chance):
        return math.log(chance / (1 - chance))

    before = chances()
    assert before["play"] < before["manga"]
    tastes({"categories": ["SPECTACLE"], "genres": ["genre of play"]})
    after = chances()
    assert list(after).index("play") < list(after).index("manga")
    # Nothing else is known of this person, so that both count in full.
    gain = log_odds(after["play"]) - log_odds(before["play"])
    assert gain == pytest.approx(LIKED_CATEGORY + LIKED_GENRE, rel=1e-5)
    assert after["manga"] == pytest.approx(before["manga"])
    tastes({})
    assert chances() == before
