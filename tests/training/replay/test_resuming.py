"""A run goes on with the same people, data, secret and code alone, and beside another process."""

import os
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plain_world import START, plain_world

from reco.errors import InvalidInput
from reco.frames.sources import MemorySource
from reco.frames.tables import frame_table
from training.replay.evaluation import Evaluation
from training.replay.folder import write_whole
from training.replay.outcome import evaluate
from training.replay.plan import Plan
from training.replay.reading import past_from_folder, past_from_source
from training.replay.slates import System

PLAN = Plan(
    (System("likeliest", None, 1.0), System("wide", None, 0.5, 30.0)),
    START, 1, n=8, radius_m=5e4, users=10, everybody=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    return past_from_folder(plain_world(1).write(tmp_path_factory.mktemp("plain") / "frames"))


def run_in(past, folder, *, key=b"a key", begun_at="first", code="a" * 40):
    about = {"world": "plain", "source": "rows", "begun_at": begun_at, "code_revision": code}
    return evaluate(
        Evaluation(past, PLAN, key), folder, workers=1, progress=lambda *_: None, about=about
    )


def without_last_booking(past):
    rows = np.arange(len(past.bookings.stock) - 1)
    columns = {name: column[rows] for name, column in vars(past.bookings).items()
               if name != "start"}  # fmt: skip
    start = np.minimum(past.bookings.start, len(rows))
    return replace(past, bookings=replace(past.bookings, start=start, **columns))


def with_a_cancellation(past):
    cancelled_us = past.bookings.cancelled_us.copy()
    cancelled_us[np.argmax(cancelled_us)] = past.bookings.at_us.max()
    return replace(past, bookings=replace(past.bookings, cancelled_us=cancelled_us))


@pytest.fixture
def begun(past, tmp_path):
    """A folder whose run was stopped before it was summed up."""
    kept, _ = run_in(past, tmp_path / "run")
    (kept.path / "summary.json").unlink()
    return kept


@pytest.mark.parametrize(
    ("change", "other"),
    [
        ({"code": "b" * 40}, "code"),
        ({"key": b"another key"}, "people, data, secret"),
        ({"past": without_last_booking}, "data"),
        ({"past": with_a_cancellation}, "data"),
    ],
)
def test_what_was_begun_goes_on_as_it_was_begun(past, begun, change, other):
    asked = {"past": change["past"](past)} if "past" in change else {"past": past, **change}
    with pytest.raises(InvalidInput, match=f"holds another evaluation, of other {other};"):
        run_in(folder=begun.path, **asked)
    assert not begun.is_finished


def test_the_first_beginning_is_kept(past, begun):
    run_in(past, begun.path, begun_at="later")
    assert begun.is_finished
    assert begun.manifest()["begun_at"] == "first"


def test_a_finished_run_is_only_read_again(past, tmp_path):
    kept, summary = run_in(past, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in kept.path.rglob("*")}
    again, told = run_in(past, tmp_path / "run", begun_at="later")
    assert told == summary
    assert {path: path.stat().st_mtime_ns for path in again.path.rglob("*")} == before


def test_what_another_process_has_not_finished_is_not_read(past, begun):
    (file,) = begun.people.iterdir()
    for name in (f".{file.name}.1.unfinished", "half.unfinished"):
        (begun.people / name).write_bytes(file.read_bytes()[:100])
    rows = begun.rows()
    assert len(rows) == len(pq.read_table(file)) > 0
    run_in(past, begun.path)
    assert begun.is_finished


def test_two_processes_that_write_one_file_do_not_meet(tmp_path, monkeypatch):
    file = tmp_path / "summary.json"

    def while_another_writes(unfinished):
        unfinished.write_text("mine")
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: -1)
            write_whole(file, lambda other: other.write_text("theirs"))
        assert file.read_text() == "theirs"

    write_whole(file, while_another_writes)
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


def test_a_run_of_people_who_had_booked_nothing_can_be_told(tmp_path):
    """No first category, title, subcategory or type of venue is known of anything."""
    frames = {
        "items": frame_table("items", {"item_id": ["i"], "category": ["LIVRE"]}),
        "venues": frame_table("venues", {"venue_id": ["v"], "lon": [5.7], "lat": [45.2]}),
        "offers": frame_table("offers", {"offer_id": ["o"], "item_id": ["i"], "venue_id": ["v"]}),
        "stocks": frame_table("stocks", {"stock_id": ["s"], "offer_id": ["o"], "price_eur": [0.0]}),
        "users": frame_table("users", {"user_id": ["a", "b"], "lon": [5.7] * 2, "lat": [45.2] * 2}),
        "interactions": frame_table("interactions", {
            "user_id": ["a", "b"], "offer_id": ["o", "o"], "kind": ["booking", "booking"],
            "at": pa.array([START + (PLAN.end - START) * 0.99] * 2),
        }),
    }  # fmt: skip
    kept, summary = run_in(past_from_source(MemorySource(frames)), tmp_path / "run")
    assert summary.people == 2
    rows = kept.rows()
    assert rows["first_category"].to_pylist() == [None] * 4
    told = {(name, column): kept.table(name).schema.field(column).type
            for name, column in (("items", "title"), ("items", "subcategory"),
                                 ("venues", "name"), ("venues", "venue_type"))}  # fmt: skip
    assert set(told.values()) == {pa.string()}
    assert rows.schema.field("first_category").type == pa.string()
