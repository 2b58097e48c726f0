"""Readers of public data sets: hand-written files for the rules, the real ones for the counts."""

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pyarrow.compute as pc
import pytest

from reco.errors import InvalidInput
from reco.frames.schema import FRAMES
from training.datasets.readers import READERS

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"


def written(folder, files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def by_id(table, key):
    return {row[key]: row for row in table.to_pylist()}


YELP = {
    "train.txt": "0\t1\t5\n",
    "tune.txt": "0\t2\t1\n",
    "test.txt": "3\t1\t2\n",
    "poiCoos.txt": "1\t40.5\t-80.1\n2\t41.5\t-81.1\n",
    "poiCategories.txt": "1\t9\n1\t4\n",
}


def test_yelp_need_not_say_what_settings_are_chosen_by(tmp_path):
    whole = READERS["yelp-poi"](written(tmp_path / "whole", YELP))
    files = {name: text for name, text in YELP.items() if name != "tune.txt"}
    cut = READERS["yelp-poi"](written(tmp_path / "cut", files))
    assert cut["items"] == whole["items"]
    assert cut["interactions"]["split"].to_pylist() == ["train", "test"]


def test_yelp_keeps_the_parts_and_counts(tmp_path):
    frames = READERS["yelp-poi"](written(tmp_path, YELP))
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


def test_lightgcn_trains_on_all_of_its_training_file(tmp_path):
    cut = {"fit.txt": "0 5\n", "valid.txt": "\ufeff0 6\n"}
    frames = READERS["lightgcn"](written(tmp_path, LINES | cut))
    rows = [(r["user_id"], r["offer_id"], r["split"]) for r in frames["interactions"].to_pylist()]
    assert sorted(rows) == [
        ("u0", "i5", "train"),
        ("u0", "i6", "valid"),
        ("u1", "i6", "test"),
        ("u2", "i5", "train"),
    ]


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_missing_file_is_named(name, tmp_path):
    with pytest.raises(InvalidInput, match="there is no file"):
        READERS[name](tmp_path)


@pytest.mark.parametrize("item", ["five", str(2**63)])
def test_what_is_no_number_is_named(item, tmp_path):
    written(tmp_path, LINES | {"train.txt": f"0 {item}\n"})
    with pytest.raises(InvalidInput, match=r"train.txt.*whole numbers"):
        READERS["lightgcn"](tmp_path)


@pytest.mark.parametrize(
    ("at", "told"),
    [("1089471586219", "is outside the years 1 to 8999"), ("1e30", "is no moment in s since 1970")],
)
def test_a_moment_that_no_calendar_has_is_told(tmp_path, at, told):
    files = {
        "ratings.csv": f"userId,movieId,rating,timestamp\n1,7,4.0,{at}\n",
        "movies.csv": "movieId,title,genres\n7,A,Drama\n",
    }
    with pytest.raises(InvalidInput, match=f"ratings.csv: line 2, column timestamp: '.*' {told}"):
        READERS["movielens"](written(tmp_path, files))


RATED = {
    "ratings.csv": "userId,movieId,rating,timestamp\n1,7,4.0,0\n",
    "movies.csv": 'movieId,title,genres\n7,"A, twice\nas long",Drama\n\n   \n8,B,War\n',
}


@pytest.mark.parametrize(
    ("file", "line", "told"),
    [
        ("movies.csv", "7,C,War", "line 7, column movieId: '7' is there twice"),
        ("movies.csv", ",C,War", "line 7, column movieId: is empty"),
        ("movies.csv", "9,C\0,War", r"line 7, column title: 'C\\x00' holds a NUL"),
        ("ratings.csv", "1,9,4.0,0", "line 3, column movieId: '9' is not in movies.csv"),
        ("ratings.csv", ",7,4.0,0", "line 3, column userId: is empty"),
        ("ratings.csv", "1,,4.0,0", "line 3, column movieId: is empty"),
        ("ratings.csv", "1,7,good,0", "line 3, column rating: 'good' is no number"),
        ("ratings.csv", "1,7,inf,0", "line 3, column rating: 'inf' is outside"),
        ("ratings.csv", "1,7,4.0,noon", "line 3, column timestamp: 'noon' is no number"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";"])
def test_what_is_wrong_with_films_and_ratings_is_told_by_their_lines(
    tmp_path, file, line, told, separator
):
    files = RATED | {file: RATED[file] + line + "\n"}
    if separator == ";":
        files = {
            name: text.replace(",", ";").replace("A; twice", "A, twice")
            for name, text in files.items()
        }
    with pytest.raises(InvalidInput, match=rf"{file}: {told}"):
        READERS["movielens"](written(tmp_path, files))


@pytest.mark.parametrize("line", ["0\tone\t5\n", "0\t1\n", "0\t1\t2\n3\t1\n", ""])
def test_a_line_without_its_three_numbers_is_named(line, tmp_path):
    with pytest.raises(InvalidInput, match=r"train.txt"):
        READERS["yelp-poi"](written(tmp_path, {"train.txt": line}))


REAL = {
    "meetup": (
        "meetup_montana",
        {
            "items": 551,
            "venues": 269,
            "offers": 605,
            "stocks": 1391,
            "users": 1757,
            "bookings": 7616,
        },
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


@pytest.fixture(scope="module")
def real():
    """Read a data set once, or skip the test."""

    @cache
    def read(name):
        folder = SHARED / REAL[name][0]
        if not folder.is_dir():
            pytest.skip(f"the data set {folder.name} is not beside the project (../shared/data)")
        return READERS[name](folder)

    return read


@pytest.mark.parametrize("name", sorted(REAL))
def test_real_counts(name, real):
    _, counts, parts = REAL[name]
    frames = real(name)
    assert {frame: frames[frame].num_rows for frame in counts} == counts
    assert Counter(frames["interactions"]["split"].to_pylist()) == parts


@pytest.mark.parametrize("name", sorted(REAL))
def test_real_references_hold_and_every_offer_can_be_booked(name, real):
    frames = real(name)
    for frame, table in frames.items():
        spec = FRAMES[frame]
        if spec.key:
            assert len(table[spec.key].unique()) == table.num_rows
        for column in spec.columns:
            if column.references:
                known = frames[column.references][FRAMES[column.references].key]
                assert pc.all(pc.is_in(table[column.name].drop_null(), known)).as_py() is not False
    bookable = frames["stocks"]["offer_id"]
    assert pc.all(pc.is_in(frames["offers"]["offer_id"], bookable)).as_py()
