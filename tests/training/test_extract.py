"""Events from frames and from the database: the same, in the same order."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from features.interactions import EVENT_KINDS, Events
from reco.db.arrays import micros
from reco.errors import InvalidInput
from reco.frames.files import write_frames
from reco.frames.importing import import_frames
from reco.frames.schema import FRAMES
from reco.frames.sources import FolderSource, MemorySource
from reco.frames.tables import frame_table
from training.booked import booked_in_database, booked_in_frames
from training.extract import events_from_database, events_from_frames, events_from_source
from training.market import market_of
from training.split import naive_utc

_COLUMNS = tuple(Events.__dataclass_fields__)


def silent(what, rows, share):
    del what, rows, share


def random_frames(seed, events):
    """Return frames in which people look at, keep and book things at random, often twice."""
    rng = np.random.default_rng(seed)
    users = np.array([f"é{number}" for number in rng.permutation(15)])
    items = np.array([f"item-{number}" for number in rng.permutation(12)])
    offers = np.array([f"offer {number}" for number in rng.permutation(20)])

    def some(values, size=events):
        return pa.array(rng.choice(values, size))

    def moments(size=events):
        return pa.array(rng.integers(0, 5, size) * 10**15 + 7).cast(pa.timestamp("us", "UTC"))

    def partly(values):
        return pa.array(values.to_pylist(), values.type, mask=rng.random(events) < 0.5)

    booked_at = moments(15)
    later = [None, 10**15, 2 * 10**15] * 5
    cancelled_at = [
        None if after is None else moment + after
        for moment, after in zip(booked_at.cast(pa.int64()).to_pylist(), later, strict=True)
    ]
    columns = {
        "items": {
            "item_id": items,
            "category": some(["A", "B"], 12),
            "genre": some(["folk|jazz", "folk", ""], 12),
        },
        "venues": {"venue_id": ["v"], "lon": [1.0], "lat": [2.0]},
        "offers": {"offer_id": offers, "item_id": some(items[:8], 20)},
        "stocks": {"stock_id": offers, "offer_id": offers, "price_eur": np.zeros(20)},
        "users": {"user_id": users},
        "bookings": {
            "user_id": users,
            "stock_id": some(offers, 15),
            "quantity": np.ones(15, dtype=int),
            "amount_eur": np.zeros(15),
            "booked_at": booked_at,
            "cancelled_at": pa.array(cancelled_at).cast(pa.timestamp("us", "UTC")),
        },
        "interactions": {
            "user_id": some(users),
            "offer_id": some(offers),
            "kind": some(EVENT_KINDS),
            "at": partly(moments()),
            "value": partly(pa.array(rng.integers(1, 5, events) / 4)),
            "split": partly(some(["train", "valid", "test"])),
        },
    }
    return {name: frame_table(name, columns[name]) for name in FRAMES if name in columns}


def assert_same(left, right):
    for column in _COLUMNS:
        np.testing.assert_array_equal(getattr(left, column), getattr(right, column), column)
        assert getattr(left, column).dtype == getattr(right, column).dtype


def in_us(moment):
    return moment and micros(moment)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_files_and_database_give_the_same_events(world, tmp_path, file_format):
    frames = random_frames(seed=3, events=3_000)
    write_frames(frames, tmp_path / "frames", file_format)
    import_frames(world, FolderSource(tmp_path / "frames"), silent)
    from_files = events_from_frames(tmp_path / "frames")
    assert_same(from_files, events_from_database(world.conninfo))
    # At the very moment at which some were booked, and others cancelled.
    cutoff = np.datetime64(2 * 10**15 + 7, "us")
    stood, stand = from_files.standing(cutoff), from_files.standing()
    assert len(stand) < len(stood) < len(from_files)
    assert len(stand) < 3_000 + 10
    assert len(from_files.items) == 12
    users = [user.decode() for user in from_files.users[:9]]
    from_files, from_database = (
        {
            (one.user_id, one.item_id, *map(in_us, (one.at, one.cancelled_at)), one.values)
            for one in booked
        }
        for booked in (
            booked_in_frames(tmp_path / "frames", users),
            booked_in_database(world.conninfo, users),
        )
    )
    assert from_files == from_database
    assert {row[3] is None for row in from_files} == {True, False}
    assert {row[0] for row in from_files} == set(users)
    values = frozenset().union(*(row[4] for row in from_files))
    assert {("genre", "folk"), ("genre", "jazz"), ("category", "A")} <= values


def test_the_order_of_a_file_does_not_matter(tmp_path):
    frames = random_frames(seed=4, events=50)
    write_frames(frames, tmp_path / "frames", "csv")
    backwards = {
        name: table.take(pa.array(range(len(table))[::-1])) for name, table in frames.items()
    }
    write_frames(backwards, tmp_path / "backwards", "csv")
    assert_same(events_from_frames(tmp_path / "frames"), events_from_frames(tmp_path / "backwards"))


def small_frames():
    times = pa.array(["2026-03-01T10:00:00.5Z", None, "2026-03-02T10:00:00Z"])
    return {
        **{name: spec.arrow_schema().empty_table() for name, spec in FRAMES.items()},
        "items": frame_table("items", {"item_id": ["b", "a"], "category": ["X", "Y"]}),
        "offers": frame_table("offers", {"offer_id": ["o1", "o2"], "item_id": ["b", "a"]}),
        "stocks": frame_table(
            "stocks", {"stock_id": ["s"], "offer_id": ["o2"], "price_eur": [1.0]}
        ),
        "users": frame_table("users", {"user_id": ["u", "nobody"]}),
        "bookings": frame_table(
            "bookings",
            {
                "user_id": ["u", "u"],
                "stock_id": ["s", "s"],
                "quantity": [1, 1],
                "amount_eur": [1.0, 1.0],
                "booked_at": times.take([0, 2]).cast(pa.timestamp("us", "UTC")),
                "cancelled_at": times.take([1, 2]).cast(pa.timestamp("us", "UTC")),
            },
        ),
        "interactions": frame_table(
            "interactions",
            {
                "user_id": ["u", "u"],
                "offer_id": ["o1", "o1"],
                "kind": ["view", "click"],
                "at": times.take([0, 1]).cast(pa.timestamp("us", "UTC")),
                "value": [None, 2.5],
                "split": ["test", None],
            },
        ),
    }


def test_events_say_who_did_what_and_when(tmp_path):
    write_frames(small_frames(), tmp_path / "frames", "parquet")
    events = events_from_frames(tmp_path / "frames").standing()
    assert events.category.tolist() == [1, 0]
    assert events.users.tolist() == [b"nobody", b"u"]
    assert events.items.tolist() == [b"a", b"b"]
    assert events.user.tolist() == [1, 1, 1]
    found = {
        (events.items[item], EVENT_KINDS[kind], None if np.isnat(at) else at.item().isoformat())
        for item, kind, at in zip(events.item, events.kind, events.at, strict=True)
    }
    assert found == {
        (b"b", "click", None),
        (b"b", "view", "2026-03-01T10:00:00.500000"),
        # The booking that was cancelled is none.
        (b"a", "booking", "2026-03-01T10:00:00.500000"),
    }
    value = events.value[events.kind == EVENT_KINDS.index("click")]
    assert value.tolist() == [2.5]
    assert np.isnan(events.value).sum() == 2
    assert sorted(events.split.tolist()) == [-1, -1, 2]


CUTOFF = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cutoff", "stands"),
    [(None, [1, 12]), (CUTOFF, [1, 3, 4, 12]), (CUTOFF.replace(day=2), [1, 12])],
)
def test_what_is_cancelled_after_a_cutoff_stood_there(tmp_path, cutoff, stands):
    """By the day of March on which each was booked: for the model, the market and the gate."""
    days = {1: None, 2: 9, 3: 10, 4: 11, 10: 11, 11: 13, 12: None}
    moments = [
        pa.array([day and CUTOFF.replace(day=day) for day in some], pa.timestamp("us", "UTC"))
        for some in (days, days.values())
    ]
    frames = small_frames()
    frames["bookings"] = frame_table(
        "bookings",
        {
            **{name: [of] * len(days) for name, of in (("user_id", "u"), ("stock_id", "s"))},
            **{name: [1] * len(days) for name in ("quantity", "amount_eur")},
            **dict(zip(("booked_at", "cancelled_at"), moments, strict=True)),
        },
    )
    told = events_from_source(MemorySource(frames))
    events = told.standing(naive_utc(cutoff) if cutoff else None)
    booked = events.at[events.kind == EVENT_KINDS.index("booking")]
    assert [at.item().day for at in booked] == stands
    market = market_of(frames, told, cutoff)
    assert len(market.events) == len(events)
    for told_us in (market.booked_at_us, market.spent_at_us):
        np.testing.assert_array_equal(told_us, booked.astype(np.int64))
    write_frames(frames, tmp_path / "frames", "parquet")
    offers = booked_in_frames(tmp_path / "frames", ["u"])
    assert len(offers) == len(days)
    assert sorted(one.at.day for one in offers if one.stands(cutoff)) == stands


def test_a_booking_that_was_cancelled_and_made_again_at_once_stands():
    def of_days(*days):
        moments = [day and CUTOFF.replace(day=day) for day in days]
        return pa.array(moments, pa.timestamp("us", "UTC"))

    frames = small_frames()
    frames["bookings"] = frame_table(
        "bookings",
        {
            **{name: [of] * 3 for name, of in (("user_id", "u"), ("stock_id", "s"))},
            **{name: [1] * 3 for name in ("quantity", "amount_eur")},
            "booked_at": of_days(3, 3, 3),
            "cancelled_at": of_days(4, None, 5),
        },
    )
    events = events_from_source(MemorySource(frames))
    is_booking = events.kind == EVENT_KINDS.index("booking")
    assert events.stands()[is_booking].tolist() == [True]


def test_a_world_without_a_row_has_no_events(world):
    events = events_from_database(world.conninfo)
    assert (len(events), len(events.users), len(events.items)) == (0, 0, 0)


@pytest.mark.parametrize("name", ["users", "items", "offers"])
def test_what_is_there_twice_is_named(name, tmp_path):
    frames = small_frames()
    frames[name] = pa.concat_tables([frames[name], frames[name].slice(0, 1)])
    write_frames(frames, tmp_path / "frames", "csv")
    field = f"{name}.{name[:-1]}_id"
    with pytest.raises(InvalidInput, match=f"{field}: .* is there twice"):
        events_from_frames(tmp_path / "frames")


def test_an_offer_that_does_not_exist_is_named(tmp_path):
    frames = small_frames()
    frames["interactions"] = frame_table(
        "interactions", {"user_id": ["u"], "offer_id": ["o3"], "kind": ["view"]}
    )
    write_frames(frames, tmp_path / "frames", "csv")
    with pytest.raises(InvalidInput, match=r"interactions\.offer_id: 'o3' does not exist"):
        events_from_frames(tmp_path / "frames")
