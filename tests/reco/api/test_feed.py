"""GET /v1/feed: its body, its errors, and that nothing asked breaks it."""

from collections import Counter
from dataclasses import fields
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from worlds import GRENOBLE, NOW

from reco.api.examples import FEED
from reco.feed.answer import FeedAnswer, FeedItem
from reco.feed.cursor import MAX_SHOWN


def problem_of(response, status=422):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert document["title"]
    return document


def test_the_body_is_the_one_that_is_documented(client, key):
    body = client.get("/v1/feed", params={"user_id": "reader"}, headers=key).json()
    assert list(body) == [field.name for field in fields(FeedAnswer)]
    assert list(body["items"][0]) == [field.name for field in fields(FeedItem)]
    TypeAdapter(FeedAnswer).validate_python(body)
    TypeAdapter(FeedAnswer).validate_python(FEED)
    assert list(FEED) == list(body)


def test_pages_end_where_the_documentation_says(client, key, monkeypatch):
    document = client.get("/openapi.json").json()
    parameters = document["paths"]["/v1/feed"]["get"]["parameters"]
    told = {one["name"]: one["description"] for one in parameters if "description" in one}
    assert f"once {MAX_SHOWN} offers" in told["cursor"]
    monkeypatch.setattr("reco.feed.present.MAX_SHOWN", 2)
    asked = {"user_id": "reader"}
    assert client.get("/v1/feed", params={**asked, "n": 1}, headers=key).json()["next_cursor"]
    body = client.get("/v1/feed", params={**asked, "n": 2}, headers=key).json()
    assert len(body["items"]) == 2
    assert body["next_cursor"] is None


def test_an_offer_says_whether_it_is_for_two(client, key, database):
    change = "update core.offer set is_duo = %s where external_id = 'play-friday'"
    database.execute(change, (True,))
    try:
        body = client.get("/v1/feed", params={"user_id": "reader"}, headers=key).json()
        one = client.get("/v1/offers/play-friday", headers=key).json()
    finally:
        database.execute(change, (False,))
    assert len(body["items"]) > 2
    assert [item["offer_id"] for item in body["items"] if item["is_duo"]] == ["play-friday"]
    assert one["is_duo"]


def recorded(database, answer, columns):
    """Return what is on record of an answer's slate."""
    row = None
    while row is None:  # the recorder writes after the answer
        row = database.execute(
            f"select {columns} from reco.slate where id = %s", (answer["slate_id"],)
        ).fetchone()
    return row


@pytest.mark.parametrize("asked", [{}, {"user_id": "nowhere"}, {"radius_km": 5}])
def test_without_a_place_no_radius_is_told_nor_recorded(client, key, database, asked):
    body = client.get("/v1/feed", params=asked, headers=key).json()
    assert body["location_used"] == {"lat": None, "lon": None, "source": "none"}
    assert body["radius_m"] is None
    assert "no_location_nationwide" in body["notes"]
    row = recorded(database, body, "location, radius_m, (query ->> 'radius_m')::real")
    assert row == (None, None, 1_000.0 * asked.get("radius_km", 50))


def test_the_slate_is_recorded_with_the_place_rounded(client, key, database):
    body = client.get(
        "/v1/feed",
        params={"user_id": "reader", "lat": GRENOBLE[1] + 0.0001, "lon": GRENOBLE[0] + 0.0004},
        headers=key,
    ).json()
    row = recorded(
        database,
        body,
        "array_length(offers, 1), st_x(location::geometry), st_y(location::geometry),"
        " model_version, query ->> 'n'",
    )
    assert row == (len(body["items"]), 5.725, 45.189, "none", "20")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"lat": 45.0}, "lon"),
        ({"lon": 5.0}, "lat"),
        ({"lat": "nan", "lon": 5.0}, "lat"),
        ({"radius_km": 201}, "radius_km"),
        ({"radius_km": "nan"}, "radius_km"),
        ({"n": 0}, "n"),
        ({"n": "many"}, "n"),
        ({"floor": 2}, "floor"),
        ({"intensity": 0.5}, "intensity"),
        ({"intensity": 1001}, "intensity"),
        ({"intensity": "nan"}, "intensity"),
        ({"points_a_booking": 0}, "points_a_booking"),
        ({"points_a_booking": -180}, "points_a_booking"),
        ({"points_a_booking": "nan"}, "points_a_booking"),
        ({"points_a_booking": "inf"}, "points_a_booking"),
        ({"points_a_booking": "dear"}, "points_a_booking"),
        ({"min_new_categories": -1}, "min_new_categories"),
        ({"min_new_categories": 21}, "min_new_categories"),
        ({"min_new_categories": 3, "n": 2}, "min_new_categories"),
        ({"max_per_category": 0}, "max_per_category"),
        ({"max_per_category": 3, "n": 2}, "max_per_category"),
        ({"max_per_category": "few"}, "max_per_category"),
        ({"lang": "de"}, "lang"),
        ({"from": "tomorrow"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "2026-12-03", "to": "2026-12-01"}, "to"),
        ({"max_price_eur": "inf"}, "max_price_eur"),
        ({"cursor": "made.up.here"}, "cursor"),
    ],
)
def test_a_bad_parameter_is_named(client, key, asked, field):
    response = client.get("/v1/feed", params={"user_id": "reader", **asked}, headers=key)
    assert problem_of(response)["field"] == field


def test_an_unknown_category_lists_the_known(client, key):
    response = client.get("/v1/feed", params={"category": "THEATRE"}, headers=key)
    document = problem_of(response)
    assert document["accepted"] == ["CINEMA", "LIVRE", "SPECTACLE"]


def test_a_date_includes_its_day_in_the_worlds_zone(client, key):
    day = f"{NOW + timedelta(days=4.3):%Y-%m-%d}"
    body = client.get(
        "/v1/feed",
        params={"user_id": "reader", "from": day, "to": day, "category": "SPECTACLE"},
        headers=key,
    ).json()
    assert [item["offer_id"] for item in body["items"]] == ["play-friday"]


def test_a_date_is_one_of_the_zone_that_is_asked_for(client, key):
    asked = {"user_id": "reader", "category": "CINEMA", "from": "2026-11-24", "to": "2026-11-24"}
    for tz, shown in (("Europe/Paris", []), ("Pacific/Noumea", ["film-tonight"])):
        body = client.get("/v1/feed", params=asked | {"tz": tz}, headers=key).json()
        assert [item["offer_id"] for item in body["items"]] == shown


def test_pages_lead_on_to_what_was_not_shown(client, key):
    asked = {"user_id": "reader", "n": 2, "radius_km": 50}
    first = client.get("/v1/feed", params=asked, headers=key).json()
    second = client.get(
        "/v1/feed", params={**asked, "cursor": first["next_cursor"]}, headers=key
    ).json()
    shown = [item["item_id"] for page in (first, second) for item in page["items"]]
    assert len(set(shown)) == len(shown) == 4


def test_a_cursor_that_is_over_changed_or_of_another_question_is_told_apart(client, key, clock):
    asked = {"user_id": "reader", "n": 2, "radius_km": 50}
    cursor = client.get("/v1/feed", params=asked, headers=key).json()["next_cursor"]

    def refused(status=422, **other):
        response = client.get("/v1/feed", params={**asked, "cursor": cursor, **other}, headers=key)
        document = problem_of(response, status)
        assert document["field"] == "cursor"
        return document["detail"]

    assert "another question" in refused(user_id="free")
    assert "was changed" in refused(cursor=cursor[:-1])
    clock.now = NOW + timedelta(minutes=31)
    try:
        assert "it is over, 30 minutes after its page" in refused(410)
        assert "was changed" in refused(cursor=cursor[:-1])
    finally:
        clock.now = NOW


numbers = st.one_of(
    st.none(),
    st.floats(-400, 400),
    st.sampled_from(["nan", "inf", "-inf", "", "1e400", "x", "0x1"]),
)
asked_of_a_feed = st.fixed_dictionaries(
    {},
    optional={
        "user_id": st.sampled_from(["reader", "who", "", "a\x00", "'; drop table core.item"]),
        "lat": numbers,
        "lon": numbers,
        "radius_km": numbers,
        "n": st.one_of(st.integers(-2, 120), st.just("x")),
        "floor": numbers,
        "intensity": numbers,
        "points_a_booking": numbers,
        "min_new_categories": st.integers(-1, 5),
        "max_per_category": st.integers(-1, 5),
        "lang": st.sampled_from(["fr", "en", "", "de"]),
        "max_price_eur": numbers,
        "from": st.sampled_from(["2026-11-24", "2026-11-24T20:00", "never", "0001-01-01", ""]),
        "to": st.sampled_from(["2026-11-25", "9999-12-31", "2026-11-25T00:00Z", "2026-13-01"]),
        "category": st.sampled_from(["LIVRE", "livre", "\x00"]),
        "cursor": st.sampled_from(["", "x", "a.b.c"]),
    },
)


@given(asked=asked_of_a_feed)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_is_answered_or_refused(client, key, asked):
    params = {name: value for name, value in asked.items() if value is not None}
    response = client.get("/v1/feed", params=params, headers=key)
    if response.status_code == 200:
        body = response.json()
        items = [item["item_id"] for item in body["items"]]
        assert len(set(items)) == len(items) <= int(params.get("n", 20))
        assert all(
            item["distance_m"] is None or item["distance_m"] <= body["radius_m"]
            for item in body["items"]
        )
    else:
        assert problem_of(response)["field"] in params | {"lat": 0, "lon": 0}


@pytest.mark.parametrize(
    ("lang", "accepted", "words"),
    [
        (None, None, "nouvel univers\N{NO-BREAK SPACE}: Spectacle, +25"),
        (None, "en-GB, en;q=0.8, fr;q=0.5", "new world: Stage, +25"),
        (None, "de, fr;q=0.2, en;q=0.1", "nouvel univers\N{NO-BREAK SPACE}: Spectacle, +25"),
        (None, "fr;q=0, en;q=0.1", "new world: Stage, +25"),
        (None, ";;q=x, *", "nouvel univers\N{NO-BREAK SPACE}: Spectacle, +25"),
        ("en", "fr", "new world: Stage, +25"),
    ],
)
def test_explanations_are_in_the_language_that_the_caller_reads(client, key, lang, accepted, words):
    headers = key | ({"Accept-Language": accepted} if accepted else {"Accept-Language": ""})
    asked = {"user_id": "reader", "category": "SPECTACLE"} | ({"lang": lang} if lang else {})
    body = client.get("/v1/feed", params=asked, headers=headers).json()
    assert words in [told["text"] for told in body["items"][0]["explanation"]]


def test_the_floor_of_the_slate_and_the_new_categories_can_be_asked_for(client, key):
    asked = {"user_id": "reader", "n": 2, "radius_km": 50}
    likeliest = client.get("/v1/feed", params={**asked, "floor": 1}, headers=key).json()
    assert likeliest["relevance_kept"] == 1.0
    assert [told["code"] for told in likeliest["explanation"]] == ["likeliest_slate"]
    asked |= {"floor": 0, "intensity": 100, "min_new_categories": 2}
    widest = client.get("/v1/feed", params=asked, headers=key).json()
    assert {item["category"] for item in widest["items"]} == {"CINEMA", "SPECTACLE"}
    assert widest["horizon"]["intensity"] == 100.0


def test_a_category_has_no_more_of_the_slate_than_is_asked_for(client, key):
    asked = {"user_id": "free", "n": 6, "radius_km": 50, "floor": 1}

    def count(**quota):
        body = client.get("/v1/feed", params=asked | quota, headers=key).json()
        return Counter(item["category"] for item in body["items"])

    assert count() == {"LIVRE": 3, "CINEMA": 2, "SPECTACLE": 1}
    assert count(max_per_category=2) == {"LIVRE": 2, "CINEMA": 2, "SPECTACLE": 2}


def test_a_price_of_relevance_can_be_asked_for_with_and_without_a_floor(client, key, database):
    asked = {"user_id": "reader", "n": 2, "radius_km": 50}

    def shown(**dials):
        return client.get("/v1/feed", params=asked | dials, headers=key).json()

    likeliest, dearest = shown(floor=1), shown(points_a_booking=1e6)
    cheap, kept = shown(points_a_booking=1), shown(points_a_booking=1, floor=0.999)
    offers = [[item["offer_id"] for item in body["items"]] for body in (likeliest, dearest, cheap)]
    assert offers[0] == offers[1] != offers[2]
    assert [body["floor"] for body in (likeliest, dearest, cheap, kept)] == [1.0, 0.0, 0.0, 0.999]
    prices = [body["points_a_booking"] for body in (likeliest, dearest, cheap, kept)]
    assert prices == [None, 1e6, 1.0, 1.0]
    assert kept["relevance_kept"] >= 0.999 > cheap["relevance_kept"]
    told = {one["code"]: one for one in cheap["explanation"]}
    assert told["points_a_booking"]["parameters"] == {"points_a_booking": 1.0}
    assert told["relevance_kept"]["parameters"]["floor"] == 0.0
    row = recorded(database, kept, "query -> 'points_a_booking', query -> 'floor'")
    assert row == (1.0, 0.999)
