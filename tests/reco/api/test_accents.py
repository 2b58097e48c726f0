"""Letters have their accents in one piece or in two: over HTTP both are one name."""

import unicodedata

import psycopg
import pytest
from worlds import GRENOBLE, NOW, small_world

from reco.api.keys import create_key
from reco.core.partners import bind_venues, create_partner

THEATRE, COMEDY = "Théâtre", "comédie"
CINEMA, SAGA = (unicodedata.normalize("NFD", name) for name in ("Cinéma", "épopée"))
"""As they were stored before names were composed."""
TOWN = {"lat": GRENOBLE[1], "lon": GRENOBLE[0]}


def both(name):
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    assert forms[0] != forms[1]
    return forms


@pytest.fixture(scope="module")
def api_world(new_world):
    world = new_world()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        for before, name in (("SPECTACLE", THEATRE), ("CINEMA", CINEMA)):
            connection.execute("update core.category set name = %s where name = %s", (name, before))
        for item, genre in (("play", COMEDY), ("film", SAGA)):
            connection.execute(
                "update core.item set genres = %s where external_id = %s", ([genre], item)
            )
    return world


@pytest.mark.parametrize(("name", "item"), [(THEATRE, "play"), (CINEMA, "film")])
@pytest.mark.parametrize("path", ["/v1/feed", "/v1/search"])
def test_a_category_is_asked_for_either_way_and_pages_go_on(client, key, path, name, item):
    for form in both(name):
        asked = {**TOWN, "category": form, "n": 1}
        first = client.get(path, params=asked, headers=key).json()
        cursor = first["next_cursor"]
        second = client.get(path, params=asked | {"cursor": cursor}, headers=key).json()
        shown = [one for page in (first, second) for one in page["items"]]
        assert item in {one["item_id"] for one in shown}
        assert [one["category"] for one in shown] == [name] * 2


def test_tastes_are_stated_either_way_and_kept_as_they_are_known(client, key, database):
    for place in (0, 1):
        body = {
            "categories": [both(name)[place] for name in (THEATRE, CINEMA)],
            "genres": [both(name)[place] for name in (COMEDY, SAGA)],
        }
        said = client.post("/v1/users/free/tastes", json=body, headers=key).json()
        assert set(said["categories"]) == {THEATRE, CINEMA}
        assert set(said["genres"]) == {COMEDY, SAGA}
    database.execute("delete from core.taste")


def test_what_partners_write_is_composed_and_of_the_category_that_is_there(client, database):
    create_partner(database, "lune", "Lune")
    bind_venues(database, "lune", ["cinema"])
    office = {"X-API-Key": create_key(database, "backoffice", "lune", NOW, "lune")}

    def put(path, body):
        answer = client.put(f"/v1/backoffice/{path}", json=body, headers=office)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()["outcome"]

    place = {"lat": 45.19, "lon": 5.72}
    venues, works, outcomes = set(), set(), []
    for category in (THEATRE, CINEMA):
        for form in (0, 1):
            kind, title, genre = (both(name)[form] for name in ("médiathèque", "Été", COMEDY))
            work = {"title": title, "category": both(category)[form], "genres": [genre]}
            outcomes += [
                put("venues/hall", place | {"name": title, "venue_type": kind}),
                put(f"offers/{category}", {"venue_id": "cinema", "item": work}),
            ]
            venues |= set(
                database.execute(
                    "select name, venue_type from core.venue where partner_ref = 'hall'"
                )
            )
            works |= set(
                database.execute(
                    "select i.title, i.genres[1], c.name from core.item i"
                    " join core.category c on c.id = i.category_id where i.partner_ref is not null"
                )
            )
    assert venues == {("Été", "médiathèque")}
    assert works == {("Été", COMEDY, THEATRE), ("Été", COMEDY, CINEMA)}
    # The same in other pieces is no change.
    once = ["created", "created", "unchanged", "unchanged"]
    assert outcomes == [*once, "unchanged", *once[1:]]
