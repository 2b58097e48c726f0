"""Readers of public data sets: hand-written files for the rules, the real ones for the counts."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reco.errors import InvalidInput
from reco.frames.schema import FRAMES
from training.datasets.readers import READERS

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"

MEETUP = {
    "groups.csv": "id,name\n7,Tango\n8,Hiking\n",
    "groups_topics.csv": 'groupId,name\n7,"Dance"\n7,"Argentina"\n',
    "members.csv": "id\nm1\nm2\nm2\n",
    "venues.csv": "id,name,city,lat,lon\n"
    "v1,Hall,Missoula,46.8,-114.0\n"
    "v2,Park,Missoula,0,0\n"
    "v3,Elsewhere,TBD,0,0\n",
    "events.csv": "id,name,time,utc_offset,group_id,venue_id\n"
    "e1,Practica,1600000000000,-21600000,7,v1\n"
    "e1,Practica,1600000000000,-21600000,7,v1\n"
    "e2,  practica ,1700000000000,-25200000,7,v1\n"
    "e3,Practica,1700000000000,-25200000,7,v2\n"
    "e4,Milonga,1700000000000,-25200000,7,\n"
    "e5,Walk,1700000000000,-25200000,8,v3\n",
    "rsvps.csv": "event_id,member_id,guests,response,created\n"
    "e1,m1,0,yes,1599000000000\n"
    "e1,m3,2,yes,1598000000000\n"
    "e2,m1,0,no,1690000000000\n",
}


def written(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def meetup(tmp_path):
    return READERS["meetup"](written(tmp_path, MEETUP))


def by_id(table, key):
    return {row[key]: row for row in table.to_pylist()}


def test_a_series_is_one_item_however_its_name_is_spelt(meetup):
    offers = by_id(meetup["offers"], "offer_id")
    items = {
        stock["stock_id"]: offers[stock["offer_id"]]["item_id"]
        for stock in meetup["stocks"].to_pylist()
    }
    assert items["e1"] == items["e2"] == items["e3"]
    assert len(set(items.values())) == 3
    item = by_id(meetup["items"], "item_id")[items["e1"]]
    assert (item["title"], item["category"], item["genre"]) == (
        "Practica",
        "Tango",
        "Argentina|Dance",
    )


def test_an_event_is_published_with_its_first_answer_or_never_before_it_starts(meetup):
    stocks = by_id(meetup["stocks"], "stock_id")
    assert len(stocks) == meetup["stocks"].num_rows == 5
    assert stocks["e1"]["created_at"] == datetime.fromtimestamp(1_598_000_000, UTC)
    assert stocks["e1"]["starts_at"] == datetime.fromtimestamp(1_600_000_000, UTC)
    assert stocks["e4"]["created_at"] == stocks["e4"]["starts_at"]


def test_a_yes_is_a_booking_with_guests_and_a_no_is_nothing(meetup):
    bookings = [
        (b["user_id"], b["stock_id"], b["quantity"]) for b in meetup["bookings"].to_pylist()
    ]
    assert sorted(bookings) == [("m1", "e1", 1), ("m3", "e1", 3)]
    assert set(by_id(meetup["users"], "user_id")) == {"m1", "m2", "m3"}


def test_unknown_places_are_where_the_city_or_the_group_is(meetup):
    venues = by_id(meetup["venues"], "venue_id")
    assert (venues["v2"]["lat"], venues["v2"]["lon"]) == (46.8, -114.0)
    assert (venues["group-7"]["lat"], venues["group-7"]["lon"]) == (46.8, -114.0)
    assert "v3" not in venues
    assert venues["group-8"]["lat"] == 46.8
    assert venues["v1"]["timezone"] == "America/Denver"


def test_yelp_keeps_the_parts_and_counts(tmp_path):
    frames = READERS["yelp-poi"](
        written(
            tmp_path,
            {
                "train.txt": "0\t1\t5\n",
                "tune.txt": "0\t2\t1\n",
                "test.txt": "3\t1\t2\n",
                "poiCoos.txt": "1\t40.5\t-80.1\n2\t41.5\t-81.1\n",
                "poiCategories.txt": "1\t9\n1\t4\n",
            },
        )
    )
    rows = [
        (r["user_id"], r["offer_id"], r["value"], r["split"])
        for r in frames["interactions"].to_pylist()
    ]
    assert rows == [
        ("u0", "p1", 5.0, "train"),
        ("u0", "p2", 1.0, "valid"),
        ("u3", "p1", 2.0, "test"),
    ]
    items = by_id(frames["items"], "item_id")
    assert (items["p1"]["category"], items["p1"]["genre"]) == ("c9", "c9|c4")
    assert items["p2"]["category"] == "unknown"
    assert by_id(frames["venues"], "venue_id")["p1"]["lon"] == -80.1


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_liked_film_is_a_booking(tmp_path, separator):
    files = {
        "ratings.csv": "userId;movieId;rating;timestamp\n1;7;4.0;86400\n1;8;3.5;0\n",
        "movies.csv": "movieId;title;genres\n7;A;Drama|War\n8;B;(no genres listed)\n",
    }
    frames = READERS["movielens"](
        written(tmp_path, {name: text.replace(";", separator) for name, text in files.items()})
    )
    rows = [(r["offer_id"], r["kind"], r["value"]) for r in frames["interactions"].to_pylist()]
    assert rows == [("7", "booking", 4.0), ("8", "view", 3.5)]
    assert frames["interactions"]["at"][0].as_py() == datetime(1970, 1, 2, tzinfo=UTC)
    assert frames["items"]["genre"].to_pylist() == ["Drama|War", None]


LINES = {"train.txt": "0 5 6 6\n1\n2 5\n", "test.txt": "1 6\n"}


def test_lightgcn_lines_are_a_user_and_items_each_once(tmp_path):
    frames = READERS["lightgcn"](written(tmp_path, LINES))
    rows = [(r["user_id"], r["offer_id"], r["split"]) for r in frames["interactions"].to_pylist()]
    assert rows == [
        ("u0", "i5", "train"),
        ("u0", "i6", "train"),
        ("u2", "i5", "train"),
        ("u1", "i6", "test"),
    ]


def test_lightgcn_takes_the_validation_cut_where_there_is_one(tmp_path):
    cut = {"fit.txt": "0 5\n2 5\n", "valid.txt": "0 6\n"}
    frames = READERS["lightgcn"](written(tmp_path, LINES | cut))
    assert Counter(frames["interactions"]["split"].to_pylist()) == {
        "train": 2,
        "valid": 1,
        "test": 1,
    }


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_missing_file_is_named(name, tmp_path):
    with pytest.raises(InvalidInput, match="there is no file"):
        READERS[name](tmp_path)


def test_a_missing_column_is_named(tmp_path):
    written(tmp_path, MEETUP | {"rsvps.csv": "event_id,member_id\n"})
    with pytest.raises(InvalidInput, match=r"rsvps.csv.*missing columns.*created"):
        READERS["meetup"](tmp_path)


def test_what_is_no_number_is_named(tmp_path):
    written(tmp_path, LINES | {"train.txt": "0 five\n"})
    with pytest.raises(InvalidInput, match=r"train.txt.*whole numbers"):
        READERS["lightgcn"](tmp_path)


REAL = {
    "meetup": (
        "meetup_montana",
        {"items": 576, "offers": 619, "stocks": 1391, "users": 1757, "bookings": 7616},
        {},
    ),
    "yelp-poi": (
        "yelp_poi",
        {"items": 16621, "venues": 16621, "users": 7135, "interactions": 285608},
        {"train": 196866, "valid": 27398, "test": 61344},
    ),
    "movielens": (
        "movielens_small",
        {"items": 9742, "venues": 0, "users": 610, "interactions": 100836},
        {None: 100836},
    ),
    "lightgcn": (
        "gowalla_lightgcn",
        {"items": 40981, "users": 29858, "interactions": 1027370},
        {"train": 719081, "valid": 91047, "test": 217242},
    ),
}


@pytest.mark.parametrize("name", sorted(REAL))
def test_real_data(name):
    folder, counts, parts = REAL[name]
    if not (SHARED / folder).is_dir():
        pytest.skip(f"the data set {folder} is not beside the project (../shared/data)")
    frames = READERS[name](SHARED / folder)
    assert {frame: frames[frame].num_rows for frame in counts} == counts
    assert Counter(frames["interactions"]["split"].to_pylist()) == parts
    for frame, table in frames.items():
        spec = FRAMES[frame]
        if spec.key:
            assert len(table[spec.key].unique()) == table.num_rows
        for column in spec.columns:
            if column.references:
                key = FRAMES[column.references].key
                known = set(frames[column.references][key].to_pylist()) | {None}
                assert set(table[column.name].to_pylist()) <= known
